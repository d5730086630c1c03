"""Extending a recording: a high band is invented above the cutoff; all below it stays as it is.

What lies above a cutoff cannot be heard from what lies below. Where the recording itself, in other passages, or an excerpt
of something alike has the band, each frame gets the one that belongs to the most similar low band that is known. Elsewhere
the top of what is there is copied up, and the fall of the spectrum is drawn on. Both are inventions, and are listed so.
"""

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor
from torch.nn import functional

from audioprior.damage.cutoff import find_cutoff, spectrum_level
from audioprior.damage.findings import Finding
from audioprior.errors import SettingsError
from audioprior.restoring.job import GRID, Block, Job, Result
from audioprior.sound.recording import Recording, read
from audioprior.sound.spectrum import Transform
from audioprior.tasks import Extend, Run

_WINDOW_MS = 32.0
_BLOCK_S = 20.0
_TRANSITION_HZ = 100.0  # over which the invented band sets in
_TILT = (0.2, 0.95)  # of the cutoff, where the fall of the spectrum is read; per Hz it foretells better than per octave
_BANDS = 24  # of the low band, by which frames are alike
_KNOWN_DB = -60.0  # of a passage's own low band: passages whose high band is louder have it,
_EMPTY_DB = -80.0  # unless it is below this much of the recording's loudest low band
_PASSAGE_S = 0.5
_EDGE = 4  # frames
_MOST_KNOWN = 4000  # frames to choose from
_FLOOR = 1e-10  # of the mean power


class Extending(Job):
    """An extension in progress: iterate over it, and ask for `result()` at the end or earlier."""

    recording: Recording

    def __init__(self, recording: Recording, run: Run) -> None:
        """Look for the cutoff; the work begins with the iteration.

        Raises:
            SettingsError: the cutoff or the rate makes no sense for this recording.
        """
        if not isinstance(run.task, Extend):
            raise SettingsError(f"these are the settings of {run.task.kind}; extending needs its own.")
        old = recording.sample_rate
        self._rate = run.task.rate_hz or old
        if self._rate < old:
            raise SettingsError(f"rate_hz is {self._rate}, the recording has {old}; give at least that.")
        found = find_cutoff(recording) if run.task.cutoff_hz is None else run.task.cutoff_hz
        # A recording at a higher rate than its own ends at what was half its rate.
        self._cutoff = min(found, old / 2) if found is not None else old / 2 if self._rate > old else None
        if self._cutoff is not None and self._cutoff >= self._rate / 2:
            raise SettingsError(f"cutoff_hz is {self._cutoff:g}, and half the rate {self._rate / 2:g}; give a lower one.")
        self._sound = resampled(recording.samples, old, self._rate)
        self._invented = torch.zeros_like(self._sound)
        self._transform = Transform.of(self._rate, _WINDOW_MS)
        hop, length = self._transform.hop, self._sound.shape[1]
        step = max(1, round(_BLOCK_S * self._rate / hop)) * hop
        starts = range(0, length if self._cutoff is not None and bool(self._sound.any()) else 0, step)
        super().__init__(recording, run, [(start, min(length, start + step)) for start in starts])
        if self._cutoff is not None and self.blocks:
            self._bin = max(8, math.ceil(self._cutoff * self._transform.window / self._rate))
            self._gain, self._source = _copy_up(spectrum_level(self._sound, self._transform), self._bin)
            self._known = self._learn(run.task.like)
            self.findings = (self._band("to be invented"),)

    def begin(self, number: int) -> Block:
        """Return a block in which there is nothing to fit."""
        return Block({}, lambda _: self._top(number))

    def _top(self, number: int) -> Tensor:
        """Return what is invented in a block: (channel, time)."""
        start, end = self.blocks[number - 1]
        margin = 2 * self._transform.window
        low, high = max(0, start - margin), min(self._sound.shape[1], end + margin)
        spectrum = self._transform.analyse(self._sound[:, low:high])
        copied = spectrum[:, self._source] * self._gain[:, None]
        lacking = torch.ones(1, 1, spectrum.shape[2], dtype=torch.bool)
        if self._known is not None:
            bands, level, tops = self._known
            features, loudness = _alike(spectrum, self._bin)
            nearest = torch.cdist(features.flatten(0, 1), bands).argmin(1)
            size = (tops[nearest] * (loudness.flatten() - level[nearest]).exp()[:, None]).view(*loudness.shape, -1).mT
            copied = torch.polar(size, copied.angle())
            lacking = ~_has_band(spectrum, self._bin, self._loudest, self._transform)
        top = torch.zeros_like(spectrum)
        top[:, self._bin :] = copied * lacking
        return self._transform.synthesise(top, high - low)[:, start - low : end - low]

    def end(self, number: int, sound: Callable[[], Tensor]) -> None:
        """Keep what was invented in a block."""
        start, end = self.blocks[number - 1]
        self._invented[:, start:end] = sound()

    def result(self) -> Result:
        """Return what is extended so far."""
        invented = self._invented
        findings: tuple[Finding, ...] = ()
        if self._cutoff is not None and bool(invented.any()):
            invented = (_above(invented, self._cutoff, self._rate) / GRID).round() * GRID
            share = 10 * math.log10(float(invented.square().mean() / self._sound.square().mean()) + 1e-30)
            findings = (self._band(f"invented, {share:.1f} dB relative to the recording"),)
        return Result(
            self.recording,
            replace(self.recording, samples=self._sound + invented, sample_rate=self._rate),
            replace(self.recording, samples=-invented, sample_rate=self._rate),
            self._run,
            (),
            self.complete,
            self.device,
            findings,
        )

    def _band(self, note: str) -> Finding:
        return Finding(
            "band", 0.0, self._sound.shape[1] / self._rate, low_hz=self._cutoff, high_hz=self._rate / 2, note=note
        )

    def _learn(self, like: str | None) -> tuple[Tensor, Tensor, Tensor] | None:
        """Return features, loudness and high band of the frames that have one, or None where none has."""
        sounds = [self._sound]
        if like is not None:
            other = read(like)
            sounds.append(resampled(other.samples, other.sample_rate, self._rate))
        spectra = [self._transform.analyse(one) for one in sounds]
        self._loudest = float(spectra[0][:, : self._bin].abs().square().sum(1).max())
        found = []
        for one in spectra:
            loudest = float(one[:, : self._bin].abs().square().sum(1).max())
            features, loudness = _alike(one, self._bin)
            # Frames that reach over the end of a passage hold less of the band than they should.
            lacking = (~_has_band(one, self._bin, loudest, self._transform)).to(one.real)
            known = (_widened(lacking, _EDGE) == 0).expand(len(one), -1, -1)[:, 0]
            found.append((features[known], loudness[known], one[:, self._bin :].abs().mT[known]))
        bands, level, tops = (torch.cat(parts) for parts in zip(*found, strict=True))
        if not len(bands):
            return None
        some = torch.linspace(0, len(bands) - 1, min(len(bands), _MOST_KNOWN)).round().long()
        return bands[some], level[some], tops[some]


