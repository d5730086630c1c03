"""Means over time, frequency and bands of a spectrogram of noise, and the law that they follow.

All tensors are (frequency, frame).
"""

import functools
import itertools
import math

import torch
from torch import Tensor
from torch.nn import functional


@functools.cache
def gamma_shape(frames: int, bins: int, overlap: int) -> float:
    """Return the shape of the gamma law that a mean of noise powers follows.

    A bin of noise is exponential, shape 1. The mean of `frames` × `bins` neighbours would have shape frames·bins if they
    were independent; the window's overlap in time and its leakage in frequency make it less (moment matching).
    """
    size = 512
    window = torch.hann_window(size, dtype=torch.float64)
    hop = size // overlap
    energy = window.square().sum()
    lags = [float((window[: size - m * hop] * window[m * hop :]).sum() / energy) for m in range(overlap)]

    def total(count: int, correlation: list[float]) -> float:
        reach = min(count, len(correlation))
        return sum((count - abs(i)) * correlation[abs(i)] ** 2 for i in range(1 - reach, reach))

    return (frames * bins) ** 2 / total(frames, lags) / total(bins, [1.0, 2 / 3, 1 / 6])


@functools.cache
def gamma_quantile(shape: float, share: float) -> float:
    """Return the quantile of a gamma law with mean one, by bisection."""
    low, high = torch.tensor([0.0], dtype=torch.float64), torch.tensor([20.0], dtype=torch.float64)
    a = torch.tensor([shape], dtype=torch.float64)
    for _ in range(80):
        middle = (low + high) / 2
        below = torch.special.gammainc(a, a * middle) < share
        low, high = torch.where(below, middle, low), torch.where(below, high, middle)
    return float(low)


def box_mean(picture: Tensor, bins: int, frames: int) -> Tensor:
    """Return the mean over `bins` × `frames` (odd) around each bin, the edges repeated."""
    padded = functional.pad(picture[None, None], (frames // 2,) * 2 + (bins // 2,) * 2, mode="replicate")
    return functional.avg_pool2d(padded, (bins, frames), 1)[0, 0]


def proportional_mean(picture: Tensor, share: float) -> Tensor:
    """Return the mean over ± `share` of each frequency, at least one bin either way, symmetric at the ends.

    It is taken from running sums, in which an almost empty band beside a loud one can cancel to nothing or less: no mean is
    below the least value.
    """
    bins = len(picture)
    index = torch.arange(bins)
    reach = torch.minimum((index * share).long().clamp_min(1), torch.minimum(index, bins - 1 - index))
    total = functional.pad(picture.cpu().double().cumsum(0), (0, 0, 1, 0))  # not every GPU has float64
    mean = ((total[index + reach + 1] - total[index - reach]) / (2 * reach + 1)[:, None]).to(picture)
    return torch.maximum(mean, picture.amin(0))


def edges(bins: int, per_octave: int, least: int) -> list[int]:
    """Return the first bin of each band, and the end of the last; bands hold at least `least` bins."""
    found = [0, 1 + least]
    while found[-1] < bins:
        found.append(max(found[-1] + least, round(found[-1] * 2 ** (1 / per_octave))))
    found[-1] = bins
    if len(found) > 2 and found[-1] - found[-2] < least:
        del found[-2]
    return found


def centres(borders: list[int]) -> Tensor:
    """Return the middle of each band, in bins."""
    starts, ends = torch.tensor(borders[:-1]), torch.tensor(borders[1:])
    return (starts + ends - 1) / 2


def band_mean(picture: Tensor, borders: list[int]) -> Tensor:
    """Return (band, frame)."""
    return torch.stack([picture[a:b].mean(0) for a, b in itertools.pairwise(borders)])


def spread(bands: Tensor, borders: list[int], bins: int) -> Tensor:
    """Return (frequency, frame) from (band, frame), linear between the bands' centres."""
    middle = centres(borders)
    index = torch.arange(bins, dtype=middle.dtype)
    low = (torch.searchsorted(middle, index) - 1).clamp(0, max(len(middle) - 2, 0))
    high = (low + 1).clamp_max(len(middle) - 1)
    share = ((index - middle[low]) / (middle[high] - middle[low]).clamp_min(1)).clamp(0, 1)[:, None].to(bands)
    return bands[low] * (1 - share) + bands[high] * share


def running(picture: Tensor, frames: int) -> Tensor:
    """Return views of `frames` (odd) around each frame, (frequency, frame, frames), the ends repeated."""
    return functional.pad(picture[None], (frames // 2,) * 2, mode="replicate")[0].unfold(1, frames, 1)


def odd_frames(seconds: float, frame_rate_hz: float, available: int) -> int:
    """Return the odd number of frames nearest to a duration, no more than a recording's length."""
    return min(math.floor(seconds * frame_rate_hz) | 1, 2 * ((available - 1) // 2) + 1)


def between(value: Tensor, limits: tuple[float, float]) -> Tensor:
    """Return where a value lies between two limits, from 0 to 1."""
    low, high = limits
    return ((value - low) / (high - low)).clamp(0, 1)
