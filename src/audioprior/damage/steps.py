"""Coarse steps: a recording that was once stored in few bits uses few of the values that its samples could have."""

import torch
from torch import Tensor

from audioprior.damage.pieces import pieces
from audioprior.sound.source import Source

_MOST_BITS = 12  # finer steps are not heard
_EVEN = 1e-3  # of a step: how far values may lie off the grid (a recording turned down afterwards is on one too)


def find_step(source: Source) -> float | None:
    """Return the distance between neighbouring values, full scale 1.0, or None if the recording is not coarse.

    The values must lie on one even grid through zero or half a step beside it, and be used at least twice each on average.
    The recording is read once, piece by piece, and no further than too many values are found.
    """
    values = _values(source, 2**_MOST_BITS)
    if values is None or len(values) < 4 or source.channels * source.length < 2 * len(values):
        return None
    step = float(values.diff().min())
    if step < 2 * float(values.abs().max()) / 2**_MOST_BITS:
        return None
    grid = values / step
    off = torch.minimum((grid - grid.round()).abs(), (grid - 0.5 - (grid - 0.5).round()).abs())
    return step if float(off.max()) < _EVEN * float(grid.abs().max().clamp_min(1)) else None


def _values(source: Source, most: int) -> Tensor | None:
    """Return the values that a recording's samples have, each once and rising, or None if there are more than some."""
    known = torch.empty(0, dtype=torch.float64)
    for piece in pieces(source):
        samples = piece.own.flatten().contiguous()
        if len(known):  # a piece brings few new ones: to look up the others is faster than to sort them
            place = torch.searchsorted(known, samples).clamp_max_(len(known) - 1)
            samples = samples[known[place] != samples]
        known = torch.unique(torch.cat([known, samples]))
        if len(known) > most:
            return None
    return known
