"""The power of the noise, found blind: the lever on which most of denoising hangs.

Four steps, each of which only has to be right where the one before was wrong:

1. **floor**: a low quantile over a third of an octave and the whole recording. Sound leaves some bins alone, between its
   partials if not in its pauses;
2. **refine**: the mean power of the bins that are noise only at the present level (the speech-presence probability of
   Gerkmann and Hendriks 2012, "Unbiased MMSE-based noise power estimation with low complexity and low tracking
   delay", section III, here over time *and* frequency). Few rounds on purpose: more climb into dense music;
3. **guard**: bands in which next to nothing is noise only are lowered to the smooth curve through those in which much is;
4. **track**: a slow gain per octave, for rain and surf; the lines of mains hum (`mains.py`), and
   rumble below hearing (`rumble.py`).

It is estimated on a long window, whose narrow bins see between partials, and mapped to the windows that are fitted.
`bench/NOTES.md` has what each step is worth, and what else was tried.
"""

import itertools
import math

import torch
from torch import Tensor
from torch.nn import functional

from audioprior.noise.bands import (
    band_mean,
    box_mean,
    centres,
    edges,
    gamma_quantile,
    gamma_shape,
    odd_frames,
    proportional_mean,
    spread,
)
from audioprior.noise.mains import hum
from audioprior.noise.rumble import rumble
from audioprior.sound.spectrum import Transform

LONG_WINDOW_MS = 128.0  # on which the noise is estimated

_FLOOR_QUANTILE = 0.02  # that much of a band is free of sound even in dense music
_FLOOR_BANDS = (3, 3)  # bands per octave, least bins
_REFINE_ROUNDS, _REFINE_SHARE, _REFINE_BANDS = 4, 0.06, (2, 4)
_KEEP = 0.05  # weight of the present level where nothing is noise only
# The signal-to-noise ratio assumed of bins that hold sound: the second value only where the band is mostly noise.
_PRESENT_DB = (10.0, 18.0)
_MOSTLY_NOISE = (0.6, 1.0)  # share of noise-only bins between which the assumption moves
_GUARD_SHARE = 0.5  # of noise-only bins above which a band is trusted as it is
_GUARD_SLOPE, _GUARD_BEND, _GUARD_ROUNDS = 0.1, 0.3, 8  # stiffness of the guard's curve against slope and bend
_TRACK_S, _TRACK_KEEP, _TRACK_ROUNDS, _TRACK_BANDS = 0.5, 0.5, 3, (1, 8)
_DIGITAL_SILENCE = 1e-9  # of the mean power: such frames are no noise


def noise_power(power: Tensor, transform: Transform) -> Tensor:
    """Return ν, slow in time.

    Args:
        power: (channel, frequency, frame).
        transform: that it comes from.

    Returns:
        (channel, frequency, frame).
    """
    return torch.stack([_one_channel(channel, transform) for channel in power])


def followed(power: Tensor, level: Tensor, transform: Transform) -> Tensor:
    """Return a known noise power, (channel, frequency, 1), followed slowly in time: (channel, frequency, frame)."""
    return torch.stack([known * _track(channel, known, transform) for channel, known in zip(power, level, strict=True)])


def long_transform(transform: Transform) -> Transform:
    """Return the transform to estimate noise with: a power of two times as long, nearest to `LONG_WINDOW_MS`."""
    wanted = LONG_WINDOW_MS / 1000 * transform.sample_rate / transform.window
    factor = 2 ** max(0, round(math.log2(wanted)))
    return Transform(transform.window * factor, transform.hop * factor, transform.sample_rate)


def to_shorter(noise: Tensor, factor: int, frames: int) -> Tensor:
    """Return the noise power that a window shorter by `factor` sees: (channel, frequency, frame).

    The shorter window's main lobe gathers neighbouring bins, so that a line keeps its energy; time is interpolated.
    """
    if factor > 1:
        channels, _, columns = noise.shape
        x = torch.arange(-3 * factor, 3 * factor + 1, dtype=torch.float64) / factor
        # The spectrum of a Hann window, sinc(x) / (1 − x²), whose value at ±1 is 1/2.
        lobe = torch.where((x.abs() - 1).abs() < 1e-9, 0.5, torch.sinc(x) / (1 - x.square()).where(x.abs() != 1, 1.0))
        kernel = (lobe.square() / lobe.square().sum() / factor).to(noise)
        rows = noise.mT.reshape(channels * columns, 1, -1)
        rows = functional.pad(rows, (3 * factor, 3 * factor), mode="replicate")
        noise = functional.conv1d(rows, kernel[None, None], stride=factor).view(channels, columns, -1).mT
    if noise.shape[2] == 1:
        return noise.expand(-1, -1, frames)
    return functional.interpolate(noise, size=frames, mode="linear", align_corners=True)


