"""Sounds that are like a voice, an instrument or an animal, and noises like a mains lead's or a record's; each by seed.

They stand in for recordings, which would be large and would belong to somebody: what the tests ask of them is that they
begin, move, pause and overlap as those do. All are (1, time), float64, with a root mean square of 0.1 (noises: as said).
"""

import numpy as np
import torch
from torch import Tensor

LEVEL = 0.1
# Frequencies of the first four formants in Hz: "ah", "ee", "oo", "eh".
_VOWELS = ((730, 1090, 2440, 3400), (270, 2290, 3010, 3600), (300, 870, 2240, 3300), (530, 1840, 2480, 3500))
_FORMANT_WIDTHS_HZ = (80, 100, 140, 200)


def speech(seconds: float = 2.0, rate: int = 16000, seed: int = 0, pitch_hz: float = 110.0) -> Tensor:
    """Return what a voice is like: glottal pulses through formants that move, hisses between, and a pause a second."""
    numbers = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate)) / rate
    starts, voiced, hissed = [], np.zeros_like(t), np.zeros_like(t)
    start = 0.08
    while start < seconds:
        hiss_s, vowel_s = numbers.uniform(0.05, 0.1) * (numbers.random() < 0.5), numbers.uniform(0.12, 0.25)
        starts.append(start + hiss_s)
        hissed += 0.03 * _swell(t, start, hiss_s, 0.02)
        voiced += numbers.uniform(0.5, 1) * _swell(t, start + hiss_s, vowel_s, 0.03)
        start += hiss_s + vowel_s + (numbers.uniform(0.25, 0.4) if len(starts) % 4 == 0 else numbers.uniform(0.02, 0.06))
    # The pitch falls over a phrase and is never quite steady.
    moments = np.arange(0, seconds + 0.05, 0.05)
    wander = np.interp(t, moments, numbers.normal(0, 0.015, len(moments)))
    pitch = pitch_hz * (1.15 - 0.25 * (t % 1.2) / 1.2 + wander)
    turns = np.cumsum(pitch) / rate
    vowels = np.array([_VOWELS[numbers.integers(4)] for _ in starts], dtype=float)
    formants = [np.interp(t, starts, vowels[:, one]) for one in range(4)]
    sound = np.zeros_like(t)
    for k in range(1, int(min(5000, rate / 2) / pitch_hz) + 1):
        # Each formant rings on after a pulse: a resonance turns the phase as well.
        gain = sum(1 / (1 + 1j * (k * pitch - f) / w) for f, w in zip(formants, _FORMANT_WIDTHS_HZ, strict=True))
        sound += (gain / k * np.exp(2j * np.pi * k * turns)).real * (k * pitch < 0.48 * rate)
    hiss = _band(numbers.standard_normal(len(t)), rate, 3500, min(7500, 0.48 * rate))
    return _levelled(voiced * sound + hissed * hiss)


def music(seconds: float = 2.0, rate: int = 16000, seed: int = 0) -> Tensor:
    """Return what an instrument is like: plucked chords that ring on, under a bowed note with vibrato."""
    numbers = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate)) / rate
    sound = np.zeros_like(t)
    chords = ((0, 4, 7, 12), (5, 9, 12, 17), (7, 11, 14, 19), (0, 4, 7, 16))
    for number, start in enumerate(np.arange(0.05, seconds, 0.6)):
        for note in chords[number % len(chords)]:
            pitch = 146.8 * 2 ** (note / 12) * (1 + numbers.normal(0, 1e-4))
            after = np.clip(t - start - numbers.uniform(0, 0.02), 0, None)  # the fingers are not quite together
            for k in range(1, 13):
                frequency = k * pitch * np.sqrt(1 + 2e-4 * k**2)  # a stiff string
                if frequency < 0.48 * rate:
                    pluck = (1 - np.exp(-after / 0.003)) * np.exp(-after * (1.5 + 0.6 * k))
                    sound += pluck / k**1.2 * np.sin(2 * np.pi * frequency * after + numbers.uniform(0, 6.28) * (after > 0))
    bowed = 587.3 * (1 + 0.006 * np.sin(2 * np.pi * 5.5 * t))
    turns = np.cumsum(bowed) / rate
    swell = 0.4 * _swell(t, 0.3 * seconds, 0.5 * seconds, 0.15)
    sound += swell * sum(np.sin(2 * np.pi * k * turns) / k for k in range(1, 11) if 590 * k < 0.48 * rate)
    return _levelled(sound)


