"""Clipping: too many samples too near the top.

The amplitudes of sound thin out towards its peak; clipping piles up there what would have lain beyond, and cuts it flat.
Both are looked for in each channel and polarity by itself and relative to that polarity's own peak, so it does not matter
whether the recording was turned down afterwards, whether dither was added, or whether the knee was soft.
"""

import torch
from torch import Tensor

from audioprior.damage.findings import Damage, Finding, merged, true_runs
from audioprior.sound.recording import Recording

_BINS = 400  # between zero and the peak
_MODEL = (0.5, 0.85)  # of the peak, where the decline of amplitudes is read
_PILE = 3.0  # times what the decline foretells
_LEAST, _LEAST_TOPS = 6, 2  # samples in the pile, and tops of more than one sample
_FLAT_SHARE = 0.5  # of the pile
_BLUNT = 2.5  # times lower than foretold
_ROUNDING = 1e-5
_HARD = 1 - 1e-6  # of the peak: a pile that lies above is flat, and its level is exact


def find_clipping(recording: Recording, level: float | None = None) -> Damage:
    """Return the clipped samples, each bounded by itself: the sound was at least as far out.

    Args:
        recording: to look at.
        level: clip level, full scale 1.0, if known; found for each channel and polarity without it.
    """
    samples = recording.samples
    spots: list[Tensor] = []
    levels: list[tuple[float, float]] = []
    findings: list[Finding] = []
    for channel, one in enumerate(samples):
        own, known = [torch.zeros(0, 2, dtype=torch.int64)], [torch.inf, torch.inf]
        for polarity, sign in enumerate((1, -1)):
            found = level * _HARD if level is not None else clip_level(sign * one)
            if found is None:
                continue
            known[polarity] = found
            own.append(true_runs(sign * one >= found))
            note = f"{'positive' if sign > 0 else 'negative'} peaks at {_dbfs(found):.2f} dBFS"
            rate, which = recording.sample_rate, channel if len(samples) > 1 else None
            findings += [Finding("clipping", a / rate, b / rate, which, note=note) for a, b in own[-1].tolist()]
        spots.append(merged(torch.cat(own)))
        levels.append((known[0], known[1]))
    return Damage(tuple(spots), tuple(sorted(findings, key=lambda spot: spot.start_s)), tuple(levels))


def clip_level(samples: Tensor) -> float | None:
    """Return the level above which the positive samples of (time,) pile up, or None."""
    peak = float(samples.max())
    if peak <= 0:
        return None
    counts = torch.histc((samples[samples > 0] / peak).float(), _BINS, 0.0, 1.0)
    middle = (torch.arange(_BINS) + 0.5) / _BINS
    body = (middle > _MODEL[0]) & (middle < _MODEL[1])
    expected = _decline(middle, counts, body)
    # From the peak downwards, as long as there are more than there should be.
    excess = counts > _PILE * expected + 1
    bottom = _BINS
    while bottom > _BINS * _MODEL[1] and excess[bottom - 1]:
        bottom -= 1
    pile = float(counts[bottom:].sum() - expected[bottom:].sum())
    if bottom == _BINS or pile < _LEAST:
        return None
    inside = samples[samples >= peak * bottom / _BINS]
    flat = inside[inside >= _HARD * peak]
    level = float((flat if len(flat) > _FLAT_SHARE * len(inside) else inside).min())
    return level if _bluntness(samples, level) > _BLUNT else None


def _bluntness(samples: Tensor, level: float) -> float:
    """Return how much lower the tops above a level are than the slopes beside them foretell.

    The peaks of a steady tone pile up too, but they are round: a parabola that is left by steps of d after n samples is
    d·n/4 high. Rounded to the level of clipping it is far lower.
    """
    inside = samples >= level
    starts, ends = true_runs(inside).mT
    held = (starts > 0) & (ends < len(samples)) & (ends - starts > 1)  # one sample has no shape
    starts, ends = starts[held], ends[held]
    if len(starts) < _LEAST_TOPS:
        return 0.0
    steps = (samples[starts] - samples[starts - 1] + samples[ends - 1] - samples[ends]) / 2
    foretold = (steps * (ends - starts) / 4).mean()
    height = 1.5 * (samples[inside] - level).mean()  # a parabola is two thirds of its height on average
    return float(foretold / (height + _ROUNDING * level))


def _decline(middle: Tensor, counts: Tensor, body: Tensor) -> Tensor:
    """Return the expected counts: an exponential through the body of the histogram."""
    weight, x, y = counts[body] + 1, middle[body], (counts[body] + 0.5).log()
    mean_x, mean_y = (weight * x).sum() / weight.sum(), (weight * y).sum() / weight.sum()
    slope = (weight * (x - mean_x) * (y - mean_y)).sum() / (weight * (x - mean_x).square()).sum()
    return (mean_y + slope.clamp_max(0) * (middle - mean_x)).exp()


def _dbfs(level: float) -> float:
    return 20 * float(torch.tensor(level).log10())
