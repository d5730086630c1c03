"""What a recording seems to lack: which tasks could help it, and what kind of noise it holds, in words."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from audioprior.detection.clicks import find_clicks
from audioprior.detection.clipping import find_clipping
from audioprior.detection.cutoff import find_cutoff
from audioprior.detection.gaps import find_gaps
from audioprior.detection.steps import find_step
from audioprior.observations.mains import hum
from audioprior.observations.noise_power import noise_power
from audioprior.recording import Recording
from audioprior.source import Source
from audioprior.spectrum import Transform

MOST_S = 60.0  # of a recording that is looked at, from its middle
_CLICKS_S = 15.0
_WINDOW_MS = 128.0
_RUMBLE_HZ, _HISS_HZ = 80.0, 2000.0
_INAUDIBLE_DB = 38.0  # a noise this far below the sound is no reason to do anything
_NOTABLE = 0.1  # share of all noise that is worth a word
_STEADY = 0.35  # a quiet moment of steady noise has at least this share of its mean power
_CLICKS_A_S = 1.0  # fewer are as likely to belong to the sound
_CUTOFF_SHARE = 0.8  # of half the sample rate; a higher cutoff is the usual end of a recorder's range


@dataclass(frozen=True)
class Suggestion:
    """A task that could help a recording.

    Attributes:
        task: which.
        reason: what was found, in a sentence.
    """

    task: str
    reason: str


@dataclass(frozen=True)
class NoiseKind:
    """A part of a noise.

    Attributes:
        name: in words: "steady hiss", "50 Hz hum", "rumble below 80 Hz".
        rows: (frequency,), true where it lies.
        share: of the noise's power.
        audible: share of it as the ear weights frequencies.
    """

    name: str
    rows: Tensor
    share: float
    audible: float


def excerpt(source: Source, most_s: float = MOST_S) -> tuple[Recording, float]:
    """Return the middle of a recording, and where it begins in seconds."""
    length = min(source.length, round(most_s * source.sample_rate))
    start = (source.length - length) // 2
    return Recording(source.read(start, start + length), source.sample_rate, name=source.name), start / source.sample_rate


def suggest(source: Source) -> list[Suggestion]:
    """Return what could help a recording, the most certain first; looked for in a minute of it."""
    recording, _ = excerpt(source)
    if not recording.samples.any():
        return []
    return list(_suggestions(recording))


def _suggestions(recording: Recording) -> Iterator[Suggestion]:
    clipped = find_clipping(recording).findings
    if clipped:
        yield Suggestion("declip", f"{len(clipped)} peaks are cut off at one level: the recording is clipped.")
    gaps = find_gaps(recording).findings
    if gaps:
        longest = max(one.end_s - one.start_s for one in gaps)
        number = "1 gap" if len(gaps) == 1 else f"{len(gaps)} gaps"
        yield Suggestion("inpaint", f"{number} found, the longest {1000 * longest:.0f} ms.")
    if find_step(recording):
        yield Suggestion("dequantise", "The samples use few of their possible values: it was once stored in few bits.")
    short, _ = excerpt(recording, _CLICKS_S)
    clicks = find_clicks(short).findings
    if len(clicks) > _CLICKS_A_S * short.duration_s:
        yield Suggestion("declick", f"About {60 * len(clicks) / short.duration_s:.0f} clicks a minute.")
    noise = _noise(recording)
    if noise:
        yield noise
    cutoff = find_cutoff(recording)
    if cutoff and cutoff < _CUTOFF_SHARE * recording.sample_rate / 2:
        yield Suggestion("extend", f"Nothing lies above {cutoff:.0f} Hz; a higher band could be invented.")


def _noise(recording: Recording) -> Suggestion | None:
    transform = Transform.of(recording.sample_rate, _WINDOW_MS)
    power = transform.analyse(recording.samples.float()).abs().square()
    noise = noise_power(power, transform)
    below_db = 10 * math.log10(float(power.mean() / noise.mean()) + 1e-20)
    if below_db > _INAUDIBLE_DB:
        return None
    names = " and ".join(one.name for one in kinds_of_noise(noise.mean(0), transform)) or "a noise"
    return Suggestion("denoise", f"{names[0].upper()}{names[1:]}, {below_db:.0f} dB below the sound.")


def kinds_of_noise(power: Tensor, transform: Transform) -> list[NoiseKind]:
    """Return what a noise consists of, what is heard most first: rumble may have all the power where one hears hiss.

    Args:
        power: of the noise, (frequency, frame).
        transform: that it comes from.
    """
    frequency, mean = transform.frequencies_hz(), power.mean(1)
    audible = mean * _a_weighting(frequency)
    hummed = torch.zeros(len(mean), dtype=torch.bool)
    lines = hum(power, transform)[0]
    hummed[lines] = True
    low, high = ~hummed & (frequency < _RUMBLE_HZ), ~hummed & (frequency >= _RUMBLE_HZ)
    hiss = high & (frequency >= _HISS_HZ)
    broad = "hiss" if float(audible[hiss].sum()) > 0.5 * float(audible[high].sum()) else "noise"
    found = [
        (f"{_mains_hz(frequency[lines])} Hz hum", hummed),
        (f"rumble below {_RUMBLE_HZ:.0f} Hz", low),
        (f"{'steady' if _steady(power[high]) else 'changing'} {broad}", high),
    ]
    totals = [(x, float(x.sum()) + 1e-30) for x in (mean, audible)]
    kinds = [NoiseKind(name, rows, *(float(x[rows].sum()) / total for x, total in totals)) for name, rows in found]
    return sorted((one for one in kinds if max(one.share, one.audible) > _NOTABLE), key=lambda one: -one.audible)


def _a_weighting(frequency_hz: Tensor) -> Tensor:
    """Return how the ear weights powers: the A-weighting of IEC 61672-1, annex E."""
    f = frequency_hz.double().square()
    curve = f.square() * 12194.0**2 / ((f + 20.6**2) * ((f + 107.7**2) * (f + 737.9**2)).sqrt() * (f + 12194.0**2))
    return (10**0.2 * curve.square()).float()


def _mains_hz(lines: Tensor) -> int:
    off = {base: float((lines - base * (lines / base).round()).abs().mean()) if len(lines) else 0.0 for base in (50, 60)}
    return min(off, key=lambda base: off[base])


def _steady(power: Tensor) -> bool:
    course = power.mean(0)
    return bool(len(course)) and float(course.quantile(0.2) / (course.mean() + 1e-30)) > _STEADY


def removed_noise(before: Tensor, after: Tensor, sample_rate: int) -> list[str]:
    """Return what a denoising took away, in words: "14 dB of steady hiss"; nothing that fell by less than 1 dB.

    How far each kind fell is read in the quietest twentieth of the frames, where there is least of anything else.

    Args:
        before: (channel, time).
        after: the same shape.
        sample_rate: in Hz.
    """
    transform = Transform.of(sample_rate, _WINDOW_MS)
    spectra = [transform.analyse(x.float()) for x in (before, after)]
    heard, kept = (x.abs().square().mean(0) for x in spectra)
    gone = (spectra[0] - spectra[1]).abs().square().mean(0)
    told = []
    for kind in kinds_of_noise(gone, transform):
        had, has = heard[kind.rows] + 1e-20, kept[kind.rows] + 1e-20
        # In decibels, so that no note decides alone; of both, so that it favours neither.
        quiet = (had * has).log().mean(0).argsort()[: max(1, heard.shape[1] // 20)]
        # A frequency counts by how much of it went: otherwise a held note would speak for all.
        weight = gone[kind.rows].mean(1) / had.mean(1)
        falls_db = 10 * (had[:, quiet].mean(1) / has[:, quiet].mean(1)).log10()
        fall_db = float((weight * falls_db).sum() / weight.sum())
        if fall_db >= 1:
            told.append(f"{fall_db:.0f} dB of {kind.name}")
    return told