def resampled(samples: Tensor, old: int, new: int) -> Tensor:
    """Return (channel, time) at a higher or lower rate: the whole spectrum with zeros above, or cut off."""
    if old == new:
        return samples
    length = math.ceil(samples.shape[1] * new / old)
    # Silence before it comes round again, so that its end does not ring into its beginning.
    padded = functional.pad(samples, (0, old))
    spectrum = torch.fft.rfft(padded)
    size = round(padded.shape[1] * new / old)
    bins = size // 2 + 1
    spectrum = functional.pad(spectrum, (0, max(0, bins - spectrum.shape[1])))[:, :bins]
    whole: Tensor = torch.fft.irfft(spectrum, size)
    return whole[:, :length] * (size / padded.shape[1])


def _copy_up(level: Tensor, cutoff: int) -> tuple[Tensor, Tensor]:
    """Return the gain of each bin from the cutoff on, and the bin below it that it copies: (bin,) each.

    Shifts are multiples of four bins: with a hop of a quarter window, the phase then goes on from frame to frame.
    """
    target = torch.arange(cutoff, len(level))
    width = max(4, cutoff // 2 // 4 * 4)
    source = target - ((target - cutoff) // width + 1) * width
    seen = slice(max(1, int(_TILT[0] * cutoff)), max(2, int(_TILT[1] * cutoff)))
    x, y = torch.arange(len(level), dtype=level.dtype)[seen], level[seen]
    slope = ((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum().clamp_min(1e-9)
    return 10 ** (slope.clamp_max(0) * (target - source) / 20), source


def _alike(spectrum: Tensor, cutoff: int) -> tuple[Tensor, Tensor]:
    """Return the shape of the low band, (channel, frame, band), and its level, (channel, frame), in nepers."""
    power = spectrum[:, 1:cutoff].abs().square()
    floor = _FLOOR + 1e-7 * float(power.mean())
    bands = functional.adaptive_avg_pool1d(power.mT, min(_BANDS, cutoff - 1)).clamp_min(floor).log() / 2
    level = bands.mean(2)
    return bands - level[..., None], level


def _has_band(spectrum: Tensor, cutoff: int, loudest: float, transform: Transform) -> Tensor:
    """Return which frames lie in a passage whose high band is not empty: (1, 1, frame)."""
    power = spectrum[:, cutoff + 4 :].abs().square().sum(1).amax(0) if cutoff + 4 < spectrum.shape[1] else None
    if power is None:
        return torch.zeros(1, 1, spectrum.shape[2], dtype=torch.bool)
    power[:_EDGE] = power[-_EDGE:] = 0  # a recording's ends break off: that has all frequencies
    reach = round(_PASSAGE_S / 2 * transform.frame_rate_hz)
    low = spectrum[:, :cutoff].abs().square().sum(1).amax(0)
    top, all_below = _widened(power[None, None], reach), _widened(low[None, None], reach)
    least = torch.maximum(10 ** (_KNOWN_DB / 10) * all_below, all_below.new_tensor(10 ** (_EMPTY_DB / 10) * loudest))
    # Passages end where they end: what the pooling widened is taken back.
    return _widened((top <= least).to(power), reach) == 0


def _widened(values: Tensor, reach: int) -> Tensor:
    """Return the largest of (1, 1, frame) within some frames of each."""
    pooled: Tensor = functional.max_pool1d(functional.pad(values, (reach, reach)), 2 * reach + 1, 1)
    return pooled


def _above(samples: Tensor, cutoff_hz: float, rate: int) -> Tensor:
    """Return what of (channel, time) lies above the cutoff: exactly nothing below it."""
    length = samples.shape[1]
    frequency = torch.fft.rfftfreq(length, 1 / rate)
    rise = ((frequency - cutoff_hz) / _TRANSITION_HZ).clamp(0, 1)
    above: Tensor = torch.fft.irfft(torch.fft.rfft(samples) * torch.sin(0.5 * torch.pi * rise).square(), length)
    return above
