"""Probes: sound that is whole, damaged in pretence, so that what a repair is worth can be measured where the truth is known.

Which window length suits a voice and which a cello cannot be told from a model's own variance: the wrong model is as sure
of itself as the right one. The pretended damage is repaired along with the real, and windows weigh by how well they did.
"""

import math
from dataclasses import replace

import torch
from torch import Tensor

from audioprior.damage import Damage, runs

_MOST = 8  # pretended gaps in a channel of a block
_APART_S = 0.02  # of whole sound between a pretended gap and any other
_SHARE = 0.15  # pretended clipped peaks for each real one
_LOWER = 0.75  # of the clip level, where pretended clipping sets in
_TRIES = 20


def with_probes(samples: Tensor, damage: Damage, sample_rate: int, generator: torch.Generator) -> tuple[Damage, Tensor]:
    """Return the damage together with pretended damage, and where the pretended is: (channel, time).

    Args:
        samples: (channel, time), the recording.
        damage: what is really damaged; gaps are answered by gaps of the same length, clipping by clipping.
        sample_rate: in Hz.
        generator: of the places.
    """
    low, high = damage.low.clone(), damage.high.clone()
    for channel, (one, missing) in enumerate(zip(samples, damage.missing, strict=True)):
        if damage.bounded:
            for sign, near, far in ((1, low[channel], high[channel]), (-1, high[channel], low[channel])):
                level, places = _peaks(sign * one, missing & (sign * one > 0), generator)
                near[places], far[places] = sign * level, sign * torch.inf
        else:
            places = _gaps(missing, round(_APART_S * sample_rate), generator)
            low[channel, places], high[channel, places] = -torch.inf, torch.inf
    probed = replace(damage, low=low, high=high)
    return probed, probed.missing & ~damage.missing


def _gaps(missing: Tensor, apart: int, generator: torch.Generator) -> Tensor:
    """Return gaps of the same lengths at other places: (time,)."""
    taken, found = missing.clone(), torch.zeros_like(missing)
    for start, end in runs(missing)[:_MOST]:
        length = end - start
        for at in torch.randint(max(1, len(missing) - length), (_TRIES,), generator=generator).tolist():
            if not taken[max(0, at - apart) : at + length + apart].any():
                taken[at : at + length] = found[at : at + length] = True
                break
    return found


def _peaks(samples: Tensor, clipped: Tensor, generator: torch.Generator) -> tuple[float, Tensor]:
    """Return a level below the clip level, and some of the peaks that lie between the two: (time,)."""
    found = torch.zeros_like(clipped)
    if not clipped.any():
        return 0.0, found
    top = float(samples[clipped].min())
    level = _LOWER * top
    whole = [(a, b) for a, b in runs(samples >= level) if not clipped[a:b].any()]
    wanted = math.ceil(_SHARE * len(runs(clipped)))
    for number in torch.randperm(len(whole), generator=generator)[:wanted].tolist():
        found[slice(*whole[number])] = True
    return level, found
