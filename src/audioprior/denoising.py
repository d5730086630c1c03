"""Denoising a recording: blocks, channels, windows, and the noise power that they share."""

from pathlib import Path

import torch
from torch import Tensor

from audioprior.channels import principal_axes
from audioprior.errors import SettingsError
from audioprior.fitting import Fit, generator
from audioprior.job import Blocks, Job, Result
from audioprior.observations import Observation, merge
from audioprior.observations.doubt import Doubt
from audioprior.observations.image import ImageObservation
from audioprior.observations.noise import NoiseObservation
from audioprior.observations.noise_power import followed, long_transform, noise_power, to_shorter
from audioprior.profile import Profile, learn, read_profile
from audioprior.recording import Recording
from audioprior.source import Source, chunks
from audioprior.spectrum import Transform
from audioprior.tasks import Denoise, Run


class BlockDenoising(Blocks):
    """The denoising of a recording's blocks, in memory or in a file; what becomes of a finished block is left open."""

    def __init__(self, recording: Source, run: Run, *, task: Denoise | None = None, profile: Profile | None = None) -> None:
        """Check the settings against the recording; the work begins with the iteration.

        Args:
            recording: what is restored.
            run: the settings.
            task: what to do, where the run is of a task that denoising is only a part of.
            profile: of the noise, where it is known otherwise than by the task.
        """
        chosen = task or run.task
        if not isinstance(chosen, Denoise):
            raise SettingsError(f"these are the settings of {chosen.kind}; denoising needs its own.")
        super().__init__(recording, run, _blocks(recording.length, recording.sample_rate, chosen))
        self._task = chosen
        # In units of its own loudness: no constant anywhere depends on the recording's level.
        self._axes, self._level = principal_axes(chunks(recording))
        self._noise: dict[Transform, Tensor] = {}
        self._profile = profile or _profile(recording, chosen.noise)
        self._doubt: Doubt | None = None  # of the present block
        if not self._level:  # digital silence
            self._reached = len(self.blocks)

    def begin(self, number: int) -> dict[float, Fit]:
        """Return the fits of a block; windows that come to the same length at this rate are fitted once."""
        rate, (start, end) = self.recording.sample_rate, self.blocks[number - 1]
        self._noise.clear()  # each block has its own
        windows = dict.fromkeys(Transform.of(rate, ms) for ms in self._run.method.windows_ms)
        fits = {1000 * t.window / rate: self._fit(t, number, start, end) for t in windows}
        self._doubt = self._doubt_of(start, end)
        return fits

    def _fit(self, transform: Transform, number: int, start: int, end: int) -> Fit:
        run = self._run
        samples = self._samples(start, end)
        noise = self._noise_power(transform, samples)
        observation: Observation
        if run.method.observation == "image":
            observation = ImageObservation(samples, transform, noise)
        else:
            observation = NoiseObservation(
                samples,
                transform,
                noise,
                rule=run.method.gain,
                max_reduction_db=self._task.max_reduction_db,
                renew_every=run.method.renew_every if self._profile is None else None,
            )
        numbers = generator(self._task.seed, number, transform.window)
        return self._fit_of(observation, numbers)

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

    def _samples(self, start: int, end: int) -> Tensor:
        sound = self._axes.analyse(self.recording.read(start, end) / self._level)
        return sound.to(self._device, torch.float32)

    def _doubt_of(self, start: int, end: int) -> Doubt | None:
        """Return what judges a block's removal; None where the noise power is known, or is none that a likelihood knows."""
        if self._profile is not None or self._run.method.observation == "image":
            return None
        transform, noise = next(iter(self._noise.items()))
        return Doubt(self._samples(start, end), noise, transform)

    def merge(self, fits: list[Fit]) -> Tensor:
        """Return the block's sound: the windows' estimates, the surest weighing most."""
        estimates = [one.observation.estimate(one.power()) for one in fits]
        sound = merge(estimates)
        if self._doubt:
            sound = self._doubt.settled(sound)
        return self._axes.synthesise(sound.cpu().double() * self._level)

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


class Denoising(BlockDenoising, Job):
    """A denoising in progress: iterate over it, and ask for `result()` at the end or earlier."""

    recording: Recording

    def __init__(
        self, recording: Recording, run: Run, *, task: Denoise | None = None, profile: Profile | None = None
    ) -> None:
        """Check the settings as `BlockDenoising` does."""
        super().__init__(recording, run, task=task, profile=profile)
        self._sum = torch.zeros_like(recording.samples)

    def end(self, number: int, sound: Tensor) -> None:
        """Add a finished block to the sum, cross-faded with its neighbours."""
        start, end = self.blocks[number - 1]
        self._sum[:, start:end] += sound * self.fade(number)

    def result(self) -> Result:
        """Return what is restored so far: finished blocks, the present one as far as it came, the rest as it was."""
        original = self.recording.samples
        restored = self._sum if self._level and self.blocks else original.clone()
        if not self.complete:
            restored = restored + self._present()
        return self._result_of(self.recording, self._task.strength * (original - restored))

    def total(self) -> Tensor:
        """Return the sum of all finished blocks, cross-faded: (channel, time)."""
        return self._sum

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
            fade[: round(self.recording.sample_rate * self._task.overlap_s)] = 1  # `open_` fades it in
            sound[:, start:end] = torch.lerp(sound[:, start:end], self.merge(self._live), fade)
        return sound * open_


def _blocks(length: int, sample_rate: int, settings: Denoise) -> list[tuple[int, int]]:
    """Return (start, end) of equal blocks that overlap."""
    block, overlap = (max(1, round(s * sample_rate)) for s in (settings.block_s, settings.overlap_s))
    count = 1 if length <= block else -(-(length - overlap) // (block - overlap))
    edges = [round(i * (length - overlap) / count) for i in range(count + 1)]
    return [(edges[i], min(length, edges[i + 1] + overlap)) for i in range(count)] if count > 1 else [(0, length)]


def _profile(recording: Source, noise: tuple[float, float] | str | None) -> Profile | None:
    if noise is None:
        return None
    return read_profile(Path(noise)) if isinstance(noise, str) else learn(recording, noise)
