"""Coarse steps: a recording that was once stored in few bits uses few of the values that its samples could have."""

import torch

from audioprior.sound.recording import Recording

_MOST_BITS = 12  # finer steps are not heard
_EVEN = 1e-3  # of a step: how far values may lie off the grid (a recording turned down afterwards is on one too)


def find_step(recording: Recording) -> float | None:
    """Return the distance between neighbouring values, full scale 1.0, or None if the recording is not coarse.

    The values must lie on one even grid through zero or half a step beside it, and be used at least twice each on average.
    """
    values = torch.unique(recording.samples)
    if not 4 <= len(values) <= 2**_MOST_BITS or recording.samples.numel() < 2 * len(values):
        return None
    step = float(values.diff().min())
    if step < 2 * float(values.abs().max()) / 2**_MOST_BITS:
        return None
    grid = values / step
    off = torch.minimum((grid - grid.round()).abs(), (grid - 0.5 - (grid - 0.5).round()).abs())
    return step if float(off.max()) < _EVEN * float(grid.abs().max().clamp_min(1)) else None
