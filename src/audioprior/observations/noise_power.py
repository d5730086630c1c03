"""The power of the noise, found blind: the lever on which most of denoising hangs."""

import functools

import torch
from torch import Tensor
from torch.nn import functional as f

_QUANTILE = 0.25  # of the smoothed power over time: where sound pauses, whatever it is at other times
_SMOOTHING_FRAMES = 5
_OCTAVES = 1.2  # width of the running median over frequency, wide enough to step over partials
_FLOOR = 1e-10  # of the loudest bin: −100 dB


def noise_power(power: Tensor) -> Tensor:
    """Return the power of steady noise at each frequency.

    The low quantile over time of each frequency, smoothed by a median over octaves after a robust tilt was taken out, so
    that held notes do not count as noise.

    Args:
        power: (channel, frequency, frame) of a transform with hop window/4.

    Returns:
        (channel, frequency, 1).
    """
    context = power[..., ::2]  # every other frame: half-overlapping frames are almost independent
    smooth = _time_mean(context)
    level = (torch.quantile(smooth, _QUANTILE, dim=2) / _quantile_bias()).clamp_min(_FLOOR * power.max() + 1e-30).log()
    return torch.stack([_smooth_over_octaves(channel) for channel in level.double()]).to(power).exp()[..., None]


def mean_power(power: Tensor) -> Tensor:
    """Return the mean over a passage that is noise only: (channel, frequency, frame) → (channel, frequency, 1)."""
    return power.mean(2, keepdim=True)


def _time_mean(power: Tensor) -> Tensor:
    width = _SMOOTHING_FRAMES
    return f.avg_pool1d(power, width, 1, width // 2, count_include_pad=False)


@functools.lru_cache(maxsize=1)
def _quantile_bias() -> float:
    """Return the quantile of the smoothed power of noise with mean power one, by simulation."""
    noise = torch.randn(160_000, generator=torch.Generator().manual_seed(0))
    spectrum = torch.stft(noise, 512, 256, window=torch.hann_window(512), return_complex=True)[10:-10]
    power = spectrum.abs().square()
    return float(torch.quantile(_time_mean(power / power.mean()), _QUANTILE, dim=1).mean())


def _smooth_over_octaves(level: Tensor) -> Tensor:
    """Return a log-spectrum less its narrow peaks."""
    bins = len(level)
    index = torch.arange(bins, dtype=torch.float64)
    octave = index.clamp_min(0.5).log2()
    terms = torch.stack([torch.ones_like(octave), octave, octave.square()], 1)
    density = 1 / index.clamp_min(1.0)
    weight = density
    tilt = torch.zeros(3, dtype=torch.float64)
    for _ in range(30):  # reweighted least squares: an absolute error that counts less above than below
        root = weight.sqrt()
        tilt = torch.linalg.lstsq(terms * root[:, None], (level * root)[:, None], driver="gelsd").solution[:, 0]
        rest = level - terms @ tilt
        weight = density * torch.where(rest > 0, 0.35, 1.0) / rest.abs().clamp_min(0.1)
    rest = level - terms @ tilt
    median = torch.empty_like(rest)
    for i in range(bins):
        half = max(1, round(i * (2 ** (_OCTAVES / 2) - 2 ** (-_OCTAVES / 2)) / 2))
        median[i] = rest[max(0, i - half) : i + half + 1].median()
    total = torch.cat([torch.zeros(1, dtype=torch.float64), median.cumsum(0)])
    reach = (index * 0.1).long()
    first, last = (index.long() - reach).clamp_min(0), (index.long() + reach + 1).clamp_max(bins)
    return (total[last] - total[first]) / (last - first) + terms @ tilt