def _one_channel(power: Tensor, transform: Transform) -> Tensor:
    overlap, bins = transform.window // transform.hop, len(power)
    power = power + 1e-14 * power.mean() + 1e-30
    total = power.mean(0)
    live = power[:, total > _DIGITAL_SILENCE * total.mean()]
    level = _floor(live, overlap)
    mean, shape = box_mean(live, 3, math.floor(1.25 * overlap) | 1), gamma_shape(math.floor(1.25 * overlap) | 1, 3, overlap)
    bands = edges(bins, *_REFINE_BANDS)
    for _ in range(_REFINE_ROUNDS):
        noise_only = _noise_only(mean / level, shape, bands)
        heard = proportional_mean((noise_only * live).mean(1, keepdim=True), _REFINE_SHARE)
        level = (heard + _KEEP * level) / (proportional_mean(noise_only.mean(1, keepdim=True), _REFINE_SHARE) + _KEEP)
    level = _guard(level, mean, shape)
    level = level * _track(power, level, transform)
    low = rumble(power, transform)
    level[: len(low)] = torch.maximum(level[: len(low)], low)
    rows, lines = hum(power, transform)
    level[rows] = torch.maximum(level[rows], lines)
    return level


def _floor(power: Tensor, overlap: int) -> Tensor:
    """Return a low quantile over bands and the whole recording, free of bias for noise: (frequency, 1).

    Means are one bin wide, so that gaps between partials stay gaps.
    """
    frames = math.floor(1.25 * overlap) | 1
    borders = edges(len(power), *_FLOOR_BANDS)
    mean = box_mean(power, 1, frames)
    values = [mean[a:b].flatten() for a, b in itertools.pairwise(borders)]
    low = torch.stack([v.kthvalue(max(1, round(_FLOOR_QUANTILE * len(v)))).values for v in values])
    low = low / gamma_quantile(gamma_shape(frames, 1, overlap), _FLOOR_QUANTILE)
    return spread(low.clamp_min(1e-30).log()[:, None], borders, len(power)).exp()


def _noise_only(ratio: Tensor, shape: float, borders: list[int]) -> Tensor:
    """Return the probability that a neighbourhood is noise only.

    Args:
        ratio: its mean power over the noise level, (frequency, frame).
        shape: of the gamma law that it follows if it is noise only.
        borders: of bands that are judged as a whole: where most is noise, only loud bins are taken for sound.
    """
    low, high = _PRESENT_DB
    share = spread(band_mean(_absence(ratio, shape, low), borders).mean(1, keepdim=True), borders, len(ratio))
    openness = ((share - _MOSTLY_NOISE[0]) / (_MOSTLY_NOISE[1] - _MOSTLY_NOISE[0])).clamp(0, 1)
    return _absence(ratio, shape, low + (high - low) * openness)


def _absence(ratio: Tensor, shape: float, present_db: Tensor | float) -> Tensor:
    present = 10 ** (torch.as_tensor(present_db, dtype=ratio.dtype, device=ratio.device) / 10)
    return torch.sigmoid(-shape * (ratio * present / (1 + present) - torch.log1p(present)))


def _guard(level: Tensor, mean: Tensor, shape: float) -> Tensor:
    """Lower (never raise) the bands that hold no noise-only bins to the curve through those that do."""
    borders = edges(len(level), *_FLOOR_BANDS)
    share = band_mean(_absence(mean / level, shape, 12.0), borders).mean(1).double().cpu()
    log_level = band_mean(level.log(), borders)[:, 0].double().cpu()
    octave = centres(borders).double().clamp_min(0.5).log2()
    count = len(octave)
    if count < 4:
        return level
    step = octave.diff()
    slope = torch.eye(count, dtype=torch.float64).diff(dim=0) / step.sqrt()[:, None]
    bend = (slope / step.sqrt()[:, None]).diff(dim=0) / ((octave[2:] - octave[:-2]) / 2).sqrt()[:, None]
    stiffness = _GUARD_SLOPE * slope.T @ slope + _GUARD_BEND * bend.T @ bend
    trust = share.clamp(0.002, 1).square()
    weight, curve = trust, log_level
    for _ in range(_GUARD_ROUNDS):  # robust: a band far off the curve (a cliff, a line) loses its say
        curve = torch.linalg.solve(weight.diag() + stiffness, weight * log_level)
        weight = trust / (log_level - curve).abs().clamp_min(1)
    untrusted = 1 - (share / _GUARD_SHARE).clamp(0, 1)
    lowering = (untrusted * (curve - log_level).clamp_max(0)).to(level)
    return level * spread(lowering[:, None], borders, len(level)).exp()


def _track(power: Tensor, level: Tensor, transform: Transform) -> Tensor:
    """Return a slow gain per octave around one: (frequency, frame)."""
    overlap, bins = transform.window // transform.hop, len(power)
    borders = edges(bins, *_TRACK_BANDS)
    frames = math.floor(1.25 * overlap) | 1
    mean, shape = box_mean(power, 3, frames), gamma_shape(frames, 3, overlap)
    width = odd_frames(_TRACK_S, transform.frame_rate_hz, power.shape[1])
    gain = torch.ones_like(power)
    for _ in range(_TRACK_ROUNDS):
        noise_only = _noise_only(mean / (level * gain), shape, borders)
        above, below = (box_mean(band_mean(x, borders), 1, width) for x in (noise_only * power / level, noise_only))
        gain = spread(((above + _TRACK_KEEP) / (below + _TRACK_KEEP)).log(), borders, bins).exp()
    return gain