def animal(seconds: float = 2.0, rate: int = 16000, seed: int = 0) -> Tensor:
    """Return what a bird is like: whistles that sweep up or down, with a faint octave, and pauses between."""
    numbers = np.random.default_rng(seed)
    t = np.arange(round(seconds * rate)) / rate
    sound = np.zeros_like(t)
    start = 0.1
    while start < seconds:
        length = numbers.uniform(0.08, 0.25)
        low, high = np.sort(numbers.uniform(1500, min(4500, 0.3 * rate), 2))
        share = np.clip((t - start) / length, 0, 1)
        sweep = low + (high - low) * (share if numbers.random() < 0.5 else 1 - share)
        turns = np.cumsum(sweep) / rate
        whistle = np.sin(2 * np.pi * turns) + 0.1 * np.sin(4 * np.pi * turns) * (2 * high < 0.48 * rate)
        sound += _swell(t, start, length, 0.02) * whistle
        start += length + numbers.uniform(0.08, 0.3)
    return _levelled(sound)


def hum(seconds: float = 2.0, rate: int = 16000, mains_hz: float = 50.0) -> Tensor:
    """Return mains hum: odd harmonics, each fainter than the one before, at a root mean square of 0.1."""
    t = np.arange(round(seconds * rate)) / rate
    return _levelled(sum((np.sin(2 * np.pi * mains_hz * k * t + k) / k for k in (1, 3, 5, 7, 9, 11)), np.zeros_like(t)))


def clicks(seconds: float = 2.0, rate: int = 16000, per_s: float = 5.0, seed: int = 0) -> Tensor:
    """Return clicks of a millisecond or two, of either sign, up to a peak of one; nothing between them."""
    numbers = np.random.default_rng(seed)
    length, after = round(seconds * rate), np.arange(round(0.002 * rate)) / rate
    sound = np.zeros(length)
    for start in numbers.integers(0, length - len(after), round(per_s * seconds)):
        ring = np.exp(-after / numbers.uniform(1e-4, 4e-4)) * np.cos(2 * np.pi * numbers.uniform(500, 0.3 * rate) * after)
        sound[start : start + len(after)] += numbers.choice([-1, 1]) * numbers.uniform(0.3, 1) * ring
    return torch.from_numpy(sound)[None]


def crackle(seconds: float = 2.0, rate: int = 16000, seed: int = 0) -> Tensor:
    """Return a record's surface: dense small ticks over hiss, and rumble below hearing, at a root mean square of 0.1."""
    numbers = np.random.default_rng(seed)
    length = round(seconds * rate)
    ticks = clicks(seconds, rate, 150.0, seed)[0].numpy() * numbers.pareto(2.5, length).clip(0, 5)
    hiss, rumble = numbers.standard_normal(length), _band(numbers.standard_normal(length), rate, 5, 20)
    return _levelled(ticks + 0.05 * hiss + 0.05 * rumble / rumble.std())


def _swell(t: np.ndarray, start: float, length: float, edge: float) -> np.ndarray:
    """Return one within a passage and zero outside, with soft edges: (time,)."""
    if length <= 0:
        return np.zeros_like(t)
    share = np.minimum(t - start, start + length - t) / min(edge, length / 2)
    swell: np.ndarray = np.sin(np.pi / 2 * np.clip(share, 0, 1)) ** 2
    return swell


def _band(noise: np.ndarray, rate: int, low_hz: float, high_hz: float) -> np.ndarray:
    """Return what of a noise lies in a band: (time,)."""
    spectrum, frequency = np.fft.rfft(noise), np.fft.rfftfreq(len(noise), 1 / rate)
    banded: np.ndarray = np.fft.irfft(spectrum * ((frequency >= low_hz) & (frequency <= high_hz)), len(noise))
    return banded


def _levelled(sound: np.ndarray) -> Tensor:
    return torch.from_numpy(LEVEL * sound / np.sqrt((sound**2).mean()))[None]
