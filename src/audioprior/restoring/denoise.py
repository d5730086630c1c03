"""Denoising: blocks, channels, windows, and the noise power that they share."""

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import cast

import torch
from torch import Tensor

from audioprior.model.fit import generator
from audioprior.model.observation import Observation, merge
from audioprior.noise.apart import clean_channels, kept_apart
from audioprior.noise.doubt import Doubt
from audioprior.noise.floor import followed, long_transform, noise_power, to_shorter
from audioprior.noise.kinds import WINDOW_MS, kinds_of_noise
from audioprior.noise.profile import Profile, learn, read_profile
from audioprior.observations.image import ImageObservation
from audioprior.observations.noise import NoiseObservation
from audioprior.restoring.protect import protected
from audioprior.restoring.work import Block, Inputs, Kept, Part, Plan, Seat, pick_device, pieces
from audioprior.settings.methods import Method
from audioprior.settings.rules import FixedSteps
from audioprior.sound.channels import Axes, principal_axes
from audioprior.sound.recording import Recording
from audioprior.sound.source import Source, chunks
from audioprior.sound.spectrum import Transform
from audioprior.sound.views import Assembled, Difference, Removed, Span
from audioprior.sound.zeros import long_zeros, without_offset
from audioprior.tasks import Denoise, Run

_TOGETHER = 64  # blocks on a GPU, halved until they fit into its memory
_INAUDIBLE_DB = 38.0  # a noise this far below the sound is no reason to do anything


def parts(inputs: Inputs, run: Run) -> tuple[Part, ...]:  # noqa: ARG001 (as all tasks)
    """Return what will come out."""
    return Part.like(inputs["sound"]), Part.like(inputs["sound"], "removed")


def work(inputs: Inputs, run: Run) -> "Denoising":
    """Return the task at work."""
    return Denoising(inputs, run, cast(Denoise, run.task))


def look(recording: Recording) -> str | None:
    """Return what kind of noise a recording holds, where it can be heard."""
    transform = Transform.of(recording.sample_rate, WINDOW_MS)
    samples = without_offset(recording, 0, recording.length, recording.samples.mean(1, keepdim=True))
    power = transform.analyse(samples.float()).abs().square()
    noise = noise_power(power, transform)
    below_db = 10 * math.log10(float(power.mean() / noise.mean()) + 1e-20)
    if below_db > _INAUDIBLE_DB:
        return None
    names = " and ".join(kind.name for kind in kinds_of_noise(noise.mean(0), transform)) or "a noise"
    return f"{names[0].upper()}{names[1:]}, {below_db:.0f} dB below the sound."


