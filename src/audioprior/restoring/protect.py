"""Regions of time and frequency that a restoration is to leave as they are."""

from collections.abc import Sequence

import torch
from torch import Tensor

from audioprior.sound.spectrum import Transform
from audioprior.tasks import Region

_WINDOW_MS = 32.0
_LOBE_BINS = 2  # half the width of the main lobe of a Hann window


def protected(removed: Tensor, regions: Sequence[Region], start_s: float, sample_rate: int) -> Tensor:
    """Return what may be removed: nothing of it lies inside a region.

    Every frame that reaches into a region is cleared within its band, so that the change fades in over a window around it.

    Args:
        removed: (channel, time).
        regions: START, END in seconds, LOW, HIGH in Hz.
        start_s: where `removed` begins.
        sample_rate: in Hz.
    """
    end_s = start_s + removed.shape[1] / sample_rate
    near = [region for region in regions if region[0] < end_s and region[1] > start_s]
    if not near:
        return removed
    transform = Transform.of(sample_rate, _WINDOW_MS)
    spectrum = transform.analyse(removed)
    at = start_s + torch.arange(spectrum.shape[2]) / transform.frame_rate_hz
    reach_s, frequency = transform.window / 2 / sample_rate, transform.frequencies_hz()
    width_hz = _LOBE_BINS * sample_rate / transform.window
    for start, end, low, high in near:
        inside = (frequency >= low - width_hz) & (frequency <= high + width_hz)
        spectrum[:, inside[:, None] & ((at > start - reach_s) & (at < end + reach_s))] = 0
    return transform.synthesise(spectrum, removed.shape[1])
