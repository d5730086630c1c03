"""Cutoff: the frequency above which a recording holds nothing, found as a cliff of its long-term spectrum.

Sound thins out towards high frequencies by some decibels an octave; a filter cuts it off within a few hundred Hz.
"""

import torch
from torch import Tensor

from audioprior.sound.recording import Recording
from audioprior.sound.source import Source
from audioprior.sound.spectrum import Transform

_WINDOW_MS = 64.0
_CLIFF_DB = 20.0  # within `_WIDTH_HZ`, and never regained
_WIDTH_HZ = 400.0
_LOWEST_HZ = 1000.0
_HIGHEST = 0.97  # of half the sample rate: what is missing above is not worth the while
_QUIET_DB = 120.0  # below the loudest frequency: nothing at all
_FRAMES = 512  # that are looked at a time: some megabytes a channel


def find_cutoff(source: Source) -> float | None:
    """Return the cutoff in Hz, or None where the spectrum has no cliff; the recording is read once, piece by piece."""
    transform = Transform.of(source.sample_rate, _WINDOW_MS)
    level = spectrum_level(source, transform)
    apart = max(1, round(_WIDTH_HZ * transform.window / source.sample_rate))
    if len(level) <= 2 * apart or not bool(level.isfinite().all()):
        return None
    # The quietest of the bins just below a place against the loudest of all bins above it.
    below = level.unfold(0, apart, 1).amin(1)[: len(level) - 2 * apart]
    above = level.flip(0).cummax(0).values.flip(0)[2 * apart :]
    frequency = transform.frequencies_hz()[: len(below)] + _WIDTH_HZ
    cliff = (below - above).masked_fill((frequency < _LOWEST_HZ) | (frequency > _HIGHEST * source.sample_rate / 2), 0)
    if float(cliff.max()) < _CLIFF_DB:
        return None
    # Where the fall begins: the last bin that still has the level below the cliff.
    at = int(cliff.argmax())
    floor = float(below[at]) - 3
    edge = at + int((level[at : at + 2 * apart] >= floor).nonzero()[-1])
    return float(transform.frequencies_hz()[edge])


def spectrum_level(sound: Source | Tensor, transform: Transform) -> Tensor:
    """Return the mean power at each frequency in dB, from the loudest on: (frequency,).

    Args:
        sound: a recording, read once, piece by piece, or samples, (channel, time).
        transform: to see it by; at the recording's sample rate.
    """
    source = Recording(sound, transform.sample_rate) if isinstance(sound, Tensor) else sound
    frames, reach = transform.frames(source.length), -(-transform.window // (2 * transform.hop))
    power = torch.zeros(transform.bins, dtype=torch.float64)
    for first in range(0, frames, _FRAMES):
        # Read so far beside its frames that these hear no mirror but the recording's own ends'.
        end = min(frames, first + _FRAMES)
        low = max(0, first - reach)
        samples = source.read(low * transform.hop, min(source.length, (end + reach) * transform.hop))
        seen = transform.analyse(samples)[..., first - low : end - low]
        power = power + seen.abs().square().mean((0, 2)) * ((end - first) / frames)
    return level_db(power)


def level_db(power: Tensor) -> Tensor:
    """Return the mean power of each frequency, (frequency,), in dB from the loudest on."""
    level = 10 * (power / power.max().clamp_min(1e-30)).clamp_min(10 ** (-_QUIET_DB / 10)).log10()
    # Three bins together: one bin's mean of few frames is a die.
    smooth: Tensor = torch.nn.functional.avg_pool1d(level[None, None], 3, 1, 1, count_include_pad=False)[0, 0]
    return smooth
