"""Restoring: a recording and settings in, a restored recording and what was removed out.

Nothing here, and nothing that it reaches, can take in a clean reference.
"""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from audioprior import priors, stopping
from audioprior.channels import principal_axes
from audioprior.errors import SettingsError
from audioprior.fitting import Fit, fit, generator
from audioprior.observations import Estimate, Observation
from audioprior.observations.image import ImageObservation
from audioprior.observations.noise import NoiseObservation
from audioprior.observations.noise_power import followed, long_transform, noise_power, to_shorter
from audioprior.presets import DEFAULT, method
from audioprior.profile import Profile, learn, read_profile
from audioprior.recording import Recording, as_recording
from audioprior.settings import Denoise, Method, Run
from audioprior.spectrum import Transform

_MERGE_SHARPNESS = 4  # windows are weighed by (expected error power)^-4: the best one decides, near ties average
_GRID = 2.0**-32  # what is removed is a multiple of this, so that adding it back is exact in float64


@dataclass(frozen=True)
class FitSummary:
    """What one fit did: which block and window it was, how far it went, which step was kept and why it stopped."""

    block: int
    window_ms: float
    steps: int
    chosen: int
    reason: str
    losses: tuple[float, ...]


@dataclass(frozen=True)
class Progress:
    """How far a restoration is.

    Attributes:
        block: the block that is being fitted, from 1.
        blocks: how many there are.
        step: within the block, from 1.
        steps: the most steps that a block can take.
        loss: mean misfit over the windows.
        estimate: gives this block's sound as it is now, (channel, time); costs time.
        start: first sample of the block.
    """

    block: int
    blocks: int
    step: int
    steps: int
    loss: float
    estimate: Callable[[], Tensor]
    start: int


@dataclass(frozen=True)
class Result:
    """A restored recording.

    Attributes:
        original: as it came in.
        restored: the result.
        removed: what was taken away; restored + removed == original, sample for sample. (Exactly so for all integer formats
            and 32-bit floats down to −175 dBFS; finer samples may round in the last bit of 64.)
        settings: everything that decided the result.
        fits: what each fit did.
        complete: False if it was stopped early: blocks that were not reached are as they came in.
        device: what it was computed on.
    """

    original: Recording
    restored: Recording
    removed: Recording
    settings: Run
    fits: tuple[FitSummary, ...] = ()
    complete: bool = True
    device: str = "cpu"

    @property
    def steps(self) -> int:
        """Steps taken, over all fits."""
        return sum(one.steps for one in self.fits)

    def report(self, path: str | Path, *, force: bool = False) -> None:
        """Write a self-contained HTML report: players, spectrograms, the fit's curve, the settings."""
        from audioprior.report import write_report

        write_report(self, Path(path), force=force)


def denoise(
    sound: str | Path | Recording | Tensor | np.ndarray,
    *,
    sample_rate: int | None = None,
    method: str | Method = DEFAULT,
    settings: Denoise | None = None,
) -> Result:
    """Take the noise out of a recording.

    Args:
        sound: a file's path, a recording, or samples, (time,) or (channel, time), full scale 1.0.
        sample_rate: in Hz, for samples.
        method: a method's name, or one of your own.
        settings: strength, noise passage, seed, ...

    Raises:
        SettingsError: a setting makes no sense for this recording.
        AudioError: the file cannot be read.
        FitError: the fit failed.
    """
    job = Denoising(as_recording(sound, sample_rate), resolve(method, settings))
    for _ in job:
        pass
    return job.result()


def resolve(choice: str | Method, settings: Denoise | None = None) -> Run:
    """Return everything that decides a run, from a method's name (or a method) and what the user decided."""
    name = choice if isinstance(choice, str) else "custom"
    whole = method(choice) if isinstance(choice, str) else choice
    return Run(task="denoise", name=name, method=whole, denoise=settings or Denoise())


