"""Repairing a recording: samples that are missing, or known by bounds only, are inferred; all others stay bit-exact.

The work is done in blocks around the damage, so that a click in an hour of music costs what a click costs.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from audioprior.classical import spade
from audioprior.damage.clicks import find_clicks
from audioprior.damage.clipping import find_clipping
from audioprior.damage.findings import Bounds, Damage, true_runs
from audioprior.damage.gaps import find_gaps, marked
from audioprior.errors import SettingsError
from audioprior.model.fit import generator
from audioprior.model.gaussian import Frames
from audioprior.model.observation import Observation, merge
from audioprior.observations.clip import ClipObservation
from audioprior.observations.gap import GapObservation
from audioprior.restoring.job import Block, Job, Result, Seat
from audioprior.sound.recording import Recording
from audioprior.sound.spectrum import Transform
from audioprior.tasks import Declick, Declip, Inpaint, Run

_SPADE_MS = 64.0
_EXACT_S = 0.05  # longer gaps are solved in float32: their matrices have thousands of rows

_MOST_BOUNDED, _SHORTEST = 500, 256  # samples known by bounds in a window (cubic mean); and of the shortest window

Guess = Callable[[Tensor, Bounds, int], Tensor]
"""A first guess at one block: samples (channel, time), what is known of them, and the sample rate in Hz."""


@dataclass(frozen=True)
class Patch:
    """A block: the samples that are looked at, and those of them whose repair is kept (all in samples of the recording)."""

    start: int
    end: int
    kept_start: int
    kept_end: int


class Repairing(Job):
    """A repair in progress: iterate over it, and ask for `result()` at the end or earlier."""

    recording: Recording

    def __init__(
        self, recording: Recording, run: Run, damage: Damage, guess: Guess, *, fill: str = "mean", samples: int = 1
    ) -> None:
        """Check the settings against the recording; the work begins with the iteration.

        Args:
            recording: what is repaired.
            run: the settings.
            damage: where.
            guess: gives the first guess that the fit starts from.
            fill: "mean" or "sample", as in `GapObservation`.
            samples: how many results to make.

        Raises:
            SettingsError: all of the recording is damaged.
        """
        if damage.covers(recording.length):
            raise SettingsError("all of the recording is marked as damaged; leave something to learn from.")
        method, length = run.method, recording.samples.shape[1]
        context, most = (round(s * recording.sample_rate) for s in (method.context_s, method.block_s))
        self._patches = patches(damage.runs, length, context, most)
        super().__init__(recording, run, [(p.start, p.end) for p in self._patches])
        self._damage, self._guess, self._fill = damage, guess, fill
        self._repaired = [recording.samples.clone() for _ in range(samples)]
        self.findings = damage.findings

    def begin(self, number: int) -> Block:
        """Return what is fitted in a block."""
        start, end = self.blocks[number - 1]
        rate = self.recording.sample_rate
        samples = self.recording.read(start, end)
        bounds = self._damage.at(start, samples)
        level = float(samples.square().mean().sqrt()) or 1.0
        samples, bounds = samples / level, bounds.scaled(1 / level)
        windows = dict.fromkeys(_bearable(Transform.of(rate, ms).window, bounds) for ms in self._run.method.windows_ms)
        guess = self._guess(samples, bounds, rate)
        seats = {1000 * w / rate: self._seat(samples, bounds, guess, w, number) for w in windows}
        observations = [seat.observation for seat in seats.values()]
        return Block(seats, partial(self._merge, observations, level))

    def _merge(self, observations: list[Observation], level: float, powers: list[Tensor]) -> Tensor:
        """Return a block with its damage repaired."""
        estimates = [one.estimate(power) for one, power in zip(observations, powers, strict=True)]
        # The mean of several samples of a posterior would lose what samples are for: energy.
        whole = merge(estimates) if self._fill == "mean" else min(estimates, key=lambda one: one.error_power).sound
        return whole * level

    def end(self, number: int, sound: Callable[[], Tensor]) -> None:
        """Put the repaired samples of a block in their places, and draw as many more as were asked for."""
        patch = self._patches[number - 1]
        kept = slice(patch.kept_start, patch.kept_end)
        inside = slice(patch.kept_start - patch.start, patch.kept_end - patch.start)
        original = self.recording.read(patch.kept_start, patch.kept_end)
        missing = self._damage.at(patch.kept_start, original).missing
        for repaired in self._repaired:
            repaired[:, kept] = torch.where(missing, sound()[:, inside], repaired[:, kept])

    def result(self) -> Result:
        """Return what is repaired so far."""
        first, *others = self._repaired
        result = self._result_of(self.recording, self.recording.samples - first)
        return replace(result, others=tuple(self.recording.with_samples(one) for one in others))

    def _seat(self, samples: Tensor, bounds: Bounds, guess: Tensor, window: int, number: int) -> Seat:
        run, frames = self._run, Frames(window, samples.shape[1])
        numbers = generator(run.task.seed, number, window)
        observation: GapObservation
        if bounds.bounded:
            # Sites are approximate anyway, and a third of all samples can be clipped: half the precision, half the time.
            observation = ClipObservation(
                samples.float(),
                bounds.low.float(),
                bounds.high.float(),
                frames,
                start=guess.float(),
                renew_every=run.method.renew_every,
                generator=numbers,
            )
        else:
            long = max(end - start for mask in bounds.missing for start, end in true_runs(mask).tolist() or [(0, 0)])
            precision = torch.float64 if long <= _EXACT_S * self.recording.sample_rate else torch.float32
            observation = GapObservation(
                samples.to(precision),
                bounds.missing,
                frames,
                start=guess.to(precision),
                renew_every=run.method.renew_every,
                generator=numbers,
                fill=self._fill,
            )
        return Seat(observation, numbers)


def _bearable(window: int, bounds: Bounds) -> int:
    """Return the longest of a window, its half, its quarter ... that the exact solver can bear.

    Its cost goes with the third power of the missing samples in a window. A gap is worth that; where half of all samples are
    clipped it would take minutes for each second.
    """
    if not bounds.bounded:
        return window
    total = torch.nn.functional.pad(bounds.missing.cumsum(1), (1, 0)).double()
    while window > _SHORTEST:
        inside = total[:, window::window] - total[:, :-window:window]
        if float(inside.pow(3).mean()) <= _MOST_BOUNDED**3:
            break
        window //= 2
    return window


def patches(runs: Tensor, length: int, context: int, most: int) -> list[Patch]:
    """Return the blocks that repair some places.

    Args:
        runs: (number, 2), start and end of each damaged place, rising and apart.
        length: of the recording.
        context: samples looked at on either side of damage.
        most: samples of damage and sound between that one block keeps.
    """
    if not len(runs):
        return []
    apart = (runs[1:, 0] - runs[:-1, 1] >= 2 * context).nonzero()[:, 0] + 1
    borders = [0, *apart.tolist(), len(runs)]
    found = []
    for a, b in itertools.pairwise(borders):
        first, end = int(runs[a, 0]), int(runs[b - 1, 1])
        count = -(-(end - first) // most)
        edges = [first + round(i * (end - first) / count) for i in range(count + 1)]
        found += [Patch(max(0, s - context), min(length, e + context), s, e) for s, e in itertools.pairwise(edges)]
    return found


def gaps(recording: Recording, run: Run, task: Inpaint) -> Repairing:
    """Return the job that fills the marked gaps, or those that are found.

    Raises:
        SettingsError: a gap lies outside the recording, or is all of it.
    """
    damage = marked(recording, task.gaps) if task.gaps else find_gaps(recording)
    return Repairing(recording, run, damage, _silence, fill=task.fill, samples=task.samples)


def clipping(recording: Recording, run: Run, task: Declip) -> Repairing:
    """Return the job that infers clipped peaks."""
    level = None if task.level is None else 10 ** (task.level / 20)
    return Repairing(recording, run, find_clipping(recording, level), _sparse)


def clicks(recording: Recording, run: Run, task: Declick) -> Repairing:
    """Return the job that takes out clicks.

    Raises:
        SettingsError: a finding to leave alone was not found.
    """
    damage = find_clicks(recording, task.sensitivity, task.keep)
    if max(task.keep, default=0) > len(damage.findings):
        raise SettingsError(
            f"keep names finding {max(task.keep)}, but {len(damage.findings)} were found; keep numbers as they are listed."
        )
    return Repairing(recording, run, damage, _silence)


def _silence(samples: Tensor, bounds: Bounds, sample_rate: int) -> Tensor:  # noqa: ARG001 (as all guesses)
    """Guess nothing: frames weigh in the first fit by what was heard of them."""
    return samples.masked_fill(bounds.missing, 0.0)


def _sparse(samples: Tensor, bounds: Bounds, sample_rate: int) -> Tensor:
    """Guess by sparsity: where a third of all samples is cut off, the cut recording itself would mislead the first fit."""
    window = Transform.of(sample_rate, _SPADE_MS).window
    known = samples.clamp(bounds.low, bounds.high)
    return torch.stack([spade.declip(*channel, window) for channel in zip(known, bounds.low, bounds.high, strict=True)])