class Denoising:
    """Denoising at work: see `Work`."""

    def __init__(self, inputs: Inputs, run: Run, task: Denoise, *, known: Profile | None = None) -> None:
        """Check the settings against the recording.

        Args:
            inputs: what is restored, "sound".
            run: the settings.
            task: what to do; the run's own, or another where denoising is only a part of the run's task.
            known: the noise, where it is known exactly and is the same at all times.
        """
        self._sound, self._task = inputs["sound"], task
        self.plan = plan = Plan(inputs, pick_device(task.device), moments=(task.stop_at,))
        # In units of its own loudness, without offset: no constant anywhere depends on the recording's level.
        self._axes, self._level = principal_axes(chunks(self._sound))
        # The error of few bits is the same in all channels; of other noise it is heard.
        self._clean = clean_channels(self._sound) if known is None else ()
        self._known, self._profile = known, known or _profile(self._sound, task.noise)
        self._observing = run.method.observation
        self._windows_ms = run.method.windows_ms
        if run.method.prior.batched and isinstance(run.method.stopping, FixedSteps):
            plan.carries = run.method.later_share < 1
            plan.together = _TOGETHER if plan.device.type == "cuda" else 1
        # Of digital silence nothing can be removed.
        plan.spans = overlapping(self._sound.length, self._sound.sample_rate, task) if self._level else []

    def begin(self, number: int, method: Method, kept: Kept) -> Block:  # noqa: ARG002 (blocks know nothing of each other)
        """Return what is fitted in a block; windows that come to the same length at this rate are fitted once."""
        rate, (start, end) = self._sound.sample_rate, self.plan.spans[number - 1]
        original = self._sound.read(start, end)
        heard = without_offset(self._sound, start, end, self._axes.offset)
        axes = self._axes_of(heard / self._level)
        samples = axes.analyse(heard / self._level).to(self.plan.device, torch.float32)
        powers = dict[Transform, Tensor]()
        windows = dict.fromkeys(Transform.of(rate, ms) for ms in self._windows_ms)
        seats = {
            1000 * t.window / rate: Seat(
                self._observation(t, samples, self._noise_power(t, samples, axes, powers), method),
                generator(self._task.seed, number, t.window),
            )
            for t in windows
        }
        doubt = None
        if self._profile is None and self._observing == "noise":
            longest, noise = next(iter(powers.items()))
            doubt = Doubt(samples, noise, longest)
        observations = [seat.observation for seat in seats.values()]
        return Block(seats, partial(self._merge, original, start, axes, observations, doubt))

    def _axes_of(self, samples: Tensor) -> Axes:
        """Return the axes of a block, (channel, time): the recording's, but where the channels' noises are not alike."""
        axes, rate = self._axes, self._sound.sample_rate
        if self._known is not None or len(axes.distinct) == 1:
            return axes
        longest = long_transform(Transform.of(rate, max(self._windows_ms)))
        spectrum = longest.analyse(samples[axes.distinct].float())
        if self._profile is None:
            noise = noise_power(spectrum.abs().square(), longest).mean(2)
        else:
            own = Axes(torch.eye(len(spectrum), dtype=torch.float64), axes.sources, axes.offset, axes.covariance)
            noise = self._profile.power(longest, own, self._level)[..., 0]
        return kept_apart(axes, spectrum, noise, longest, [axes.sources[channel] for channel in self._clean])

    def _observation(self, transform: Transform, samples: Tensor, noise: Tensor, method: Method) -> Observation:
        if self._observing == "image":
            return ImageObservation(samples, transform, noise)
        return NoiseObservation(
            samples,
            transform,
            noise,
            rule=method.gain,
            max_reduction_db=self._task.max_reduction_db,
            renew_every=method.renew_every if self._profile is None else None,
        )

    def _noise_power(self, transform: Transform, samples: Tensor, axes: Axes, powers: dict[Transform, Tensor]) -> Tensor:
        """Return ν for a window: estimated on a long one, or known from a profile.

        Args:
            transform: of the window.
            samples: the block's, on its axes.
            axes: the block's.
            powers: what long windows found so far, which is kept.
        """
        if self._known is not None:
            return self._known.power(transform, axes, self._level).to(samples)
        longer = long_transform(transform)
        if longer not in powers:
            power = longer.analyse(samples).abs().square()
            if self._profile is None:
                powers[longer] = noise_power(power, longer)
            else:
                known = self._profile.power(longer, axes, self._level).to(samples)
                powers[longer] = followed(power, known, longer)
        return to_shorter(powers[longer], longer.window // transform.window, transform.frames(samples.shape[1]))

    def _merge(
        self,
        original: Tensor,
        start: int,
        axes: Axes,
        observations: list[Observation],
        doubt: Doubt | None,
        powers: list[Tensor],
    ) -> Tensor:
        """Return a block's sound: the windows' estimates, the surest weighing most."""
        sound = merge([one.estimate(power) for one, power in zip(observations, powers, strict=True)])
        if doubt:
            sound = doubt.settled(sound)
        restored = axes.synthesise(sound.cpu().double() * self._level) + axes.offset
        if self._task.protect:
            rate = self._sound.sample_rate
            restored = original - protected(original - restored, self._task.protect, start / rate, rate)
        restored[list(self._clean)] = original[list(self._clean)]
        restored[long_zeros(self._sound, start, start + original.shape[1])] = 0  # what was gated stays silent
        return restored

    def end(self, number: int, sounds: Sequence[Callable[[], Tensor]]) -> list[Tensor]:
        """Return the block's sound after each of `moments`, faded in and out."""
        fade = self.fade(number)
        return [sound() * fade for sound in sounds]

    def sounds(self, kept: Kept) -> Mapping[str, Source]:
        """Return the restored sound, and what was removed of it."""
        cleaned = self.cleaned(kept)
        removed = Removed(self._sound, cleaned, self._task.strength)
        return {"restored": Difference(self._sound, removed), "removed": removed}

    def cleaned(self, kept: Kept) -> Source:
        """Return the sound without any noise that was found, whatever the strength: blocks, cross-faded."""
        if not self.plan.spans:
            return self._sound
        place = self.plan.moments.index(self._task.stop_at)
        return Assembled(self._sound, self.plan.spans, self.fade, pieces(kept, place))

    def fade(self, number: int) -> Tensor:
        """Return the weight of each sample of a block: a linear cross-fade with its neighbours, which sums to one."""
        start, end = self.plan.spans[number - 1]
        fade = torch.ones(end - start, dtype=torch.float64)
        if number > 1:
            overlap = self.plan.spans[number - 2][1] - start
            fade[:overlap] = (torch.arange(overlap) + 0.5) / overlap
        if number < len(self.plan.spans):
            overlap = end - self.plan.spans[number][0]
            fade[-overlap:] = 1 - (torch.arange(overlap) + 0.5) / overlap
        return fade


def overlapping(length: int, sample_rate: int, task: Denoise) -> list[Span]:
    """Return (start, end) of blocks that overlap, of one length but for the last, which can be a little shorter."""
    block, overlap = (max(1, round(s * sample_rate)) for s in (task.block_s, task.overlap_s))
    if length <= block:
        return [(0, length)]
    count = -(-(length - overlap) // (block - overlap))
    step = -(-(length - overlap) // count)
    return [(i * step, min(length, (i + 1) * step + overlap)) for i in range(count)]


def _profile(recording: Source, noise: tuple[float, float] | str | None) -> Profile | None:
    if noise is None:
        return None
    return read_profile(Path(noise)) if isinstance(noise, str) else learn(recording, noise)