def pick_device(name: str) -> torch.device:
    """Return the device that a name means; "auto" is the best there is.

    Raises:
        SettingsError: there is no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise SettingsError(f"the device {name!r} is not available here; use --device auto.") from error
    return device


class Denoising:
    """A denoising in progress: iterate over it, and ask for `result()` at the end or earlier.

    The fits of a block, one a window length, go in lock-step, so that a whole estimate exists at each step.

    Attributes:
        recording: what is restored.
        blocks: first sample and end of each block.
    """

    def __init__(self, recording: Recording, run: Run) -> None:
        """Check the settings against the recording; the work begins with the iteration."""
        self.recording, self._run = recording, run
        self._device = pick_device(run.denoise.device)
        self._axes = principal_axes(recording.samples)
        # In units of its own loudness: no constant anywhere depends on the recording's level.
        self._level = float(recording.samples.square().mean().sqrt())
        self._sound = self._axes.analyse(recording.samples / self._level) if self._level else recording.samples[:0]
        self.blocks = _blocks(recording.samples.shape[1], recording.sample_rate, run.denoise)
        self._sum = torch.zeros_like(recording.samples)
        self._reached = 0
        self._live: list[Fit] = []  # the fits of the block that is being worked on
        self._fits: list[FitSummary] = []
        self._noise: dict[Transform, Tensor] = {}
        self._profile = _profile(recording, run.denoise.noise)

    def __iter__(self) -> Iterator[Progress]:
        """Yield progress until all blocks are restored."""
        if not self._level:  # digital silence
            self._reached = len(self.blocks)
        for number, (start, end) in enumerate(self.blocks[self._reached :], self._reached + 1):
            # Windows that come to the same length at this rate are fitted once.
            windows = dict.fromkeys(Transform.of(self.recording.sample_rate, ms) for ms in self._run.method.windows_ms)
            self._noise.clear()  # each block has its own
            fits = self._live = [self._fit(t, number, start, end) for t in windows]
            for steps in itertools.zip_longest(*fits):
                live = [step for step in steps if step is not None]
                yield Progress(
                    number,
                    len(self.blocks),
                    max(step.index for step in live),
                    self._run.method.stopping.max_steps,
                    sum(step.loss for step in live) / len(live),
                    lambda fits=fits: self._merge(fits),  # type: ignore[misc]
                    start,
                )
            self._sum[:, start:end] += self._merge(fits) * self.fade(number)
            self._reached, self._live = number, []
            self._fits += [_summary(number, t, one) for t, one in zip(windows, fits, strict=True)]

    def result(self) -> Result:
        """Return what is restored so far: finished blocks, the present one as far as it came, the rest as it was."""
        original = self.recording.samples
        complete = self._reached == len(self.blocks)
        restored = self._sum if self._level else original.clone()
        if not complete:
            restored = restored + self._present()
        removed = self._run.denoise.strength * (original - restored)
        removed = (removed / _GRID).round() * _GRID
        return Result(
            self.recording,
            self.recording.with_samples(original - removed),
            self.recording.with_samples(removed),
            self._run,
            tuple(self._fits),
            complete,
            str(self._device),
        )

    def total(self) -> Tensor:
        """Return the sum of all finished blocks, cross-faded: (channel, time)."""
        return self._sum

    def _fit(self, transform: Transform, number: int, start: int, end: int) -> Fit:
        run = self._run
        samples = self._sound[:, start:end].to(self._device, torch.float32)
        noise = self._noise_power(transform, samples)
        observation: Observation
        if run.method.observation == "image":
            observation = ImageObservation(samples, transform, noise)
        else:
            blind = self._profile is None
            observation = NoiseObservation(
                samples,
                transform,
                noise,
                rule=run.method.gain,
                max_reduction_db=run.denoise.max_reduction_db,
                renew_every=max(1, run.method.stopping.max_steps // 2) if blind else None,
            )
        numbers = generator(run.denoise.seed, number, transform.window)
        prior = priors.build(run.method.prior, planned_steps=run.method.stopping.max_steps, generator=numbers)
        return fit(observation, prior, stopping.build(run.method.stopping, numbers))

    def _noise_power(self, transform: Transform, samples: Tensor) -> Tensor:
        """Return ν for a window: estimated on a long one, or known from a profile."""
        longer = long_transform(transform)
        if longer not in self._noise:
            power = longer.analyse(samples).abs().square()
            if self._profile is None:
                self._noise[longer] = noise_power(power, longer)
            else:
                known = self._profile.power(longer, self._axes, self._level).to(samples)
                self._noise[longer] = followed(power, known, longer)
        return to_shorter(self._noise[longer], longer.window // transform.window, transform.frames(samples.shape[1]))

    def _merge(self, fits: list[Fit]) -> Tensor:
        estimates = [one.observation.estimate(one.power()) for one in fits]
        return self._axes.synthesise(merge(estimates).cpu().double() * self._level)

    def fade(self, number: int) -> Tensor:
        """Return the weight of each sample of a block: a linear cross-fade with its neighbours, which sums to one."""
        start, end = self.blocks[number - 1]
        fade = torch.ones(end - start, dtype=torch.float64)
        if number > 1:
            overlap = self.blocks[number - 2][1] - start
            fade[:overlap] = (torch.arange(overlap) + 0.5) / overlap
        if number < len(self.blocks):
            overlap = end - self.blocks[number][0]
            fade[-overlap:] = 1 - (torch.arange(overlap) + 0.5) / overlap
        return fade

    def _present(self) -> Tensor:
        """Return what finished blocks leave open: the present block's estimate, then the recording itself."""
        open_ = torch.ones(self.recording.samples.shape[1], dtype=torch.float64)
        for number in range(1, self._reached + 1):
            start, end = self.blocks[number - 1]
            open_[start:end] -= self.fade(number)
        sound = self.recording.samples.clone()
        if self._live and all(one.losses for one in self._live):
            start, end = self.blocks[self._reached]
            fade = self.fade(self._reached + 1)
            fade[: round(self.recording.sample_rate * self._run.denoise.overlap_s)] = 1  # `open_` fades it in
            sound[:, start:end] = torch.lerp(sound[:, start:end], self._merge(self._live), fade)
        return sound * open_


def _summary(block: int, transform: Transform, one: Fit) -> FitSummary:
    window_ms = 1000 * transform.window / transform.sample_rate
    return FitSummary(block, window_ms, len(one.losses), one.chosen, one.reason, tuple(one.losses))


def merge(estimates: list[Estimate]) -> Tensor:
    """Return the mean of several estimates of one sound, weighed by how sure each is."""
    least = min(one.error_power for one in estimates)
    weights = [((least + 1e-30) / (one.error_power + 1e-30)) ** _MERGE_SHARPNESS for one in estimates]
    total = sum(weights)
    return sum((one.sound * (w / total) for one, w in zip(estimates, weights, strict=True)), torch.zeros(()))


def _blocks(length: int, sample_rate: int, settings: Denoise) -> list[tuple[int, int]]:
    """Return (start, end) of equal blocks that overlap."""
    block, overlap = (max(1, round(s * sample_rate)) for s in (settings.block_s, settings.overlap_s))
    count = 1 if length <= block else -(-(length - overlap) // (block - overlap))
    edges = [round(i * (length - overlap) / count) for i in range(count + 1)]
    return [(edges[i], min(length, edges[i + 1] + overlap)) for i in range(count)] if count > 1 else [(0, length)]


def _profile(recording: Recording, noise: tuple[float, float] | str | None) -> Profile | None:
    if noise is None:
        return None
    return read_profile(Path(noise)) if isinstance(noise, str) else learn(recording, noise)
