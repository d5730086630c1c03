"""How files store samples: containers, sample formats, and what happens to samples that do not fit."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import soundfile
import torch
from torch import Tensor

from audioprior.errors import SettingsError

ClipMode = Literal["clamp", "rescale", "float"]

# Integer sample formats and their depth; every other PCM-like format is lossy or floating point.
INTEGER_BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
FLOATING = {"FLOAT", "DOUBLE"}

# What a file name's ending asks for.
CONTAINERS = {
    ".wav": "WAV", ".wave": "WAV", ".rf64": "RF64", ".w64": "W64", ".flac": "FLAC", ".aif": "AIFF", ".aiff": "AIFF",
    ".caf": "CAF", ".au": "AU", ".ogg": "OGG", ".oga": "OGG", ".opus": "OGG", ".mp3": "MP3",
}  # fmt: skip
# What else is read: the same formats by other names, and what is decoded only.
READABLE = {
    *CONTAINERS, ".bwf", ".aifc", ".voc", ".snd", ".sph", ".nist", ".m4a", ".mp4", ".aac", ".wma", ".webm", ".mka", ".mkv",
    ".mp2", ".mpga", ".ac3", ".amr", ".3gp", ".spx", ".wv", ".ape", ".tta", ".gsm", ".mov",
}  # fmt: skip
EXTENSIONS = {"WAV": ".wav", "WAVEX": ".wav", "RF64": ".wav", "W64": ".w64", "FLAC": ".flac", "AIFF": ".aiff",
              "CAF": ".caf", "AU": ".au", "OGG": ".ogg", "MP3": ".mp3"}  # fmt: skip


@dataclass(frozen=True)
class Encoding:
    """How samples are stored.

    Attributes:
        container: libsndfile's name of it.
        subtype: libsndfile's name of the sample format.
        valid_bits: of each integer, where fewer are in use than are stored: 24 in 32, the low byte zero.
    """

    container: str = "WAV"
    subtype: str = "FLOAT"
    valid_bits: int | None = None

    @property
    def bits(self) -> int | None:
        """The depth of integers; None of all other samples."""
        stored = INTEGER_BITS.get(self.subtype)
        return min(stored, self.valid_bits or stored) if stored else None

    @property
    def lossy(self) -> bool:
        """Whether decoding and encoding again would lose more than rounding."""
        return self.subtype not in INTEGER_BITS and self.subtype not in FLOATING and not self.subtype.startswith("ALAC")

    @property
    def extension(self) -> str:
        """The usual ending of a file's name, with its dot."""
        return ".opus" if self.subtype == "OPUS" else EXTENSIONS.get(self.container, ".wav")

    def lossless(self) -> "Encoding":
        """Return this encoding, or 24-bit FLAC in place of a lossy one."""
        return Encoding("FLAC", "PCM_24") if self.lossy else self

    def for_path(self, path: Path) -> "Encoding":
        """Return the encoding that a path's ending asks for, as near to this one as its container allows.

        Raises:
            SettingsError: the ending names no format that can be written.
        """
        ending = path.suffix.lower()
        if ending not in CONTAINERS:
            raise SettingsError(f"{path.name!r} ends in {ending!r}; use one of {', '.join(sorted(CONTAINERS))}.")
        container = CONTAINERS[ending]
        if EXTENSIONS.get(self.container) == EXTENSIONS[container] and ending != ".opus":
            return self
        if ending == ".opus":
            return Encoding("OGG", "OPUS")
        # A float source goes to the deepest integers there are; 8-bit and companded ones lose nothing in 16 bit.
        choices = [self.subtype, "PCM_24" if self.lossy or self.subtype in {*FLOATING, "PCM_32"} else "PCM_16"]
        fallback = soundfile.default_subtype(container)
        return Encoding(container, next((c for c in choices if soundfile.check_format(container, c)), fallback or "PCM_16"))


