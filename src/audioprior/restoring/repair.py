"""Repairing: samples that are missing, or known by bounds only, are inferred; all others stay bit-exact.

The work is done in blocks around the damage, so that a click in an hour of music costs what a click costs. What is damaged,
and the first guess, are the matter of the tasks that use this: `inpaint`, `declip`, `declick`.
"""

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from audioprior.damage.findings import Bounds, Damage, true_runs
from audioprior.errors import SettingsError
from audioprior.model.fit import generator
from audioprior.model.gaussian import Frames
from audioprior.model.observation import Observation, merge
from audioprior.observations.clip import ClipObservation
from audioprior.observations.gap import GapObservation
from audioprior.restoring.work import Block, Inputs, Kept, Plan, Seat, pieces, processor
from audioprior.settings.methods import Method
from audioprior.sound.source import Source
from audioprior.sound.spectrum import Transform
from audioprior.sound.views import Difference, Patched, Removed
from audioprior.tasks import Run

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


class Repairing:
    """A repair at work: see `Work`."""

    def __init__(
        self, inputs: Inputs, run: Run, damage: Damage, guess: Guess, *, fill: str = "mean", samples: int = 1
    ) -> None:
        """Lay out the blocks.

        Args:
            inputs: what is repaired, "sound".
            run: the settings.
            damage: where.
            guess: gives the first guess that the fit starts from.
            fill: "mean" or "sample", as in `GapObservation`.
            samples: how many results to make.

        Raises:
            SettingsError: all of the recording is damaged.
        """
        self._sound = inputs["sound"]
        device = processor(run.task.device, run.task.kind)
        if damage.covers(self._sound.length):
            raise SettingsError("all of the recording is marked as damaged; leave something to learn from.")
        context, most = (round(s * self._sound.sample_rate) for s in (run.method.context_s, run.method.block_s))
        self._patches = patches(damage.runs, self._sound.length, context, most)
        spans = [(patch.start, patch.end) for patch in self._patches]
        self.plan = Plan(inputs, device, spans, damage.findings)
        self._damage, self._guess, self._fill, self._samples = damage, guess, fill, samples
        self._windows_ms, self._seed = run.method.windows_ms, run.task.seed

    def begin(self, number: int, method: Method, kept: Kept) -> Block:  # noqa: ARG002 (blocks know nothing of each other)
        """Return what is fitted in a block."""
        start, end = self.plan.spans[number - 1]
        rate = self._sound.sample_rate
        samples = self._sound.read(start, end)
        bounds = self._damage.at(start, samples)
        level = float(samples.square().mean().sqrt()) or 1.0
        samples, bounds = samples / level, bounds.scaled(1 / level)
        windows = dict.fromkeys(_bearable(Transform.of(rate, ms).window, bounds) for ms in self._windows_ms)
        guess = self._guess(samples, bounds, rate)
        seats = {1000 * w / rate: self._seat(samples, bounds, guess, w, number, method) for w in windows}
        observations = [seat.observation for seat in seats.values()]
        return Block(seats, partial(self._merge, observations, level))

    def _merge(self, observations: list[Observation], level: float, powers: list[Tensor]) -> Tensor:
        """Return a block with its damage repaired."""
        estimates = [seen.estimate(power) for seen, power in zip(observations, powers, strict=True)]
        # The mean of several samples of a posterior would lose what samples are for: energy.
        whole = merge(estimates) if self._fill == "mean" else min(estimates, key=lambda each: each.error_power).sound
        return whole * level

    def end(self, number: int, sounds: Sequence[Callable[[], Tensor]]) -> list[Tensor]:
        """Return the repaired passage of a block, and as many more as were asked for; what is whole in it is as it was."""
        patch = self._patches[number - 1]
        original = self._sound.read(patch.kept_start, patch.kept_end)
        missing = self._damage.at(patch.kept_start, original).missing
        inside = slice(patch.kept_start - patch.start, patch.kept_end - patch.start)
        return [torch.where(missing, sounds[-1]()[:, inside], original) for _ in range(self._samples)]

    def sounds(self, kept: Kept) -> Mapping[str, Source]:
        """Return the restored sound, what was removed of it, and further ones as plausible."""
        first, *others = (self._patched(kept, place) for place in range(self._samples))
        removed = Removed(self._sound, first)
        further: dict[str, Source] = {f"restored.{number}": sound for number, sound in enumerate(others, 2)}
        return {"restored": Difference(self._sound, removed), "removed": removed, **further}

    def _patched(self, kept: Kept, place: int) -> Source:
        spans = [(patch.kept_start, patch.kept_end) for patch in self._patches]
        return Patched(self._sound, spans, pieces(kept, place))

    def _seat(self, samples: Tensor, bounds: Bounds, guess: Tensor, window: int, number: int, method: Method) -> Seat:
        frames, numbers = Frames(window, samples.shape[1]), generator(self._seed, number, window)
        observation: GapObservation
        if bounds.bounded:
            # Sites are approximate anyway, and a third of all samples can be clipped: half the precision, half the time.
            observation = ClipObservation(
                samples.float(),
                bounds.low.float(),
                bounds.high.float(),
                frames,
                start=guess.float(),
                renew_every=method.renew_every,
                generator=numbers,
            )
        else:
            spots = torch.cat([true_runs(mask) for mask in bounds.missing])
            long = int((spots[:, 1] - spots[:, 0]).max()) if len(spots) else 0
            precision = torch.float64 if long <= _EXACT_S * self._sound.sample_rate else torch.float32
            observation = GapObservation(
                samples.to(precision),
                bounds.missing,
                frames,
                start=guess.to(precision),
                renew_every=method.renew_every,
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
        runs: (number, 2), start and end of each run of damage, rising and apart.
        length: of the recording.
        context: samples looked at on either side of damage.
        most: samples of damage and sound between that one block keeps.
    """
    if not len(runs):
        return []
    starts, ends = runs.T
    apart = (starts[1:] - ends[:-1] >= 2 * context).nonzero()[:, 0] + 1
    borders = [0, *apart.tolist(), len(runs)]
    found = []
    for a, b in itertools.pairwise(borders):
        first, end = int(starts[a]), int(ends[b - 1])
        count = -(-(end - first) // most)
        edges = [first + round(i * (end - first) / count) for i in range(count + 1)]
        found += [Patch(max(0, s - context), min(length, e + context), s, e) for s, e in itertools.pairwise(edges)]
    return found


def silence(samples: Tensor, bounds: Bounds, sample_rate: int) -> Tensor:  # noqa: ARG001 (as all guesses)
    """Guess nothing: frames weigh in the first fit by what was heard of them."""
    return samples.masked_fill(bounds.missing, 0.0)
