"""The material of the benches: seeded mixtures of clean recordings and noises, at each recording's own rate.

Material: twelve clean clips of speech, music and animals, and ten noises, eight of them recorded; where each is from stands
in SOURCES.csv of the data folder.
Split: the clips are in two halves. Constants are tuned on "tune" only, and "test" is reported beside it. The recorded noises
are the same in both, so that a gain on one kind of noise is no independent evidence.
Conditions: the first four seconds of a clip, peak at −12 dBFS, and an excerpt of the noise whose place is drawn from the
mixture's name: the same name always gives the same samples. In a clip of two channels, hiss is independent in each.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import soundfile
import soxr
import torch
from torch import Tensor

Split = Literal["tune", "test"]
Class = Literal["speech", "music", "animals"]


@dataclass(frozen=True)
class Clip:
    """A clean recording: its file below the data folder, what it is, and its half."""

    file: str
    kind: Class
    split: Split


CLIPS = {
    "lj": Clip("speech/female_lj050_0131_22k.flac", "speech", "tune"),
    "male": Clip("speech/male_english_44k.flac", "speech", "tune"),
    "female": Clip("speech/female_english_44k.flac", "speech", "test"),
    "libri": Clip("speech/male_librispeech_3436_16k.flac", "speech", "test"),
    "cello": Clip("music/cello_44k.flac", "music", "tune"),
    "jazz": Clip("music/jazz_mix_44k_stereo.flac", "music", "tune"),
    "piano": Clip("music/piano_44k.flac", "music", "tune"),
    "guitar": Clip("music/guitar_em9_44k_stereo.flac", "music", "test"),
    "saxophone": Clip("music/saxophone_44k.flac", "music", "test"),
    "strings": Clip("music/strings_brahms_44k_stereo.flac", "music", "test"),
    "robin": Clip("bio/robin_44k_stereo.flac", "animals", "tune"),
    "spinetail": Clip("bio/spinetail_44k.flac", "animals", "test"),
}

NOISES = {
    "white": None,
    "pink": None,
    "rain": "noise/rain_44k.flac",
    "rumble": "noise/rumble_16k.flac",
    "vinyl": "noise/vinyl_surface_44k_stereo.flac",
    "printer": "noise/printer3d_44k_stereo.flac",
    "hum": "noise/hum_50hz_16k.flac",
    "ocean": "noise/ocean_44k.flac",
    "bike": "noise/exercise_bike_16k.flac",
    "dishes": "noise/dishes_16k.flac",
}

SNRS_DB = (0, 5, 10, 15, 30)
EXCERPT_S = 4.0
_LOWEST_PINK_HZ = 20.0


@dataclass(frozen=True)
class Mixture:
    """A clean clip and its noise, (channel, time) each; noise is silent for the clean clip itself."""

    clip: str
    noise_name: str
    snr_db: float
    clean: Tensor
    noise: Tensor
    sample_rate: int

    @property
    def kind(self) -> Class:
        return CLIPS[self.clip].kind

    @property
    def split(self) -> Split:
        return CLIPS[self.clip].split

    @property
    def name(self) -> str:
        return f"{self.clip} clean" if self.noise_name == "none" else f"{self.clip} + {self.noise_name} {self.snr_db:g} dB"

    @property
    def noisy(self) -> Tensor:
        return self.clean + self.noise


def mixture(data: Path, clip: str, noise: str, snr_db: float, seconds: float = EXCERPT_S) -> Mixture:
    """Return a mixture of at most `seconds`; the same arguments always give the same one."""
    samples, rate = soundfile.read(data / CLIPS[clip].file, always_2d=True, frames=-1)
    clean = torch.from_numpy(samples[: round(seconds * rate)].T.copy())
    return mixed(data, clip, clean, rate, noise, snr_db)


def mixed(data: Path, clip: str, clean: Tensor, rate: int, noise: str, snr_db: float) -> Mixture:
    """Return a mixture of what was made of a clip, (channel, time); the same arguments always give the same one."""
    clean = clean * (0.25 / clean.abs().max())  # headroom for the noise at 0 dB
    if noise == "none":
        return Mixture(clip, noise, float("inf"), clean, torch.zeros_like(clean), rate)
    numbers = np.random.default_rng(zlib.crc32(f"{clip} {noise} {snr_db}".encode()))
    added = torch.from_numpy(_noise(data, noise, clean.shape[1], rate, len(clean), numbers))
    added -= added.mean(1, keepdim=True)
    scale = (clean.square().sum() / added.square().sum()).sqrt() * 10 ** (-snr_db / 20)
    # As a file of 32-bit floats would hold them.
    return Mixture(clip, noise, snr_db, clean.float().double(), (added * scale).float().double(), rate)


def _noise(data: Path, name: str, length: int, rate: int, channels: int, numbers: np.random.Generator) -> np.ndarray:
    file = NOISES[name]
    if file is None:  # independent in each channel, as hiss is
        samples = numbers.standard_normal((channels, length))
        if name == "pink":
            spectrum = np.fft.rfft(samples)
            spectrum /= np.sqrt(np.maximum(np.fft.rfftfreq(length, 1 / rate), _LOWEST_PINK_HZ))
            samples = np.fft.irfft(spectrum, length)
        return samples
    recorded, own_rate = soundfile.read(data / file, always_2d=True)
    if own_rate != rate:
        recorded = soxr.resample(recorded, own_rate, rate, "VHQ")
    start = int(numbers.integers(max(1, len(recorded) - length)))
    recorded = np.take(recorded, np.arange(start, start + length), axis=0, mode="wrap").T
    if channels == 1:
        return np.asarray(recorded.mean(0, keepdims=True))
    return recorded if len(recorded) == channels else np.repeat(recorded[:1], channels, 0)


def plan(which: str) -> Iterator[tuple[str, str, float]]:
    """Yield (clip, noise, SNR) of a set.

    "white5": every clip of speech and music with white noise at 5 dB. "quick": every clip with white and pink noise and
    some of the recorded ones, at changing SNRs, at 30 dB and clean. "full": everything with everything.
    """
    for number, (clip, what) in enumerate(CLIPS.items()):
        if which == "white5":
            if what.kind != "animals":
                yield clip, "white", 5
        elif which == "full":
            yield clip, "none", 0
            yield from ((clip, noise, snr) for noise in NOISES for snr in SNRS_DB)
        elif which == "quick":
            recorded = [noise for noise, file in NOISES.items() if file]
            yield clip, ("white", "pink")[number % 2], (5, 0, 10)[number % 3]
            count = {"speech": 3, "music": 2, "animals": 4}[what.kind]
            for i in range(count):
                yield clip, recorded[(3 * number + i) % len(recorded)], (0, 5, 10, 15)[(number + i) % 4]
            yield clip, "white", 30
            yield clip, "none", 0
        else:
            raise SystemExit(f"there is no set {which!r}; choose white5, quick or full.")
