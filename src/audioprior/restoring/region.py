"""Uncovering a recording: regions of time and frequency are turned down to the sound that lay under them."""

from collections.abc import Callable

import torch
from torch import Tensor

from audioprior.damage.findings import Finding
from audioprior.errors import SettingsError
from audioprior.model.fit import generator
from audioprior.observations.region import RegionObservation
from audioprior.restoring.job import Block, Job, Result, Seat
from audioprior.settings.priors import BlindSpot, Consensus, Free
from audioprior.sound.recording import Recording
from audioprior.sound.spectrum import Transform
from audioprior.tasks import Inpaint, Region, Run

_CONTEXT_S = 2.0  # of sound on either side that is learned from
_WINDOW_MS = 64.0


class Uncovering(Job):
    """Spectral repair in progress, a block for each region: iterate over it, and ask for `result()`."""

    recording: Recording

    def __init__(self, recording: Recording, run: Run, task: Inpaint) -> None:
        """Check the regions against the recording.

        Raises:
            SettingsError: a region lies outside the recording, or the prior would copy what covers it.
        """
        if isinstance(run.method.prior, Free | BlindSpot | Consensus):
            kind = run.method.prior.kind
            raise SettingsError(f"{kind} guesses a bin from what covers it; choose nmf or another method for regions.")
        rate, length = recording.sample_rate, recording.samples.shape[1]
        for start, end, low, high in task.regions:
            if round(end * rate) > length or high > rate / 2:
                raise SettingsError(
                    f"the region {start:g}-{end:g}:{low:g}-{high:g} lies outside the recording, which lasts "
                    f"{recording.duration_s:g} s and reaches {rate / 2:g} Hz; give one within it."
                )
        context = round(_CONTEXT_S * rate)
        blocks = [(max(0, round(r[0] * rate) - context), min(length, round(r[1] * rate) + context)) for r in task.regions]
        super().__init__(recording, run, blocks)
        self._task, self._repaired = task, recording.samples.clone()
        self.findings = tuple(Finding("region", r[0], r[1], low_hz=r[2], high_hz=r[3]) for r in task.regions)

    def begin(self, number: int) -> Block:
        """Return what is fitted around a region."""
        start, end = self.blocks[number - 1]
        rate = self.recording.sample_rate
        samples = self._repaired[:, start:end]
        level = float(samples.square().mean().sqrt()) or 1.0
        transform = Transform.of(rate, _WINDOW_MS)
        frames = transform.frames(end - start)
        own = _bins(self._task.regions[number - 1], transform, start / rate, frames)
        # Other regions that reach into the block tell nothing either, but have their own turn.
        every = torch.stack([_bins(region, transform, start / rate, frames) for region in self._task.regions]).any(0)
        heard = (samples / level).float().to(self._device)
        own, every = own.to(self._device), every.to(self._device)
        observation = RegionObservation(heard, transform, own, every, fill=self._task.fill)

        def merge(powers: list[Tensor]) -> Tensor:
            """Return the block with its region uncovered; samples out of its reach are exact."""
            change = observation.estimate(powers[0]).sound - heard
            return samples + change.cpu().double() * level

        seat = Seat(observation, generator(self._task.seed, number))
        return Block({1000 * transform.window / rate: seat}, merge)

    def end(self, number: int, sound: Callable[[], Tensor]) -> None:
        """Put the block in its place."""
        start, end = self.blocks[number - 1]
        self._repaired[:, start:end] = sound()

    def result(self) -> Result:
        """Return what is uncovered so far."""
        return self._result_of(self.recording, self.recording.samples - self._repaired)


def _bins(region: Region, transform: Transform, offset_s: float, frames: int) -> Tensor:
    """Return the bins of a block that begins at `offset_s` that lie inside a region: (frequency, frame)."""
    start, end, low, high = region
    at, frequency = offset_s + torch.arange(frames) / transform.frame_rate_hz, transform.frequencies_hz()
    return ((frequency >= low) & (frequency <= high))[:, None] & ((at >= start) & (at <= end))
