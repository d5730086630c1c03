"""Long runs of exact zeros: what a noise gate, an editor or a decoder left silent; few bits leave short ones."""

import torch
from torch import Tensor
from torch.nn import functional

from audioprior.sound.source import Source

_LEAST_S = 0.01


def long_zeros(sound: Source, start: int, end: int) -> Tensor:
    """Return which samples of a passage lie in a run of at least 10 ms of zeros: (channel, time).

    Runs are looked at beyond the passage's ends, so that all passages agree on them.

    Args:
        sound: which.
        start: first sample.
        end: the one after the last, within the sound.
    """
    least = max(2, round(_LEAST_S * sound.sample_rate))
    first, last = max(0, start - least), min(sound.length, end + least)
    zero = sound.read(first, last) == 0
    if zero.shape[1] < least:
        return torch.zeros_like(zero)[:, start - first : end - first]
    begun = functional.pad((_within(zero, least) == least).long(), (least - 1, least - 1))
    return (_within(begun, least) > 0)[:, start - first : end - first]


def _within(counted: Tensor, width: int) -> Tensor:
    """Return the sum over each whole window of (channel, time)."""
    total = functional.pad(counted.long().cumsum(1), (1, 0))
    return total[:, width:] - total[:, :-width]


def without_offset(sound: Source, start: int, end: int, offset: Tensor) -> Tensor:
    """Return a passage with an offset, (channel, 1), taken off, but for long runs of zeros, which stay: (channel, time)."""
    samples = sound.read(start, end) - offset
    return samples.masked_fill(long_zeros(sound, start, end), 0.0) if offset.any() else samples
