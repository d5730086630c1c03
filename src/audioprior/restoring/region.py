"""Uncovering: regions of time and frequency are turned down to the sound that lay under them."""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from audioprior.damage.findings import Finding
from audioprior.errors import SettingsError
from audioprior.model.fit import generator
from audioprior.observations.region import RegionObservation
from audioprior.restoring.work import Block, Inputs, Kept, Plan, Seat, pick_device, pieces
from audioprior.settings.methods import Method
from audioprior.settings.priors import Free
from audioprior.sound.source import Source
from audioprior.sound.spectrum import Transform
from audioprior.sound.views import Difference, Patched, Removed
from audioprior.tasks import Inpaint, Region, Run

_CONTEXT_S = 2.0  # of sound on either side that is learned from
_WINDOW_MS = 64.0


class Uncovering:
    """Spectral repair at work, a block for each region: see `Work`."""

    def __init__(self, inputs: Inputs, run: Run, task: Inpaint) -> None:
        """Check the regions against the recording.

        Raises:
            SettingsError: a region lies outside the recording, or the prior would copy what covers it.
        """
        if isinstance(run.method.prior, Free):
            raise SettingsError("free guesses a bin from what covers it; choose nmf or another method for regions.")
        self._sound, self._task = inputs["sound"], task
        rate, length = self._sound.sample_rate, self._sound.length
        for start, end, low, high in task.regions:
            if round(end * rate) > length or high > rate / 2:
                raise SettingsError(
                    f"the region {start:g}-{end:g}:{low:g}-{high:g} lies outside the recording, which lasts "
                    f"{length / rate:g} s and reaches {rate / 2:g} Hz; give one within it."
                )
        context = round(_CONTEXT_S * rate)
        spans = [
            (max(0, round(start * rate) - context), min(length, round(end * rate) + context))
            for start, end, _, _ in task.regions
        ]
        findings = tuple(Finding("region", r[0], r[1], low_hz=r[2], high_hz=r[3]) for r in task.regions)
        self.plan = Plan(inputs, pick_device(task.device), spans, findings)

    def begin(self, number: int, method: Method, kept: Kept) -> Block:  # noqa: ARG002 (nothing is renewed)
        """Return what is fitted around a region, in a sound of which the regions before are taken out."""
        start, end = self.plan.spans[number - 1]
        rate = self._sound.sample_rate
        samples = self._uncovered(kept).read(start, end)
        level = float(samples.square().mean().sqrt()) or 1.0
        transform = Transform.of(rate, _WINDOW_MS)
        frames = transform.frames(end - start)
        own = _bins(self._task.regions[number - 1], transform, start / rate, frames)
        # Other regions that reach into the block tell nothing either, but have their own turn.
        every = torch.stack([_bins(region, transform, start / rate, frames) for region in self._task.regions]).any(0)
        heard = (samples / level).float().to(self.plan.device)
        own, every = own.to(self.plan.device), every.to(self.plan.device)
        observation = RegionObservation(heard, transform, own, every, fill=self._task.fill)

        def merge(powers: list[Tensor]) -> Tensor:
            """Return the block with its region uncovered; samples out of its reach are exact."""
            change = observation.estimate(powers[0]).sound - heard
            return samples + change.cpu().double() * level

        seat = Seat(observation, generator(self._task.seed, number))
        return Block({1000 * transform.window / rate: seat}, merge)

    def end(self, number: int, sounds: Sequence[Callable[[], Tensor]]) -> list[Tensor]:  # noqa: ARG002
        """Return the block."""
        return [sounds[-1]()]

    def sounds(self, kept: Kept) -> Mapping[str, Source]:
        """Return the uncovered sound, and what was removed of it."""
        removed = Removed(self._sound, self._uncovered(kept))
        return {"restored": Difference(self._sound, removed), "removed": removed}

    def _uncovered(self, kept: Kept) -> Source:
        return Patched(self._sound, self.plan.spans, pieces(kept))


def _bins(region: Region, transform: Transform, offset_s: float, frames: int) -> Tensor:
    """Return the bins of a block that begins at `offset_s` that lie inside a region: (frequency, frame)."""
    start, end, low, high = region
    at, frequency = offset_s + torch.arange(frames) / transform.frame_rate_hz, transform.frequencies_hz()
    return ((frequency >= low) & (frequency <= high))[:, None] & ((at >= start) & (at <= end))
