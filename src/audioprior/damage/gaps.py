"""Gaps: runs of one value, and dropouts, that no sound makes by itself."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from audioprior.damage.findings import Damage, listed, merged, true_runs
from audioprior.damage.pieces import pieces
from audioprior.errors import SettingsError
from audioprior.sound.source import Source

_SHORTEST_S, _LONGEST_S = 0.001, 0.5  # a longer silence is an edit or a pause
_BESIDE_S = 0.01  # of sound on either side that says what the sound was doing
_FLAT = 8.0  # times the flat top that a slow wave of the same level has, rounded to the recording's steps
_UP_TO_THE_EDGE = 0.25  # of the usual slope: the least there is right beside a gap
_DROP_DB = 40.0
_LOUD = 1e-2  # of the recording's mean power
_EDGE_S = 0.001  # within which a dropout falls and rises, and that counts as right beside a gap
_NONE = torch.zeros(0, 2, dtype=torch.int64)


def find_gaps(source: Source) -> Damage:
    """Return gaps: runs of zeros or of one other value within sound, and falls by 40 dB within a millisecond and back.

    Pauses and fades are no gaps: the sound goes on right up to both edges of a gap. Flat tops of clipping are none either.
    The recording is read twice, piece by piece: for its levels and its steps, and for the gaps.
    """
    rate, beside = source.sample_rate, max(2, round(_BESIDE_S * source.sample_rate))
    edge, levels = max(2, round(_EDGE_S * rate)), _levels(source)
    before, after = max(beside + 1, edge), max(math.ceil(_LONGEST_S * rate) + beside + 1, edge)
    found: list[list[Tensor]] = [[_NONE] for _ in levels]
    falls: list[list[Tensor]] = [[_NONE] for _ in levels]
    rises: list[list[Tensor]] = [[_NONE] for _ in levels]
    for piece in pieces(source, before, after):
        own = slice(piece.start - piece.low, piece.end - piece.low)
        for channel, (samples, level) in enumerate(zip(piece.samples, levels, strict=True)):
            found[channel].append(_flat(samples, own, rate, level) + piece.low)
            for kept, mask in zip((falls, rises), _switches(samples, edge, level), strict=True):
                kept[channel].append(true_runs(mask[own]) + piece.start)
    for own_found, own_falls, own_rises in zip(found, falls, rises, strict=True):
        own_found.append(_dropouts(merged(torch.cat(own_falls)), merged(torch.cat(own_rises)), rate))
    spots = tuple(merged(torch.cat(one).clamp_max(source.length)) for one in found)
    return Damage(spots, listed(spots, rate, "gap"))


def marked(source: Source, gaps: Sequence[tuple[float, float]]) -> Damage:
    """Return the gaps, START-END in seconds, that a user marked in all channels; overlapping ones are joined.

    Raises:
        SettingsError: a gap reaches beyond the end of the recording, is all of it, or is too long to be inferred.
    """
    rate, found = source.sample_rate, [_NONE]
    for start, end in gaps:
        first, last = round(start * rate), round(end * rate)
        if last > source.length or first >= source.length:
            raise SettingsError(
                f"the gap {start:g}-{end:g} lies outside the recording, which lasts {source.length / rate:g} s; "
                "give times within it."
            )
        found.append(torch.tensor([[first, max(last, first + 1)]]))
    runs = merged(torch.cat(found).clamp_max(source.length))  # one of less than a sample is one of a sample
    damage = Damage((runs,) * source.channels)
    if damage.covers(source.length):
        raise SettingsError("the gaps are all of the recording; leave something to learn from.")
    longest = int((runs[:, 1] - runs[:, 0]).max()) / rate
    if longest > _LONGEST_S:
        raise SettingsError(
            f"a gap of {longest:g} s is longer than {_LONGEST_S:g} s, and nothing around it tells what it held; "
            "give shorter ones."
        )
    return replace(damage, findings=listed(damage.spots, rate, "gap"))


@dataclass(frozen=True)
class _Level:
    """What a whole channel says of its sound: its least step above zero, its largest sample, and its mean power."""

    step: float
    top: float
    power: float


def _levels(source: Source) -> list[_Level]:
    step = torch.full((source.channels,), torch.inf, dtype=torch.float64)
    top, energy = torch.zeros_like(step), torch.zeros_like(step)
    for piece in pieces(source, before=1):
        steps = piece.samples.diff().abs()
        if steps.shape[1]:
            step = torch.minimum(step, steps.masked_fill_(steps == 0, torch.inf).amin(1))
        top = torch.maximum(top, piece.own.abs().amax(1))
        energy += piece.own.square().sum(1)
    power = energy / source.length
    return [_Level(*one) for one in zip(step.tolist(), top.tolist(), power.tolist(), strict=True)]


def _flat(samples: Tensor, own: slice, rate: int, level: _Level) -> Tensor:
    """Return the runs of one value in (time,) that begin in a slice and are too long for what the sound does beside them."""
    beside, edge = (max(2, round(s * rate)) for s in (_BESIDE_S, _EDGE_S))
    runs = true_runs(samples.diff() == 0)
    runs[:, 1] += 1  # a run of n equal samples has n − 1 steps of zero
    length = runs[:, 1] - runs[:, 0]
    runs = runs[(length >= math.ceil(_SHORTEST_S * rate)) & (length <= math.floor(_LONGEST_S * rate))]
    runs = runs[(runs[:, 0] >= own.start) & (runs[:, 0] < own.stop)]
    found = [_NONE]
    for start, end in runs.tolist():
        if abs(float(samples[start])) >= 0.99 * level.top > 0:
            continue
        sides = samples[max(0, start - beside) : start], samples[end : end + beside]
        if min(len(side) for side in sides) < 2:
            continue
        near, far = (sides[0][-edge:], sides[1][:edge]), sides
        slope = min(float(side.diff().abs().mean()) for side in near)
        if slope < _UP_TO_THE_EDGE * min(float(side.diff().abs().mean()) for side in far):
            continue  # a fade into a pause
        swing = max(float(side.square().mean().sqrt()) for side in sides)
        if (end - start) * slope > _FLAT * (swing / level.step) ** 0.5 * level.step:
            found.append(torch.tensor([[start, end]]))
    return torch.cat(found)


def _switches(samples: Tensor, edge: int, level: _Level) -> tuple[Tensor, Tensor]:
    """Return where the level of (time,) falls, and where it rises, as a switch does: true there, (time,) each."""
    padded = functional.pad(samples.square()[None, None], (edge, edge), mode="replicate")
    peak = functional.max_pool1d(padded, edge, 1)[0, 0]  # peak[i] covers samples i − edge to i − 1
    before, after = peak[: len(samples)], peak[edge + 1 : edge + 1 + len(samples)]
    fall = 10 ** (_DROP_DB / 10)
    quiet = before.clamp_min(1e-30)
    loud = _LOUD * level.power  # the end of a fade falls by as much, from nearly nothing
    falls = (before > fall * after) & (after > 0) & (before > loud)
    rises = (after > fall * quiet) & (before > 0) & (after > loud)
    return falls, rises


def _dropouts(falls: Tensor, rises: Tensor, rate: int) -> Tensor:
    """Return from each fall to the next rise behind it, where that is neither too short nor too long: (number, 2) each."""
    following = torch.searchsorted(rises[:, 0].contiguous(), falls[:, 1].contiguous(), right=True)
    falls, rises = falls[following < len(rises)], rises[following[following < len(rises)]]
    length = rises[:, 0] - falls[:, 0]
    held = (length >= math.ceil(_SHORTEST_S * rate)) & (length <= math.floor(_LONGEST_S * rate))
    return torch.stack([falls[held, 0], rises[held, 1] + 1], 1)
