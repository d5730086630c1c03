"""Rumble: what turntables, wind and handling leave below hearing: noise, however loud it is."""

import torch
from torch import Tensor

from audioprior.noise.bands import box_mean, odd_frames
from audioprior.sound.spectrum import Transform

_INAUDIBLE_HZ = 25.0  # the top of the hill lies below
_HIGHEST_HZ = 60.0  # its foot, at the latest
_HILL_DB = 6.0  # its height above its foot
_LEAST_SHARE = 0.02  # of the power: what is fainter can neither be heard nor does it take headroom, and is left alone
_SECONDS = 0.5  # over which its level is followed


def rumble(power: Tensor, transform: Transform) -> Tensor:
    """Return the power of rumble in the lowest bins, which hold nothing else: (row, frame), with no row where there is none.

    It is a hill of the mean spectrum whose top no one can hear and that falls off before the sound begins. How loud
    the noise is there needs no low quantile: all of it is noise.

    Args:
        power: (frequency, frame).
        transform: that it comes from.
    """
    inaudible, highest = (
        1 + int(limit * transform.window / transform.sample_rate) for limit in (_INAUDIBLE_HZ, _HIGHEST_HZ)
    )
    level_db = 10 * (power[: highest + 1].mean(1) + 1e-30).log10().cpu()
    top = int(level_db[:inaudible].argmax())
    rising = (level_db[top:].diff() > 0).nonzero()
    foot = top + int(rising[0]) if len(rising) else len(level_db) - 1
    if float(level_db[top] - level_db[foot]) < _HILL_DB or float(power[:foot].sum() / power.sum()) < _LEAST_SHARE:
        return power[:0]
    return box_mean(power[:foot], 1, odd_frames(_SECONDS, transform.frame_rate_hz, power.shape[1]))


def free_of_rumble(power: Tensor, transform: Transform) -> Tensor:
    """Return 0 where there is rumble, else 1: (channel, frequency, 1).

    Args:
        power: (channel, frequency, frame).
        transform: that it comes from.
    """
    free = torch.ones_like(power[:, :, :1])
    for rows, channel in zip(free, power, strict=True):
        rows[: len(rumble(channel, transform))] = 0
    return free
