"""Gaps: runs of one value, and dropouts, that no sound makes by itself."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from audioprior.damage.findings import Damage, listed, true_runs
from audioprior.errors import SettingsError
from audioprior.sound.recording import Recording

_SHORTEST_S, _LONGEST_S = 0.001, 0.5  # a longer silence is an edit or a pause
_BESIDE_S = 0.01  # of sound on either side that says what the sound was doing
_FLAT = 8.0  # times the flat top that a slow wave of the same level has, rounded to the recording's steps
_UP_TO_THE_EDGE = 0.25  # of the usual slope: the least there is right beside a gap
_DROP_DB = 40.0
_LOUD = 1e-2  # of the recording's mean power
_EDGE_S = 0.001  # within which a dropout falls and rises, and that counts as right beside a gap


def find_gaps(recording: Recording) -> Damage:
    """Return gaps: runs of zeros or of one other value within sound, and falls by 40 dB within a millisecond and back.

    Pauses and fades are no gaps: the sound goes on right up to both edges of a gap. Flat tops of clipping are none either.
    """
    missing = torch.zeros_like(recording.samples, dtype=torch.bool)
    for channel, samples in enumerate(recording.samples):
        for start, end in _flat(samples, recording.sample_rate) + _dropouts(samples, recording.sample_rate):
            missing[channel, start:end] = True
    spots = tuple(true_runs(mask) for mask in missing)
    return Damage(spots, listed(spots, recording.sample_rate, "gap"))


def marked(recording: Recording, gaps: Sequence[tuple[float, float]]) -> Damage:
    """Return the gaps, START-END in seconds, that a user marked in all channels; overlapping ones are joined.

    Raises:
        SettingsError: a gap reaches beyond the end of the recording, is all of it, or is too long to be inferred.
    """
    missing = torch.zeros_like(recording.samples, dtype=torch.bool)
    rate = recording.sample_rate
    for start, end in gaps:
        first, last = round(start * rate), round(end * rate)
        if last > missing.shape[1]:
            raise SettingsError(
                f"the gap {start:g}-{end:g} lies outside the recording, which lasts {recording.duration_s:g} s; "
                "give times within it."
            )
        missing[:, first : max(last, first + 1)] = True
    if missing.all():
        raise SettingsError("the gaps are all of the recording; leave something to learn from.")
    longest = max(b - a for a, b in true_runs(missing[0]).tolist()) / rate
    if longest > _LONGEST_S:
        raise SettingsError(
            f"a gap of {longest:g} s is longer than {_LONGEST_S:g} s, and nothing around it tells what it held; "
            "give shorter ones."
        )
    spots = tuple(true_runs(mask) for mask in missing)
    return Damage(spots, listed(spots, rate, "gap"))


def _flat(samples: Tensor, rate: int) -> list[tuple[int, int]]:
    steps = samples.diff().abs()
    moving = steps[steps > 0]
    if not len(moving):
        return []
    step, top = float(moving.min()), float(samples.abs().max())
    beside = max(2, round(_BESIDE_S * rate))
    found = []
    for start, last in true_runs(steps == 0).tolist():
        end = last + 1  # a run of n equal samples has n − 1 steps of zero
        if not _SHORTEST_S * rate <= end - start <= _LONGEST_S * rate or abs(float(samples[start])) >= 0.99 * top > 0:
            continue
        sides = samples[max(0, start - beside) : start], samples[end : end + beside]
        if min(len(side) for side in sides) < 2:
            continue
        edge = max(2, round(_EDGE_S * rate))
        near, far = (sides[0][-edge:], sides[1][:edge]), sides
        slope = min(float(side.diff().abs().mean()) for side in near)
        if slope < _UP_TO_THE_EDGE * min(float(side.diff().abs().mean()) for side in far):
            continue  # a fade into a pause
        swing = max(float(side.square().mean().sqrt()) for side in sides)
        if (end - start) * slope > _FLAT * (swing / step) ** 0.5 * step:
            found.append((start, end))
    return found


def _dropouts(samples: Tensor, rate: int) -> list[tuple[int, int]]:
    """Return where the level falls and comes back as a switch does, to something that still moves."""
    edge = max(2, round(_EDGE_S * rate))
    padded = functional.pad(samples.square()[None, None], (edge, edge), mode="replicate")
    peak = functional.max_pool1d(padded, edge, 1)[0, 0]  # peak[i] covers samples i − edge to i − 1
    before, after = peak[: len(samples)], peak[edge + 1 : edge + 1 + len(samples)]
    fall = 10 ** (_DROP_DB / 10)
    quiet = before.clamp_min(1e-30)
    loud = _LOUD * samples.square().mean()  # the end of a fade falls by as much, from nearly nothing
    falls = (before > fall * after) & (after > 0) & (before > loud)
    rises = (after > fall * quiet) & (before > 0) & (after > loud)
    starts, ends = true_runs(falls).tolist(), true_runs(rises).tolist()
    found = []
    for start in starts:
        later = [end for end in ends if end[0] > start[1]]
        if later and _SHORTEST_S * rate <= later[0][0] - start[0] <= _LONGEST_S * rate:
            found.append((start[0], later[0][1] + 1))
    return found
