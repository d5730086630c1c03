"""Clipping: too many samples too near the top.

The amplitudes of sound thin out towards its peak; clipping piles up there what would have lain beyond, and cuts it flat.
Both are looked for in each channel and polarity by itself and relative to that polarity's own peak, so it does not matter
whether the recording was turned down afterwards, whether dither was added, or whether the knee was soft.
"""

import torch
from torch import Tensor
from torch.nn import functional

from audioprior.damage.findings import Damage, Finding, merged, true_runs
from audioprior.damage.pieces import Piece, pieces
from audioprior.sound.source import Source

_BINS = 400  # between zero and the peak
_MODEL = (0.5, 0.85)  # of the peak, where the decline of amplitudes is read
_PILE = 3.0  # times what the decline foretells
_LEAST, _LEAST_TOPS = 6, 2  # samples in the pile, and tops of more than one sample
_FLAT_SHARE = 0.5  # of the pile
_BLUNT = 2.5  # times lower than foretold
_ROUNDING = 1e-5
_HARD = 1 - 1e-6  # of the peak: a pile that lies above is flat, and its level is exact


def find_clipping(source: Source, level: float | None = None) -> Damage:
    """Return the clipped samples, each bounded by itself: the sound was at least as far out.

    The recording is read piece by piece: once where the level is known, else three times: for the peaks, for how the
    amplitudes thin out towards them, and for the shape of what piles up there.

    Args:
        source: to look at.
        level: clip level, full scale 1.0, if known; found for each channel and polarity without it.
    """
    levels = _pile_levels(source) if level is None else [level * _HARD] * (2 * source.channels)
    tops = [_Tops(one) for one in levels]
    for piece in pieces(source, 1, 1):
        for (channel, sign), own, one in zip(_sides(source), levels, tops, strict=True):
            if own < torch.inf:
                one.add(piece, sign * piece.samples[channel])
    if level is None:  # what piles up may still be round
        blunt = [one.bluntness(source.length) > _BLUNT for one in tops]
        levels = [own if flat else torch.inf for own, flat in zip(levels, blunt, strict=True)]
    findings: list[Finding] = []
    spots: list[list[Tensor]] = [[torch.zeros(0, 2, dtype=torch.int64)] for _ in range(source.channels)]
    for (channel, sign), own, one in zip(_sides(source), levels, tops, strict=True):
        if own < torch.inf:
            note = f"{'positive' if sign > 0 else 'negative'} peaks at {_dbfs(own):.2f} dBFS"
            rate, which = source.sample_rate, channel if source.channels > 1 else None
            findings += [Finding("clipping", a / rate, b / rate, which, note=note) for a, b in one.runs.tolist()]
            spots[channel].append(one.runs)
    pairs = zip(levels[::2], levels[1::2], strict=True)
    findings.sort(key=lambda spot: spot.start_s)
    return Damage(tuple(merged(torch.cat(one)) for one in spots), tuple(findings), tuple(pairs))


def _sides(source: Source) -> list[tuple[int, int]]:
    """Return each channel's polarities in order: channel and sign."""
    return [(channel, sign) for channel in range(source.channels) for sign in (1, -1)]


def _pile_levels(source: Source) -> list[float]:
    """Return the level above which samples pile up, of each of `_sides`; infinite where they do not."""
    peaks = torch.full((source.channels, 2), -torch.inf, dtype=torch.float64)
    for piece in pieces(source):
        peaks = torch.maximum(peaks, torch.stack([piece.own.amax(1), -piece.own.amin(1)], 1))
    amplitudes = [_Amplitudes(peak) for peak in peaks.flatten().tolist()]
    for piece in pieces(source):
        for (channel, sign), one in zip(_sides(source), amplitudes, strict=True):
            one.add(sign * piece.own[channel])
    return [one.pile_level() for one in amplitudes]


