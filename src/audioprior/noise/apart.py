"""Channels whose noises are not alike are kept apart: no noise comes into a channel that had less.

A rotation onto principal axes spreads noise evenly over the channels. That is right where they have the same of it; where
one is clean, or one has another hiss, it would be put where it never was. What the rotation of two channels by an angle θ
can put of the noise of one, ν₂, into the other is (sin 2θ / 2)²·ν₂, whatever is kept of the two axes. Where that is more
than the other's own ν₁, the two stay apart; this is decided in each octave of each block, by what is heard there. Channels
that nothing correlates stay apart as well: an axis of both would be harder to restore than either.

A channel apart still learns from those with less noise: what they foretell of its sound is taken out before, and put back
after. The rest is mostly noise, and easily told as such; those with less noise do not notice.

A channel with next to no noise of its own, beside others that have some, is left as it is: a gain would leave it with 40 to
60 dB of what was taken for noise.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from audioprior.noise.bands import band_mean, edges, spread
from audioprior.noise.floor import LONG_WINDOW_MS, noise_power
from audioprior.sound.channels import Axes, BandAxes, rotation
from audioprior.sound.source import Source
from audioprior.sound.spectrum import Transform
from audioprior.sound.zeros import without_offset

_LISTEN_S, _LEAST_S = 8.0, 0.5
_BANDS = (1, 8)  # per octave, least bins
_CLEAN_DB, _BESIDE_DB = 30.0, 10.0  # a noise so far below its channel's sound, and below another channel's, is left alone
_CORRELATED = 0.01  # squared correlation of two channels below which they have nothing in common
_FORETOLD = (0.1, 0.2)  # share of a channel's power between which others begin to foretell it
_SMOOTH = 0.1  # determinant half way between the axes of two bands, below which there is no smooth way


def clean_channels(sound: Source) -> tuple[int, ...]:
    """Return the channels with next to no noise beside others that have some, as the middle of a sound tells.

    Of one channel or a moment nothing is told.
    """
    length = min(sound.length, round(_LISTEN_S * sound.sample_rate))
    first = (sound.length - length) // 2
    samples = sound.read(first, first + length)
    if sound.channels == 1 or length < _LEAST_S * sound.sample_rate or not samples.any():
        return ()
    samples = without_offset(sound, first, first + length, samples.mean(1, keepdim=True))
    transform = Transform.of(sound.sample_rate, LONG_WINDOW_MS)
    power = transform.analyse((samples / samples.square().mean().sqrt().clamp_min(1e-30)).float()).abs().square()
    return clean(noise_power(power, transform).mean(2), power.mean((1, 2)))


def clean(noise: Tensor, sound: Tensor) -> tuple[int, ...]:
    """Return the channels with next to no noise beside others that have some.

    Where sound never pauses, it is taken for noise in part. The difference between two noises counts as it is, or as beyond
    that of the sounds, whichever is less: one source left of the middle leaves no channel cleaner. It counts in the middle
    octave or over all, whichever is more: hiss lies in two octaves only.

    Args:
        noise: ν, (channel, frequency).
        sound: (channel,), mean power of a bin with all that is in it.
    """
    octaves = band_mean(noise.T, edges(noise.shape[1], *_BANDS)).T
    octaves_db, own_db, sound_db = (10 * x.clamp_min(1e-20).log10() for x in (octaves, noise.mean(1), sound))

    def beside_db(channel: int, other: int) -> float:
        beyond = torch.relu(sound_db[other] - sound_db[channel])
        middle = (octaves_db[other] - octaves_db[channel]).median()
        return float(torch.maximum(middle, own_db[other] - own_db[channel]) - beyond)

    channels = range(len(noise))
    return tuple(
        channel
        for channel in channels
        if sound[channel] > 0
        and float(sound_db[channel] - own_db[channel]) > _CLEAN_DB
        and max(beside_db(channel, other) for other in channels) > _BESIDE_DB
    )


def kept_apart(axes: Axes, spectrum: Tensor, noise: Tensor, transform: Transform, left_alone: Sequence[int] = ()) -> Axes:
    """Return the axes of a passage: those of the whole recording where its channels' noises are alike.

    Args:
        axes: the recording's.
        spectrum: the passage's distinct channels, complex (channel, frequency, frame).
        noise: ν of each, (channel, frequency).
        transform: that both come from.
        left_alone: distinct channels that are not mixed with any, and have no noise.
    """
    borders = edges(transform.bins, *_BANDS)
    levels = band_mean(noise.double().T, borders)  # (band, channel)
    levels[:, list(left_alone)] = 0
    mixing = _mixing(axes.covariance)
    mixing[list(left_alone)], mixing[:, list(left_alone)] = -1, -1
    groups = [_groups(level, mixing) for level in levels]
    if all(len(group) == 1 for group in groups):
        return axes
    turns = torch.stack([_turn(group, axes.covariance) for group in groups])
    order = levels.clamp_min(1e-30).log().mean(0).argsort(stable=True).tolist()
    heard = torch.einsum("cft,dft->fcd", spectrum, spectrum.conj()).real.double()
    heard = band_mean(heard.flatten(1), borders).view(len(groups), *mixing.shape)
    foretold = torch.stack([_foretold(*band, order) for band in zip(groups, levels, heard, strict=True)])
    if bool((turns == turns[0]).all()) and not foretold.any():
        return Axes(turns[0], axes.sources, axes.offset, axes.covariance)
    if float((torch.linalg.det((turns[1:] + turns[:-1]) / 2) * torch.linalg.det(turns[1:])).min()) < _SMOOTH:
        turns = torch.eye(len(mixing), dtype=turns.dtype).expand_as(turns)
    smooth = [spread(each.flatten(1), borders, transform.bins).view(-1, *mixing.shape) for each in (turns, foretold)]
    own = torch.eye(len(mixing), dtype=torch.float64)
    return BandAxes(axes.rotation, axes.sources, axes.offset, axes.covariance, smooth[0] @ (own - smooth[1]))


def _mixing(covariance: Tensor) -> Tensor:
    """Return how much of a channel's noise power the rotation of two can put into the other: (channel, channel).

    Negative where the two have nothing in common.
    """
    power = covariance.diagonal()
    across = covariance.square()
    sine = across / (across + (power[:, None] - power).square() / 4 + 1e-300)  # of twice the angle, squared
    return torch.where(across < _CORRELATED * torch.outer(power, power), -1.0, sine / 4)


def _groups(noise: Tensor, mixing: Tensor) -> list[list[int]]:
    """Return the channels whose noises are alike, the quietest first.

    Args:
        noise: (channel,), ν.
        mixing: as of `_mixing`.
    """
    groups: list[list[int]] = []
    for channel in noise.argsort(stable=True).tolist():
        for group in groups:
            shares = mixing[channel, group]
            if bool(((shares >= 0) & (shares * noise[channel] <= noise[group])).all()):
                group.append(channel)
                break
        else:
            groups.append([channel])
    return groups


def _turn(groups: list[list[int]], covariance: Tensor) -> Tensor:
    """Return the rotation of each group onto its principal axes, (axis, channel), as near to no rotation as can be."""
    turn = torch.zeros_like(covariance)
    for group in groups:
        turn[torch.tensor(group)[:, None], torch.tensor(group)] = rotation(covariance[group][:, group])
    nearest = torch.zeros_like(turn)
    left = turn.abs()
    for _ in range(len(turn)):
        axis, channel = divmod(int(left.argmax()), len(turn))
        nearest[channel] = turn[axis] * turn[axis, channel].sign()
        left[axis], left[:, channel] = -1, -1
    return nearest


def _foretold(groups: list[list[int]], noise: Tensor, heard: Tensor, order: list[int]) -> Tensor:
    """Return by which factors channels with less noise foretell the others in a band: (channel, channel).

    Args:
        groups: channels that are alike.
        noise: (channel,), ν in the band.
        heard: their covariance in the band, (channel, channel).
        order: all channels, the quietest first: none foretells one before it, so that it can be undone.
    """
    factors = torch.zeros_like(heard)
    for group in groups:
        for channel in group:
            before = order[: order.index(channel)]
            quieter = [c for c in before if c not in group and noise[c] < noise[channel]]
            if not quieter:
                continue
            known, across = heard[quieter][:, quieter], heard[quieter, channel]
            firm = 1e-6 * known.diagonal().mean() + 1e-300
            found = torch.linalg.solve(known + firm * torch.eye(len(quieter), dtype=known.dtype), across)
            share = float(found @ across / (heard[channel, channel] + 1e-300))
            low, high = _FORETOLD
            factors[channel, quieter] = found * min(1.0, max(0.0, (share - low) / (high - low)))
    return factors
