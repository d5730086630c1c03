"""Extending: a high band is invented above the cutoff; all below it stays as it is.

What lies above a cutoff cannot be heard from what lies below. Where the recording itself, in other passages, or an excerpt
of something alike has the band, each frame gets the one that belongs to the most similar low band that is known. Elsewhere
the top of what is there is copied up, and the fall of the spectrum is drawn on. Both are inventions, and are listed so.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

from audioprior.damage.cutoff import find_cutoff, level_db
from audioprior.damage.findings import Finding
from audioprior.errors import SettingsError
from audioprior.restoring.work import Block, Inputs, Kept, Part, Plan, Work, pieces, processor
from audioprior.settings.methods import Method
from audioprior.sound.recording import Recording
from audioprior.sound.resampling import Resampled
from audioprior.sound.source import Source
from audioprior.sound.spectrum import Transform
from audioprior.sound.views import Assembled, Negative, Silent, Span, Sum, on_grid
from audioprior.tasks import Extend, Run

_WINDOW_MS = 32.0
_BLOCK_S = 20.0
_RINGING_S = 1.0  # on either side of a block, beyond which its filter does not ring
_TRANSITION_HZ = 100.0  # over which the invented band sets in
_TILT = (0.2, 0.95)  # of the cutoff, where the fall of the spectrum is read; per Hz it foretells better than per octave
_BANDS = 24  # of the low band, by which frames are alike
_KNOWN_DB = -60.0  # of a passage's own low band: passages whose high band is louder have it,
_EMPTY_DB = -80.0  # unless it is below this much of the recording's loudest low band
_PASSAGE_S = 0.5
_EDGE = 4  # frames
_LEAKAGE = 4  # bins above the cutoff into which the band below leaks
_MOST_KNOWN = 4000  # frames to choose from
_FLOOR = 1e-10  # of the mean power
_KEPT = 0.92  # of half the old rate: above, resampling fades out
_CUTOFF_SHARE = 0.8  # of half the sample rate; a higher cutoff is the usual end of a recorder's range


def parts(inputs: Inputs, run: Run) -> tuple[Part, ...]:
    """Return what will come out: at another rate, if that was asked for."""
    sound, wanted = inputs["sound"], cast(Extend, run.task).rate_hz
    wanted = wanted or sound.sample_rate
    length = -(-sound.length * wanted // sound.sample_rate)
    shape = replace(Part.like(sound), sample_rate=wanted, length=length)
    return shape, replace(shape, role="removed")


def work(inputs: Inputs, run: Run) -> Work:
    """Return the task at work.

    Raises:
        SettingsError: the cutoff or the rate makes no sense for this recording.
    """
    return Extending(inputs, cast(Extend, run.task))


def look(recording: Recording) -> str | None:
    """Return whether a recording lacks a high band."""
    cutoff = find_cutoff(recording)
    if not cutoff or cutoff >= _CUTOFF_SHARE * recording.sample_rate / 2:
        return None
    return f"Nothing lies above {cutoff:.0f} Hz; a higher band could be invented."


class Extending:
    """Extending at work: see `Work`. The recording is read three times before the first block, then once for each block."""

    def __init__(self, inputs: Inputs, task: Extend) -> None:
        """Look for the cutoff, and for passages that have the band.

        Raises:
            SettingsError: the cutoff or the rate makes no sense for this recording.
        """
        self.plan = Plan(inputs, processor(task.device, task.kind), account=None, found=self._found)
        sound = inputs["sound"]
        old = sound.sample_rate
        self._rate = task.rate_hz or old
        if self._rate < old:
            raise SettingsError(f"rate_hz is {self._rate}, the recording has {old}; give at least that.")
        found = find_cutoff(sound) if task.cutoff_hz is None else task.cutoff_hz
        # A recording at a higher rate than its own ends below what was half its rate.
        end = _KEPT * old / 2 if self._rate > old else old / 2
        self._cutoff = min(found, end) if found is not None else end if self._rate > old else None
        if self._cutoff is not None and self._cutoff >= self._rate / 2:
            raise SettingsError(f"cutoff_hz is {self._cutoff:g}, and half the rate {self._rate / 2:g}; give a lower one.")
        self._sound: Source = sound if self._rate == old else Resampled(sound, self._rate)
        self._transform = Transform.of(self._rate, _WINDOW_MS)
        if self._cutoff is None:
            return
        self._bin = max(8, math.ceil(self._cutoff * self._transform.window / self._rate))
        # What is left of the old band above the cutoff is no high band.
        over = max(self._bin, math.ceil(old / 2 * self._transform.window / self._rate) if self._rate > old else 0) + _LEAKAGE
        self._scan = Scan.of(self._sound, self._transform, self._bin, over)
        if not self._scan.energy:
            return
        self.plan.spans = _spans(self._sound.length, self._transform)
        self._gain, self._source = _copy_up(level_db(self._scan.mean), self._bin)
        known = [(self._sound, self._scan)]
        if "like" in inputs:
            like = Resampled(inputs["like"], self._rate)
            known.append((like, Scan.of(like, self._transform, self._bin, over)))
        self._known = self._learn(known)
        self.plan.findings = (self._band("to be invented"),)

    def begin(self, number: int, method: Method, kept: Kept) -> Block:  # noqa: ARG002 (nothing is fitted)
        """Return a block in which there is nothing to fit."""
        return Block({}, lambda _: self._top(number))

    def _top(self, number: int) -> Tensor:
        """Return what is invented in a block: (channel, time)."""
        start, end = self.plan.spans[number - 1]
        hop = self._transform.hop
        margin = 2 * self._transform.window + math.ceil(_RINGING_S * self._rate / hop) * hop
        low, high = max(0, start - margin), min(self._sound.length, end + margin)
        spectrum = self._transform.analyse(self._sound.read(low, high))
        copied = spectrum[:, self._source] * self._gain[:, None]
        lacking = torch.ones(spectrum.shape[2], dtype=torch.bool)
        if self._known is not None:
            bands, level, tops = self._known
            features, loudness = _alike(spectrum, self._bin, self._scan.floor)
            nearest = torch.cdist(features.flatten(0, 1), bands).argmin(1)
            size = (tops[nearest] * (loudness.flatten() - level[nearest]).exp()[:, None]).view(*loudness.shape, -1).mT
            copied = torch.polar(size, copied.angle())
            lacking = self._lacking[low // hop :][: spectrum.shape[2]]
        top = torch.zeros_like(spectrum)
        top[:, self._bin :] = copied * lacking
        whole = self._transform.synthesise(top, high - low)
        return on_grid(_above(whole, cast(float, self._cutoff), self._rate)[:, start - low : end - low])

    def end(self, number: int, sounds: Sequence[Callable[[], Tensor]]) -> list[Tensor]:  # noqa: ARG002
        """Return what was invented in a block."""
        return [sounds[-1]()]

    def sounds(self, kept: Kept) -> Mapping[str, Source]:
        """Return the sound with the invented band, and that band upside down: what the result has less of."""
        if not self.plan.spans:
            return {"restored": self._sound, "removed": Silent(self._sound)}
        invented = Assembled(Silent(self._sound), self.plan.spans, self._weight, pieces(kept))
        return {"restored": Sum(self._sound, invented), "removed": Negative(invented)}

    def _weight(self, number: int) -> Tensor:
        start, end = self.plan.spans[number - 1]
        return torch.ones(end - start, dtype=torch.float64)

    def _found(self, kept: Kept) -> tuple[Finding, ...]:
        """Return the band, with how loud it became; none where nothing was invented."""
        blocks = (kept(number) for number in range(1, len(self.plan.spans) + 1))
        invented = sum(float(block[0].square().sum()) for block in blocks if block is not None)
        if not invented:
            return ()
        share = 10 * math.log10(invented / self._scan.energy + 1e-30)
        return (self._band(f"invented, {share:.1f} dB relative to the recording"),)

    def _band(self, note: str) -> Finding:
        return Finding("band", 0.0, self._sound.length / self._rate, low_hz=self._cutoff, high_hz=self._rate / 2, note=note)

    def _learn(self, sounds: Sequence[tuple[Source, "Scan"]]) -> tuple[Tensor, Tensor, Tensor] | None:
        """Return features, loudness and high band of the frames that have one, or None where none has."""
        known = []
        for _, scan in sounds:
            lacking = ~scan.has_band(self._transform)
            # Frames that reach over the end of a passage hold less of the band than they should.
            known.append(_widened(lacking.double(), _EDGE) == 0)
        self._lacking = ~sounds[0][1].has_band(self._transform)
        counts = [int(mask.sum()) * sound.channels for mask, (sound, _) in zip(known, sounds, strict=True)]
        total = sum(counts)
        if not total:
            return None
        some = torch.zeros(total, dtype=torch.bool)
        some[torch.linspace(0, total - 1, min(total, _MOST_KNOWN)).round().long()] = True
        found = []
        for (sound, scan), mask, chosen in zip(sounds, known, torch.split(some, counts), strict=True):
            picked = torch.zeros(len(mask), sound.channels, dtype=torch.bool)
            picked[mask] = chosen.view(-1, sound.channels)
            for first, spectrum, _ in _frames(sound, self._transform):
                here = picked[first : first + spectrum.shape[2]].T  # (channel, frame)
                if here.any():
                    features, loudness = _alike(spectrum, self._bin, scan.floor)
                    found.append((features[here], loudness[here], spectrum[:, self._bin :].abs().mT[here]))
        bands, level, tops = (torch.cat(each) for each in zip(*found, strict=True))
        return bands, level, tops


@dataclass(frozen=True)
class Scan:
    """What is known of a whole sound after one look.

    Attributes:
        low: (frame,), power below the cutoff, of the louder channel.
        top: (frame,), power above it; zero at the ends, where a recording breaks off: that has all frequencies.
        mean: (frequency,), mean power of all frames and channels.
        floor: of a bin's power, below which no frame is told from another.
        energy: of all samples.
    """

    low: Tensor
    top: Tensor
    mean: Tensor
    floor: float
    energy: float

    @classmethod
    def of(cls, sound: Source, transform: Transform, cutoff: int, over: int) -> "Scan":
        """Look at a sound.

        Args:
            sound: which.
            transform: by which.
            cutoff: the lowest bin of the band that is missing.
            over: the lowest bin in which a sound that has the band shows it.
        """
        low, top, total, energy = [], [], torch.zeros(transform.bins, dtype=torch.float64), 0.0
        for _, spectrum, samples in _frames(sound, transform):
            power = spectrum.abs().square()
            low.append(power[:, :cutoff].sum(1).amax(0))
            top.append(power[:, over:].sum(1).amax(0))
            total += power.sum((0, 2))
            energy += float(samples.square().sum())
        tops = torch.cat(top)
        tops[:_EDGE] = tops[-_EDGE:] = 0
        mean = total / (len(tops) * sound.channels)
        return cls(torch.cat(low), tops, mean, _FLOOR + 1e-7 * float(mean[1:cutoff].mean()), energy)

    def has_band(self, transform: Transform) -> Tensor:
        """Return which frames lie in a passage whose high band is not empty: (frame,)."""
        reach = round(_PASSAGE_S / 2 * transform.frame_rate_hz)
        top, below = _widened(self.top, reach), _widened(self.low, reach)
        least = torch.maximum(10 ** (_KNOWN_DB / 10) * below, 10 ** (_EMPTY_DB / 10) * self.low.max())
        # Passages end where they end: what the pooling widened is taken back.
        return _widened((top <= least).double(), reach) == 0


def _spans(length: int, transform: Transform) -> list[Span]:
    step = max(1, round(_BLOCK_S * transform.sample_rate / transform.hop)) * transform.hop
    return [(start, min(length, start + step)) for start in range(0, length, step)]


def _frames(sound: Source, transform: Transform) -> Iterator[tuple[int, Tensor, Tensor]]:
    """Yield all of a sound, piece by piece: the first frame's number, (channel, frequency, frame), and (channel, time)."""
    hop, count = transform.hop, transform.frames(sound.length)
    for start, end in _spans(sound.length, transform):
        low, high = max(0, start - transform.window), min(sound.length, end + transform.window)
        first, last = start // hop, count if end == sound.length else end // hop
        samples = sound.read(low, high)
        spectrum = transform.analyse(samples)[:, :, first - low // hop : last - low // hop]
        yield first, spectrum, samples[:, start - low : end - low]


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


def _alike(spectrum: Tensor, cutoff: int, floor: float) -> tuple[Tensor, Tensor]:
    """Return the shape of the low band, (channel, frame, band), and its level, (channel, frame), in nepers."""
    power = spectrum[:, 1:cutoff].abs().square()
    bands = functional.adaptive_avg_pool1d(power.mT, min(_BANDS, cutoff - 1)).clamp_min(floor).log() / 2
    level = bands.mean(2)
    return bands - level[..., None], level


def _widened(values: Tensor, reach: int) -> Tensor:
    """Return the largest of (frame,) within some frames of each."""
    pooled: Tensor = functional.max_pool1d(functional.pad(values[None, None], (reach, reach)), 2 * reach + 1, 1)[0, 0]
    return pooled


def _above(samples: Tensor, cutoff_hz: float, rate: int) -> Tensor:
    """Return what of (channel, time) lies above the cutoff: exactly nothing below it."""
    length = samples.shape[1]
    frequency = torch.fft.rfftfreq(length, 1 / rate)
    rise = ((frequency - cutoff_hz) / _TRANSITION_HZ).clamp(0, 1)
    above: Tensor = torch.fft.irfft(torch.fft.rfft(samples) * torch.sin(0.5 * torch.pi * rise).square(), length)
    return above