class _Amplitudes:
    """The positive samples of a channel below its peak: counted in bins, and those near the peak more closely."""

    def __init__(self, peak: float) -> None:
        self._peak = peak
        self._counts = torch.zeros(_BINS, dtype=torch.float64)
        # Each place where a pile may begin: samples from there to the next place, and the least of them.
        self._first = int(_BINS * _MODEL[1])
        self._places = peak * torch.arange(self._first, _BINS, dtype=torch.float64) / _BINS
        self._near = torch.zeros(len(self._places), dtype=torch.int64)
        self._least = torch.full_like(self._places, torch.inf)
        self._flat, self._least_flat = 0, torch.inf

    def add(self, samples: Tensor) -> None:
        """Count (time,) samples."""
        samples = samples[samples > 0]
        if not len(samples):
            return
        self._counts += torch.histc((samples / self._peak).float(), _BINS, 0.0, 1.0)
        near = samples[samples >= self._places[0]]
        place = torch.bucketize(near, self._places, right=True) - 1
        self._near += place.bincount(minlength=len(self._near))
        self._least.scatter_reduce_(0, place, near, "amin")
        flat = near[near >= _HARD * self._peak]
        if len(flat):
            self._flat, self._least_flat = self._flat + len(flat), min(self._least_flat, float(flat.min()))

    def pile_level(self) -> float:
        """Return the level above which the samples pile up; infinite where they do not."""
        if self._peak <= 0:
            return torch.inf
        counts = self._counts.float()
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
            return torch.inf
        inside = int(self._near[bottom - self._first :].sum())
        return self._least_flat if self._flat > _FLAT_SHARE * inside else float(self._least[bottom - self._first :].min())


class _Tops:
    """The runs of samples at or beyond a level, and their shape."""

    def __init__(self, level: float) -> None:
        self._level = level
        self._starts, self._ends = [torch.zeros(0, dtype=torch.int64)], [torch.zeros(0, dtype=torch.int64)]
        self._rises, self._falls = [torch.zeros(0, dtype=torch.float64)], [torch.zeros(0, dtype=torch.float64)]
        self._height, self._inside = 0.0, 0

    def add(self, piece: Piece, samples: Tensor) -> None:
        """Take in a piece and the sample on either side of it: (time,)."""
        start, end = true_runs(samples >= self._level).mT + piece.low
        start, end = start[(start >= piece.start) & (start < piece.end)], end[(end > piece.start) & (end <= piece.end)]
        beside = functional.pad(samples, (1, 1))  # what runs to an end of the recording counts for nothing
        rise, fall = beside[start - piece.low + 1], beside[end - piece.low]
        self._starts.append(start)
        self._ends.append(end)
        self._rises.append(rise - beside[start - piece.low])
        self._falls.append(fall - beside[end - piece.low + 1])
        own = samples[piece.start - piece.low : piece.end - piece.low]
        inside = own[own >= self._level]
        self._height += float((inside - self._level).sum())
        self._inside += len(inside)

    @property
    def runs(self) -> Tensor:
        """(number, 2): start and end of each."""
        return torch.stack([torch.cat(self._starts), torch.cat(self._ends)], 1)

    def bluntness(self, length: int) -> float:
        """Return how much lower the tops of a recording of some length are than the slopes beside them foretell.

        The peaks of a steady tone pile up too, but they are round: a parabola that is left by steps of d after n samples is
        d·n/4 high. Rounded to the level of clipping it is far lower.
        """
        starts, ends = self.runs.mT
        steps = (torch.cat(self._rises) + torch.cat(self._falls)) / 2
        held = (starts > 0) & (ends < length) & (ends - starts > 1)  # one sample has no shape
        if int(held.sum()) < _LEAST_TOPS:
            return 0.0
        foretold = float((steps * (ends - starts) / 4)[held].mean())
        height = 1.5 * self._height / self._inside  # a parabola is two thirds of its height on average
        return foretold / (height + _ROUNDING * self._level)


def _decline(middle: Tensor, counts: Tensor, body: Tensor) -> Tensor:
    """Return the expected counts: an exponential through the body of the histogram."""
    weight, x, y = counts[body] + 1, middle[body], (counts[body] + 0.5).log()
    mean_x, mean_y = (weight * x).sum() / weight.sum(), (weight * y).sum() / weight.sum()
    slope = (weight * (x - mean_x) * (y - mean_y)).sum() / (weight * (x - mean_x).square()).sum()
    return (mean_y + slope.clamp_max(0) * (middle - mean_x)).exp()


def _dbfs(level: float) -> float:
    return 20 * float(torch.tensor(level).log10())