def quantise(samples: Tensor, encoding: Encoding) -> Tensor:
    """Round to what an encoding can store, so that what is reported as kept is what the file will hold.

    Rounding to nearest without dither: the samples carry the recording's own noise, or its untouched silence.
    """
    bits = encoding.bits
    if bits is not None:
        scale = 2.0 ** (bits - 1)
        return (samples * scale).round().clamp(-scale, scale - 1) / scale
    return samples.to(torch.float32).to(torch.float64) if encoding.subtype == "FLOAT" else samples


def clamped(samples: Tensor, encoding: Encoding) -> Tensor:
    """Return samples as an encoding will hold them: cut at full scale where it ends there, and rounded."""
    inside = samples if encoding.subtype in FLOATING else samples.clamp(-1.0, top_of(encoding))
    return quantise(inside, encoding)


def top_of(encoding: Encoding) -> float:
    """Return the largest sample that an encoding can hold."""
    bits = encoding.bits
    return 1 - 2.0 ** (1 - bits) if bits else 1.0


@dataclass(frozen=True)
class Excess:
    """Samples beyond full scale, counted piece by piece and added up.

    Attributes:
        count: how many.
        peak: the largest magnitude of all samples.
    """

    count: int = 0
    peak: float = 0.0

    @classmethod
    def of(cls, samples: Tensor, encoding: Encoding) -> "Excess":
        """Return what of (channel, time) `samples` an encoding cannot hold."""
        if encoding.subtype in FLOATING:
            return cls()
        top = top_of(encoding)
        half_step = (1 - top) / 2  # that much above the top still rounds to it
        over = (samples > top + half_step) | (samples < -1.0 - half_step)
        return cls(int(over.sum()), float(samples.abs().max()))

    def __add__(self, other: "Excess") -> "Excess":
        return Excess(self.count + other.count, max(self.peak, other.peak))

    def clamped(self) -> str:
        """Return a sentence that says that they were cut."""
        return f"{self} and were clamped (--clip-mode rescale or float keeps them)."

    def gain(self, encoding: Encoding) -> float:
        """Return what the whole recording has to be multiplied with for an encoding to hold it."""
        return top_of(encoding) / self.peak

    def turned_down(self, encoding: Encoding) -> str:
        """Return a sentence that says that it was."""
        return f"{self}: the output was turned down by {-20 * math.log10(self.gain(encoding)):.2f} dB."

    def widened(self) -> str:
        """Return a sentence that says that they are kept."""
        return f"{self}: the output is stored as 32-bit float."

    def __str__(self) -> str:
        return f"{self.count} samples would exceed full scale (peak {20 * math.log10(self.peak):+.2f} dBFS)"


@dataclass(frozen=True)
class Fitted:
    """Samples made to fit what an encoding can store.

    Attributes:
        samples: (channel, time), on the encoding's grid.
        encoding: how to store them.
        gain: what they were multiplied with, 1.0 unless they were turned down.
        note: a sentence that says what was done, or None where nothing was needed.
    """

    samples: Tensor
    encoding: Encoding
    gain: float = 1.0
    note: str | None = None


def fit_in_range(samples: Tensor, encoding: Encoding, mode: ClipMode) -> Fitted:
    """Deal with samples beyond full scale, which only floating-point files can hold, and round to the encoding's grid.

    Args:
        samples: (channel, time).
        encoding: how they will be stored.
        mode: "clamp" cuts them at full scale, "rescale" turns the whole recording down, "float" stores it as 32-bit
            float instead.
    """
    excess = Excess.of(samples, encoding)
    if not excess.count:
        return Fitted(quantise(samples, encoding), encoding)
    if mode == "rescale":
        gain = excess.gain(encoding)
        return Fitted(quantise(samples * gain, encoding), encoding, gain, excess.turned_down(encoding))
    if mode == "float":
        wide = wider(encoding)
        return Fitted(quantise(samples, wide), wide, note=excess.widened())
    return Fitted(clamped(samples, encoding), encoding, note=excess.clamped())


def wider(encoding: Encoding) -> Encoding:
    """Return the encoding of 32-bit floats that is nearest to one: the same container, where it can hold them."""
    return Encoding("WAV" if encoding.container in {"FLAC", "OGG", "MP3"} else encoding.container, "FLOAT")
