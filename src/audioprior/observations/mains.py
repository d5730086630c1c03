"""Mains hum: a steady comb of 50 or 60 Hz, which is noise although it is as tonal as a held note."""

import math

import torch
from torch import Tensor

from audioprior.observations.bands import box_mean, gamma_quantile, gamma_shape, odd_frames, running
from audioprior.spectrum import Transform

_BASES_HZ = (50.0, 60.0)
_LINES = 40  # harmonics looked for
_COUNTED, _NEEDED = 20, 4  # of the first twenty, four must stand out: a held note hardly ever meets as many multiples
_TOLERANCE_HZ = 1.5
_CONTRAST_DB = 6.0  # above the level half-way to the next harmonics
_SECONDS = 1.0  # of the running median that is a line's level
_SWING = 10.0  # a line's level stays within this factor of its median over the recording
_BESIDE = 2  # bins either side that hold a line's window leakage


def hum(power: Tensor, transform: Transform) -> tuple[Tensor, Tensor]:
    """Return the bins that hold mains hum, and its power in them.

    Args:
        power: (frequency, frame).
        transform: that it comes from.

    Returns:
        (row,) indices and (row, frame) powers; the running median over a second, so that a passing tone is not taken for
        hum. Empty where there is no comb.
    """
    overlap = transform.window // transform.hop
    frames = math.floor(1.25 * overlap) | 1
    mean = box_mean(power, 1, frames) / gamma_quantile(gamma_shape(frames, 1, overlap), 0.5)
    median = mean.median(1).values
    level_db = 10 * (median + 1e-30).log10()
    spacing = transform.sample_rate / transform.window
    lines = max((_comb(level_db, base / spacing, spacing) for base in _BASES_HZ), key=len)
    bins = len(power)
    rows = sorted({near for line in lines for near in range(line - _BESIDE, min(line + _BESIDE + 1, bins))})
    index = torch.tensor(rows, dtype=torch.long, device=power.device)
    if not rows:
        return index, mean[:0]
    local = running(mean[index], odd_frames(_SECONDS, transform.frame_rate_hz, power.shape[1])).median(2).values
    usual = median[index, None]
    return index, torch.minimum(torch.maximum(local, usual / _SWING), usual * _SWING)


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
