"""Pauses: moments at which hardly anything but noise is heard, and what they say of a noise power that was found blind.

Where sound pauses, the noise stands alone and its power can be read: a ν that agrees with what is heard there is right,
whatever sounds at other times. A frame is a pause where most octaves are down at ν at once: sound that never pauses
comes down to a ν that is too high in one octave or the other, hardly ever in most of them together.

Hardly ever is not never, so two things are asked besides. A pause is cut out of a sound: beside it something stands far
above ν, while the quiet moments of dense music, of many voices or of a long reverberation are followed by little more.
And noise has no gaps: an octave that is empty between its partials holds a chord.
"""

import itertools

import torch
from torch import Tensor
from torch.nn import functional

from audioprior.noise.bands import band_mean, between, box_mean, edges, spread
from audioprior.sound.spectrum import Transform

_BANDS = (1, 8)  # per octave, least bins: those that are doubted
_FRAMES = 3  # over which a level is averaged: an octave of noise then stays within 3 dB of its mean from 100 Hz on
# Times ν, between which an octave holds noise only: ν of real recordings is right within 3 dB, and a low octave of noise
# sinks by more for a moment. Digital silence is no noise, and says nothing of ν.
_AT_NOISE = (0.1, 2.0)
_LOWEST_HZ = 100.0  # octaves that end below it have no vote: they hold no voice, and few bins
# Share of the octaves that must be at ν. One or two of nine may not be: where a coder or an old line cuts the band off, ν
# lies far too low. With 85 % the pauses of Kennedy's speech would come to 0.07 s of 2.
_MOST = 0.75
_BESIDE_S = 0.25  # on either side of a pause, in which what it interrupts must be heard: an onset, or the last of a decay
_LOUD = 2 / 3  # quantile over octaves that is the level of that: a voice is not loud in all of them
# That level above ν, between which a pause counts. The quiet moments of layered and reverberant sound have 4 to 11 dB (54
# made recordings, of which doubt saves 21 from losing 1 to 32 dB); voices in hum at 5 dB have 17.
_ABOVE_DB = (11.0, 15.0)
_SECONDS = (0.1, 0.2)  # of pauses, between which trust sets in: a tenth is less than a window, one moment only
# Mean logarithm of a bin's power over its octave's, between which trust sets in: noise has −0.58 (Euler's constant), chords
# −3 to −1.2, hum and a coder's holes in a noise −1.
_TEXTURE = (-1.3, -1.0)


def confirmed(power: Tensor, noise: Tensor, transform: Transform) -> Tensor:
    """Return how far pauses confirm a noise power, octave by octave, from 0 to 1: (channel, frequency, 1).

    Args:
        power: of the recording, (channel, frequency, frame).
        noise: ν, broadcast to the same shape.
        transform: that they come from.
    """
    return torch.stack([_one_channel(*one, transform) for one in zip(power, noise.expand(power.shape), strict=True)])


def _one_channel(power: Tensor, noise: Tensor, transform: Transform) -> Tensor:
    borders = edges(len(power), *_BANDS)
    ratio = box_mean(band_mean(power, borders) / (band_mean(noise, borders) + 1e-30), 1, _FRAMES)
    at_noise = ((ratio > _AT_NOISE[0]) & (ratio < _AT_NOISE[1])).to(power)
    first = sum(end * transform.sample_rate / transform.window <= _LOWEST_HZ for end in borders[1:])
    counted = _pauses(ratio[first:], at_noise[first:], transform)
    trust = between(counted.sum() / transform.frame_rate_hz, _SECONDS)
    if not trust:
        return power.new_zeros(len(power), 1)
    paused = counted > 0
    noisy = between(_texture(power[:, paused] / (noise[:, paused] + 1e-30), borders), _TEXTURE)
    return spread((trust * at_noise[:, paused].mean(1) * noisy)[:, None], borders, len(power))


def _pauses(ratio: Tensor, at_noise: Tensor, transform: Transform) -> Tensor:
    """Return how far each frame counts as a pause, from 0 to 1: (frame,).

    Args:
        ratio: power over ν, (octave, frame).
        at_noise: 1 where an octave holds noise only, likewise.
        transform: that they come from.
    """
    counted = ratio.new_zeros(ratio.shape[1])
    if not len(ratio):
        return counted
    level_db = 10 * (ratio.quantile(_LOUD, dim=0) + 1e-30).log10()
    silent = (ratio < _AT_NOISE[0]).to(ratio).mean(0) >= _MOST
    beside = max(1, round(_BESIDE_S * transform.frame_rate_hz))
    for start, end in _runs(at_noise.mean(0) >= _MOST):
        around = torch.cat([level_db[max(0, start - beside) : start], level_db[end : end + beside]])
        # A sound that is cut to silence passes ν on its way.
        if len(around) and not silent[max(0, start - beside) : end + beside].any():
            counted[start:end] = between(around.max(), _ABOVE_DB)
    return counted


def _runs(mask: Tensor) -> list[tuple[int, int]]:
    """Return start and end of each run of true frames."""
    turns = functional.pad(mask.to(torch.int8), (1, 1)).diff().nonzero()[:, 0].tolist()
    return list(zip(turns[::2], turns[1::2], strict=True))


def _texture(ratio: Tensor, borders: list[int]) -> Tensor:
    """Return the mean logarithm of the bins of each octave over that of their mean: (band,).

    Args:
        ratio: power over ν, (frequency, frame).
        borders: of the octaves.
    """
    octaves = (ratio[a:b] + 1e-12 for a, b in itertools.pairwise(borders))
    return torch.stack([(octave.log().mean(0) - octave.mean(0).log()).mean() for octave in octaves])
