"""Denoising a recording: blocks, channels, windows, and the noise power that they share."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from audioprior.errors import SettingsError
from audioprior.model.fit import generator
from audioprior.model.observation import Observation, merge
from audioprior.noise.doubt import Doubt
from audioprior.noise.floor import followed, long_transform, noise_power, to_shorter
from audioprior.noise.profile import Profile, learn, read_profile
from audioprior.observations.image import ImageObservation
from audioprior.observations.noise import NoiseObservation
from audioprior.restoring.job import Block, Blocks, Job, Progress, Result, Seat
from audioprior.restoring.protect import spared
from audioprior.settings.rules import FixedSteps
from audioprior.sound.channels import principal_axes
from audioprior.sound.recording import Recording
from audioprior.sound.source import Source, chunks
from audioprior.sound.spectrum import Transform
from audioprior.tasks import Denoise, Run

_TOGETHER = 64  # blocks on a GPU, halved until they fit into its memory


class BlockDenoising(Blocks):
    """The denoising of a recording's blocks, in memory or in a file; what becomes of a finished block is left open.

    Attributes:
        shares: of the steps of a block, after which its sound is kept, in ascending order.
        early: a block's sound after each of them but the last, by block and share, until the block is finished.
    """

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
        self.shares: tuple[float, ...] = (chosen.stop_at,)
        self.early: dict[tuple[int, float], Tensor] = {}
        # In units of its own loudness: no constant anywhere depends on the recording's level.
        self._axes, self._level = principal_axes(chunks(recording))
        self._profile = profile or _profile(recording, chosen.noise)
        if run.method.prior.batched and isinstance(run.method.stopping, FixedSteps):
            self.carries = run.method.later_share < 1
            self.together = _TOGETHER if self._device.type == "cuda" else 1
        if not self._level:  # digital silence
            self._reached = len(self.blocks)

    def __iter__(self) -> Iterator[Progress]:
        """Yield progress until all blocks are restored; what they sound like after each of `shares` is kept on the way.

        Raises:
            FitError: a single block needs more memory than the device has.
        """
        for progress in super().__iter__():
            for share in self.shares:
                if share < 1 and progress.completes(share):
                    for number in range(progress.block, progress.block + progress.together):
                        self.early[number, share] = self.now(number)
            yield progress

    def sounds(self, number: int, sound: Callable[[], Tensor]) -> list[Tensor]:
        """Return a finished block's sound after each of `shares`; where the fit had stopped by then, its end."""
        last = sound()
        return [self.early.pop((number, share), last) for share in self.shares]

    def begin(self, number: int) -> Block:
        """Return what is fitted in a block; windows that come to the same length at this rate are fitted once."""
        rate, (start, end) = self.recording.sample_rate, self.blocks[number - 1]
        samples, noises = self._samples(start, end), dict[Transform, Tensor]()
        windows = dict.fromkeys(Transform.of(rate, ms) for ms in self._run.method.windows_ms)
        seats = {
            1000 * t.window / rate: Seat(
                self._observation(t, samples, self._noise_power(t, samples, noises)),
                generator(self._task.seed, number, t.window),
            )
            for t in windows
        }
        doubt = None
        if self._profile is None and self._run.method.observation == "noise":
            longest, noise = next(iter(noises.items()))
            doubt = Doubt(samples, noise, longest)
        observations = [seat.observation for seat in seats.values()]
        return Block(seats, partial(self._merge, number, observations, doubt))

    def _observation(self, transform: Transform, samples: Tensor, noise: Tensor) -> Observation:
        method = self._method
        if method.observation == "image":
            return ImageObservation(samples, transform, noise)
        return NoiseObservation(
            samples,
            transform,
            noise,
            rule=method.gain,
            max_reduction_db=self._task.max_reduction_db,
            renew_every=method.renew_every if self._profile is None else None,
        )

    def _noise_power(self, transform: Transform, samples: Tensor, noises: dict[Transform, Tensor]) -> Tensor:
        """Return ν for a window: estimated on a long one, or known from a profile.

        Args:
            transform: of the window.
            samples: the block's.
            noises: what long windows found so far, which is kept.
        """
        longer = long_transform(transform)
        if longer not in noises:
            power = longer.analyse(samples).abs().square()
            if self._profile is None:
                noises[longer] = noise_power(power, longer)
            else:
                known = self._profile.power(longer, self._axes, self._level).to(samples)
                noises[longer] = followed(power, known, longer)
        return to_shorter(noises[longer], longer.window // transform.window, transform.frames(samples.shape[1]))

    def _samples(self, start: int, end: int) -> Tensor:
        sound = self._axes.analyse(self.recording.read(start, end) / self._level)
        return sound.to(self._device, torch.float32)

    def _merge(self, number: int, observations: list[Observation], doubt: Doubt | None, powers: list[Tensor]) -> Tensor:
        """Return a block's sound: the windows' estimates, the surest weighing most."""
        sound = merge([one.estimate(power) for one, power in zip(observations, powers, strict=True)])
        if doubt:
            sound = doubt.settled(sound)
        restored = self._axes.synthesise(sound.cpu().double() * self._level)
        if not self._task.protect:
            return restored
        (start, end), rate = self.blocks[number - 1], self.recording.sample_rate
        original = self.recording.read(start, end)
        return original - spared(original - restored, self._task.protect, start / rate, rate)

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

    def end(self, number: int, sound: Callable[[], Tensor]) -> None:
        """Add a finished block to the sum, cross-faded with its neighbours."""
        start, end = self.blocks[number - 1]
        self._sum[:, start:end] += self.sounds(number, sound)[0] * self.fade(number)

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
        """Return what finished blocks leave open: the present blocks' estimates, then the recording itself."""
        open_ = torch.ones(self.recording.samples.shape[1], dtype=torch.float64)
        for number in range(1, self._reached + 1):
            start, end = self.blocks[number - 1]
            open_[start:end] -= self.fade(number)
        sound = self.recording.samples.clone()
        for number, estimate in self._live.items():
            start, end = self.blocks[number - 1]
            fade = self.fade(number)
            if number == self._reached + 1:
                fade[: round(self.recording.sample_rate * self._task.overlap_s)] = 1  # `open_` fades it in
            sound[:, start:end] = torch.lerp(sound[:, start:end], estimate(), fade)
        return sound * open_


def _blocks(length: int, sample_rate: int, settings: Denoise) -> list[tuple[int, int]]:
    """Return (start, end) of blocks that overlap, of one length but for the last, which can be a little shorter."""
    block, overlap = (max(1, round(s * sample_rate)) for s in (settings.block_s, settings.overlap_s))
    if length <= block:
        return [(0, length)]
    count = -(-(length - overlap) // (block - overlap))
    step = -(-(length - overlap) // count)
    return [(i * step, min(length, (i + 1) * step + overlap)) for i in range(count)]


def _profile(recording: Source, noise: tuple[float, float] | str | None) -> Profile | None:
    if noise is None:
        return None
    return read_profile(Path(noise)) if isinstance(noise, str) else learn(recording, noise)
