"""How far to believe that what would be removed is noise, judged by what would be removed.

Where sound never pauses, no bin is noise only, and the blind noise power is too high by 5 to 40 dB: the sound's own partials
are taken for noise. The wrong ν cannot be seen in powers, but it can be heard in what it removes. Two signs, per octave:

* **it has a steady pitch**: the phase of a partial turns by the same angle from frame to frame, that of noise does not. The
  cosine of the phase's second difference is one for a steady partial whatever its frequency, and about zero for noise;
* **no bin is noise only, and the sound is far above**: there the estimate is known to be too high, and little is at stake.

What is removed is scaled by the belief. That is the same as a lower ν with λ + ν, which the fit knows, held fast.
"""

import itertools

import torch
from torch import Tensor

from audioprior.observations.bands import band_mean, box_mean, edges, spread

_BANDS = (1, 8)  # per octave, least bins
_LAGS = (0.5, 0.75)  # of a window; the lesser cosine counts: narrow rumble has a pitch for half a window, not for longer
_PITCHED = (0.06, 0.15)  # mean cosine between which belief falls from all to none
_NOISE_ONLY = 3.0  # a neighbourhood below this many times the noise power holds more noise than sound
_OPEN = (0.8, 0.92)  # share of noise-only bins between which a pitch no longer matters: an engine has one too
_FAR_DB = (10.0, 20.0)  # sound above noise between which doubt sets in
_COVERED = (0.45, 0.9)  # share of noise-only bins between which that doubt ends
_MOST_DOUBT = 0.5  # of the second kind


def belief(spectrum: Tensor, gains: Tensor, noise: Tensor, judged: Tensor, overlap: int) -> Tensor:
    """Return the share of what the gains remove that is noise, from 0 to 1: (channel, frequency, 1).

    Args:
        spectrum: complex (channel, frequency, frame).
        gains: that are to be applied to it.
        noise: ν, broadcast to the spectrum's shape.
        judged: (channel, frequency, 1), 1 where to judge; 0 where noise is known to have a pitch, and is believed.
        overlap: frames in a window.
    """
    channels = zip(spectrum, gains, noise.expand_as(gains), judged, strict=True)
    return torch.stack([_one_channel(*channel, overlap) for channel in channels])


def _one_channel(spectrum: Tensor, gains: Tensor, noise: Tensor, judged: Tensor, overlap: int) -> Tensor:
    power, bins = spectrum.abs().square(), len(spectrum)
    borders = edges(bins, *_BANDS)
    removed = judged * (1 - gains).square() * power
    pitch = torch.stack([_pitch(spectrum, removed, round(lag * overlap), borders) for lag in _LAGS]).amin(0)
    near = box_mean(power, 3, overlap | 1)
    open_ = band_mean((near < _NOISE_ONLY * noise).to(power), borders).mean(1)
    above_db = 10 * (band_mean(power, borders).mean(1) / (band_mean(noise, borders).mean(1) + 1e-30) + 1e-30).log10()
    pitched = _between(pitch, _PITCHED) * (1 - _between(open_, _OPEN))
    covered = _MOST_DOUBT * _between(above_db, _FAR_DB) * (1 - _between(open_, _COVERED))
    return 1 - judged * spread(torch.maximum(pitched, covered)[:, None], borders, bins)


def _pitch(spectrum: Tensor, weight: Tensor, lag: int, borders: list[int]) -> Tensor:
    """Return the mean cosine of the second difference of the phase over `lag` frames, 0 where there are too few: (band,)."""
    if spectrum.shape[1] <= 2 * lag:
        return weight.new_zeros(len(borders) - 1)
    before, now, after = spectrum[:, : -2 * lag], spectrum[:, lag:-lag], spectrum[:, 2 * lag :]
    turned = torch.sgn(before * after) * torch.sgn(now).conj().square()
    weight = weight[:, lag:-lag]
    return torch.stack(
        [(turned[a:b].real * weight[a:b]).sum() / (weight[a:b].sum() + 1e-30) for a, b in itertools.pairwise(borders)]
    )


def _between(value: Tensor, limits: tuple[float, float]) -> Tensor:
    """Return where a value lies between two limits, from 0 to 1."""
    low, high = limits
    return ((value - low) / (high - low)).clamp(0, 1)
