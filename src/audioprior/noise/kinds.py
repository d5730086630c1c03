"""What kind of noise it is, in words."""

from dataclasses import dataclass

import torch
from torch import Tensor

from audioprior.noise.mains import hum
from audioprior.sound.spectrum import Transform

WINDOW_MS = 128.0
_RUMBLE_HZ, _HISS_HZ = 80.0, 2000.0
_NOTABLE = 0.1  # share of all noise that is worth a word
_STEADY = 0.35  # a quiet moment of steady noise has at least this share of its mean power


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
    return sorted((kind for kind in kinds if max(kind.share, kind.audible) > _NOTABLE), key=lambda kind: -kind.audible)


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
    transform = Transform.of(sample_rate, WINDOW_MS)
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
