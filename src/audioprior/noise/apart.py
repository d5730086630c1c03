"""Which channels hold different noise, and which next to none of their own: noise is not to be put where there was none.

A rotation onto principal axes spreads the noise of one channel over all. Where all have much the same, that is a gain; where
one is clean and one noisy, the clean one would suffer. What was heard decides, in octaves, over some seconds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from audioprior.noise.bands import band_mean, edges
from audioprior.noise.floor import LONG_WINDOW_MS, noise_power
from audioprior.sound.source import Source
from audioprior.sound.spectrum import Transform
from audioprior.sound.zeros import without_offset

_LISTEN_S, _LEAST_S = 8.0, 0.5
_BANDS = (1, 8)  # per octave, least bins
_ALIKE_DB = 6.0  # the middle band's difference, up to which two noises are alike
_CLEAN_DB, _BESIDE_DB = 30.0, 10.0  # a noise so far below its channel's sound, and below another channel's, is left alone


@dataclass(frozen=True)
class Noises:
    """Whose noise is like whose.

    Attributes:
        groups: for each channel a number, equal for those whose noise is alike.
        clean: channels that have next to no noise of their own, beside others that have.
    """

    groups: tuple[int, ...]
    clean: tuple[int, ...] = ()


def noises(sound: Source) -> Noises:
    """Return whose noise is like whose, as the middle of a sound tells; of one channel or a moment nothing is told."""
    length = min(sound.length, round(_LISTEN_S * sound.sample_rate))
    first = (sound.length - length) // 2
    samples = sound.read(first, first + length)
    if sound.channels == 1 or length < _LEAST_S * sound.sample_rate or not samples.any():
        return Noises((0,) * sound.channels)
    samples = without_offset(sound, first, first + length, samples.mean(1, keepdim=True))
    transform = Transform.of(sound.sample_rate, LONG_WINDOW_MS)
    power = transform.analyse((samples / samples.square().mean().sqrt().clamp_min(1e-30)).float()).abs().square()
    return compared(noise_power(power, transform).mean(2), power.mean((1, 2)))


def compared(noise: Tensor, sound: Tensor) -> Noises:
    """Return whose noise is like whose.

    Where sound never pauses, it is taken for noise in part. The difference between two noises counts as it is, or as beyond
    that of the sounds, whichever is less: one source left of the middle is no reason to part the channels.

    Args:
        noise: ν, (channel, frequency).
        sound: (channel,), mean power of a bin with all that is in it.
    """
    heard = sound.gt(0)
    octaves_db = 10 * band_mean(noise.T, edges(noise.shape[1], *_BANDS)).clamp_min(1e-20).log10().T
    sound_db, own_db = 10 * sound.clamp_min(1e-20).log10(), 10 * noise.mean(1).clamp_min(1e-20).log10()

    def alike(a: int, b: int) -> bool:
        between = octaves_db[a] - octaves_db[b]
        beyond = between - (sound_db[a] - sound_db[b])
        return float(torch.minimum(between.abs(), beyond.abs()).median()) <= _ALIKE_DB

    firsts: list[int] = []
    groups: list[int] = []
    for channel in range(len(noise)):
        group = next((number for number, first in enumerate(firsts) if alike(channel, first)), len(firsts))
        if group == len(firsts):
            firsts.append(channel)
        groups.append(group)
    clean = tuple(
        channel
        for channel in range(len(noise))
        if heard[channel]
        and float(sound_db[channel] - own_db[channel]) > _CLEAN_DB
        and _beside(octaves_db, groups, channel) > _BESIDE_DB
    )
    return Noises(tuple(groups), clean)


def _beside(octaves_db: Tensor, groups: Sequence[int], channel: int) -> float:
    """Return by how much the noise of the noisiest other group stands above a channel's, in the middle band."""
    others = [other for other, group in enumerate(groups) if group != groups[channel]]
    return max((float((octaves_db[other] - octaves_db[channel]).median()) for other in others), default=0.0)
