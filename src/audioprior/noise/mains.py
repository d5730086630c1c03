"""Mains hum: a steady comb of 50 or 60 Hz, which is noise although it is as tonal as a held note."""

import math

import torch
from torch import Tensor

from audioprior.noise.bands import box_mean, gamma_quantile, gamma_shape, odd_frames, running
from audioprior.sound.spectrum import Transform

_BASES_HZ = (50.0, 60.0)
_LINES = 40  # harmonics looked for
_COUNTED, _NEEDED = 20, 4  # of the first twenty, four must stand out: a held note hardly ever meets as many multiples
_TOLERANCE_HZ = 1.5
_CONTRAST_DB = 6.0  # above the level half-way to the next harmonics
_FIND_QUANTILE = 0.1  # of time: hum never pauses, and a voice above it does
_LEVEL_QUANTILE = 0.25  # of a line's power, that its level is taken from: half of the time can belong to the sound
_SECONDS = 1.0  # over which a line's level is followed
_SWING = 10.0  # a line's level stays within this factor of its level over the recording
_BESIDE = 2  # bins either side that hold a line's window leakage


def hum(power: Tensor, transform: Transform) -> tuple[Tensor, Tensor]:
    """Return the bins that hold mains hum, and its power in them.

    Args:
        power: (frequency, frame).
        transform: that it comes from.

    Returns:
        (row,) indices and (row, frame) powers; a running low quantile over a second, so that a passing tone is not taken
        for hum. Empty where there is no comb.
    """
    overlap = transform.window // transform.hop
    frames = math.floor(1.25 * overlap) | 1
    mean, shape = box_mean(power, 1, frames), gamma_shape(frames, 1, overlap)
    level_db = 10 * (_quantile(mean, _FIND_QUANTILE, shape) + 1e-30).log10().cpu()  # read bin by bin
    spacing = transform.sample_rate / transform.window
    lines = max((_comb(level_db, base / spacing, spacing) for base in _BASES_HZ), key=len)
    bins = len(power)
    rows = sorted({near for line in lines for near in range(line - _BESIDE, min(line + _BESIDE + 1, bins))})
    index = torch.tensor(rows, dtype=torch.long, device=power.device)
    if not rows:
        return index, mean[:0]
    near = running(mean[index], odd_frames(_SECONDS, transform.frame_rate_hz, power.shape[1]))
    local, usual = (_quantile(x, _LEVEL_QUANTILE, shape) for x in (near, mean[index, None]))
    return index, torch.minimum(torch.maximum(local, usual / _SWING), usual * _SWING)


def free_of_hum(power: Tensor, transform: Transform) -> Tensor:
    """Return 1 where there is no line of hum, else 0: (channel, frequency, 1).

    Args:
        power: (channel, frequency, frame).
        transform: that it comes from.
    """
    free = power.new_ones(len(power), transform.bins, 1)
    for rows, channel in zip(free, power, strict=True):
        rows[hum(channel, transform)[0]] = 0
    return free


def _quantile(mean: Tensor, share: float, shape: float) -> Tensor:
    """Return a quantile over the last dimension, free of bias for noise whose means follow a gamma law."""
    rank = max(1, round(share * mean.shape[-1]))
    return mean.kthvalue(rank, dim=-1).values / gamma_quantile(shape, share)


def _comb(level_db: Tensor, base: float, spacing_hz: float) -> list[int]:
    """Return the bins of a comb whose first line lies at `base` bins, [] if too few lines stand out."""
    found: dict[int, int] = {}
    half = base / 2
    for harmonic in range(1, _LINES + 1):
        centre = harmonic * base
        nearest = round(centre)
        if half < 2 or nearest < 2 or centre + half + 3 > len(level_db):
            continue
        peak = nearest - 1 + int(level_db[nearest - 1 : nearest + 2].argmax())
        before, top, after = (float(x) for x in level_db[peak - 1 : peak + 2])
        if top < max(before, after):
            continue
        # The vertex of the parabola through three bins is where the line lies between them.
        offset_hz = (peak + 0.5 * (before - after) / min(before - 2 * top + after, -1e-3) - centre) * spacing_hz
        contrast = top - 0.5 * float(level_db[round(centre - half)] + level_db[round(centre + half)])
        if abs(offset_hz) < _TOLERANCE_HZ and contrast > _CONTRAST_DB:
            found[harmonic] = peak
    low = [harmonic for harmonic in found if harmonic <= _COUNTED]
    # A comb on 200 Hz is a note: the lines must need 50 or 100 Hz to explain them.
    return list(found.values()) if len(low) >= _NEEDED and math.gcd(*low) <= 2 else []
