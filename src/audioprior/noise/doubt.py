"""How far to believe that what was removed is noise, judged by what was removed.

Where sound never pauses, no bin is noise only, and the blind noise power is too high by 5 to 40 dB: the sound's own partials
are taken for noise. The wrong ν cannot be seen in powers, but it can be heard in what it removes. Two signs, per octave:

* **it has a steady pitch**: the phase of a partial turns by the same angle from frame to frame, that of noise does not. The
  cosine of the phase's second difference is one for a steady partial whatever its frequency, and about zero for noise.
  Engines have a pitch too, but one octave of sound that hides all noise has others beside it: an octave is judged
  together with its neighbours, and believed where most bins are noise only. Alone it is judged by a pure pitch only;
* **no bin is noise only, and the sound is far above**: there the estimate is known to be too high, and little is at stake.

Where the sound does pause, both signs can be wrong: what a crowd or an amplifier hums has a pitch, and a voice stands far
above its noise. An octave whose ν is confirmed by pauses (`pauses.py`) is not doubted.

What was removed is judged once, after the windows were merged, on the long window that the noise power was estimated on:
partials 20 Hz apart beat within shorter ones, and a steady phase is not seen there.
"""

import itertools

import torch
from torch import Tensor

from audioprior.noise.bands import band_mean, between, box_mean, edges, spread
from audioprior.noise.mains import free_of_hum
from audioprior.noise.pauses import confirmed
from audioprior.noise.rumble import free_of_rumble
from audioprior.sound.spectrum import Transform

_BANDS = (1, 8)  # per octave, least bins
_CONTEXT = 5  # bands that are judged for a pitch together
_LAGS = (0.5, 0.75)  # of a window; the lesser cosine counts: narrow rumble has a pitch for half a window, not for longer
_PITCHED = (0.05, 0.12)  # mean cosine between which belief falls from all to none
_STEADY = (0.5, 0.8)  # the same of a band on its own: no engine has so pure a pitch, a flute has
_NOISE_ONLY = 3.0  # a neighbourhood below this many times the noise power holds more noise than sound
_OPEN = (0.7, 0.9)  # share of noise-only bins between which a pitch no longer matters
_FAR_DB = (10.0, 20.0)  # sound above noise between which doubt of the second kind sets in
_COVERED = (0.3, 0.6)  # share of noise-only bins between which that doubt ends
_MOST_DOUBT = 0.5  # of the second kind


class Doubt:
    """Judges what a restoration removed from a recording whose noise power was found blind."""

    def __init__(self, samples: Tensor, noise: Tensor, transform: Transform) -> None:
        """Take in the recording.

        Args:
            samples: (channel, time).
            noise: ν, broadcast to (channel, frequency, frame).
            transform: that ν was estimated with.
        """
        self._samples, self._noise, self._transform = samples, noise, transform
        self._spectrum = transform.analyse(samples)
        power = self._spectrum.abs().square()
        self._judged = free_of_hum(power, transform) * free_of_rumble(power, transform)
        self._confirmed = confirmed(power, noise, transform)

    def settled(self, sound: Tensor) -> Tensor:
        """Return the sound with what is not believed to be noise put back: (channel, time)."""
        removed = self._transform.analyse(self._samples - sound)
        share = belief(self._spectrum, removed, self._noise, self._judged, self._transform.window // self._transform.hop)
        share = 1 - (1 - share) * (1 - self._confirmed)
        return self._samples - self._transform.synthesise(share * removed, sound.shape[1])


def belief(spectrum: Tensor, removed: Tensor, noise: Tensor, judged: Tensor, overlap: int) -> Tensor:
    """Return the share of what was removed that is noise, from 0 to 1: (channel, frequency, 1).

    Args:
        spectrum: of the recording, complex (channel, frequency, frame).
        removed: of what was removed from it, likewise.
        noise: ν, broadcast to the spectrum's shape.
        judged: (channel, frequency, 1), 1 where to judge; 0 where noise is known to have a pitch, and is believed.
        overlap: frames in a window.
    """
    channels = zip(spectrum, removed, noise.expand(spectrum.shape), judged, strict=True)
    return torch.stack([_one_channel(*channel, overlap) for channel in channels])


def _one_channel(spectrum: Tensor, removed: Tensor, noise: Tensor, judged: Tensor, overlap: int) -> Tensor:
    power, bins = spectrum.abs().square(), len(spectrum)
    borders = edges(bins, *_BANDS)
    weight = judged * removed.abs().square()
    pitch = torch.stack([_pitch(spectrum, weight, round(lag * overlap), borders) for lag in _LAGS]).amin(0)
    near = box_mean(power, 3, overlap | 1)
    open_ = band_mean((near < _NOISE_ONLY * noise).to(power), borders).mean(1)
    above_db = 10 * (band_mean(power, borders).mean(1) / (band_mean(noise, borders).mean(1) + 1e-30) + 1e-30).log10()
    steady = between(pitch, _STEADY) * (1 - between(open_, _OPEN))
    pitch, beside = _with_neighbours(pitch), _with_neighbours(open_)
    pitched = torch.maximum(steady, between(pitch, _PITCHED) * (1 - between(beside, _OPEN)))
    covered = _MOST_DOUBT * between(above_db, _FAR_DB) * (1 - between(open_, _COVERED))
    return 1 - judged * spread(torch.maximum(pitched, covered)[:, None], borders, bins)


def _pitch(spectrum: Tensor, weight: Tensor, lag: int, borders: list[int]) -> Tensor:
    """Return the mean cosine of the second difference of the phase over `lag` frames, 0 where there are too few: (band,)."""
    if spectrum.shape[1] <= 2 * lag:
        return weight.new_zeros(len(borders) - 1)
    before, now, after = spectrum[:, : -2 * lag], spectrum[:, lag:-lag], spectrum[:, 2 * lag :]
    turned = torch.sgn(before * after) * torch.sgn(now).conj().square()
    weight = weight[:, lag:-lag]
    return torch.stack(
        [(turned[a:b].real * weight[a:b]).sum() / (weight[a:b].sum() + 1e-30) for a, b in itertools.pairwise(borders)]
    )


def _with_neighbours(bands: Tensor) -> Tensor:
    """Return the mean over each band and those around it: (band,)."""
    return box_mean(bands[:, None], _CONTEXT, 1)[:, 0]
