"""Sound in, sound out: files and pipes, with rate, depth, channels and tags kept as they were.

Samples are float64, so that every integer depth up to 32 bit and every float file is held exactly; full scale is 1.0.
"""

import io
import math
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import IO, Literal

import numpy as np
import soundfile
import torch
from torch import Tensor

from audioprior.errors import AudioError, SettingsError

ClipMode = Literal["clamp", "rescale", "float"]

# Integer sample formats and their depth; every other PCM-like format is lossy or floating point.
INTEGER_BITS = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32}
FLOATING = {"FLOAT", "DOUBLE"}

# What a file name's ending asks for.
CONTAINERS = {
    ".wav": "WAV", ".wave": "WAV", ".rf64": "RF64", ".w64": "W64", ".flac": "FLAC", ".aif": "AIFF", ".aiff": "AIFF",
    ".caf": "CAF", ".au": "AU", ".ogg": "OGG", ".oga": "OGG", ".opus": "OGG", ".mp3": "MP3",
}  # fmt: skip
EXTENSIONS = {"WAV": ".wav", "WAVEX": ".wav", "RF64": ".wav", "W64": ".w64", "FLAC": ".flac", "AIFF": ".aiff",
              "CAF": ".caf", "AU": ".au", "OGG": ".ogg", "MP3": ".mp3"}  # fmt: skip

_WAV_LIMIT_BYTES = 2**32 - 2**16  # sizes in a WAV header are 32 bit; beyond, RF64 takes over
_NO_TAGS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Encoding:
    """How samples are stored: libsndfile's names of a container and of a sample format."""

    container: str = "WAV"
    subtype: str = "FLOAT"

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


@dataclass(frozen=True)
class Recording:
    """A recording in memory.

    Attributes:
        samples: (channel, time), float64, full scale 1.0.
        sample_rate: in Hz.
        encoding: how the file that it came from, or goes to, stores samples.
        tags: text tags, by libsndfile's names (title, artist, comment, date, ...).
        name: what to call it in messages: a file name, or "input".
    """

    samples: Tensor
    sample_rate: int
    encoding: Encoding = Encoding()
    tags: Mapping[str, str] = field(default_factory=lambda: _NO_TAGS)
    name: str = "input"

    def __post_init__(self) -> None:
        if self.samples.ndim != 2:
            raise SettingsError(f"samples have shape {tuple(self.samples.shape)}; give (channel, time).")
        if self.samples.shape[0] < 1 or self.samples.shape[1] < 1:
            raise AudioError(f"{self.name} holds no samples; give a recording of at least one.")
        if self.sample_rate <= 0:
            raise SettingsError(f"the sample rate is {self.sample_rate} Hz; give a positive one.")
        bad = ~torch.isfinite(self.samples)
        if bad.any():
            first = int(bad.any(0).nonzero()[0]) / self.sample_rate
            raise AudioError(
                f"{self.name} holds {int(bad.sum())} samples that are NaN or infinite, the first at {first:.3f} s; "
                "repair or cut them first."
            )

    @property
    def channels(self) -> int:
        """How many channels."""
        return self.samples.shape[0]

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.samples.shape[1] / self.sample_rate

    def with_samples(self, samples: Tensor) -> "Recording":
        """Return a recording that differs in its samples only."""
        return replace(self, samples=samples)

    def write(self, path: str | Path, *, encoding: Encoding | None = None, force: bool = False) -> None:
        """Write to a file, all of it or none; "-" is standard output.

        Args:
            path: where to; its ending chooses the container, as near to `encoding` as that allows.
            encoding: the sample format to use; this recording's own (a lossless one, if that was lossy) by default.
            force: whether an existing file may be replaced.

        Raises:
            SettingsError: the file exists and `force` is not set, or its ending names no format.
            AudioError: the file cannot be written.
        """
        target = encoding or self.encoding.lossless()
        if str(path) == "-":
            # Sizes stand in the headers of most containers, so a pipe gets the finished file.
            buffer = io.BytesIO()
            encode_to(buffer, self, target)
            sys.stdout.buffer.write(buffer.getbuffer())
            sys.stdout.buffer.flush()
            return
        path = Path(path)
        target = target.for_path(path)
        with replacing(path, force=force) as beside:
            encode_to(beside, self, target)


def as_recording(sound: "str | Path | Recording | Tensor | np.ndarray", sample_rate: int | None = None) -> Recording:
    """Return a recording from a file's path or from an array.

    Args:
        sound: a path, "-" for standard input, a recording, or samples: (time,) or (channel, time).
        sample_rate: in Hz, for samples only.

    Raises:
        SettingsError: samples without a sample rate.
        AudioError: a file that cannot be read as sound.
    """
    if isinstance(sound, Recording):
        return sound
    if isinstance(sound, str | Path):
        return read(sound)
    if sample_rate is None:
        raise SettingsError("samples were given without sample_rate; give it in Hz.")
    samples = torch.as_tensor(sound).to(torch.float64)
    return Recording(samples[None] if samples.ndim == 1 else samples, int(sample_rate))


def read(path: str | Path) -> Recording:
    """Read a file, or standard input for "-".

    Raises:
        AudioError: there is no such file, or it does not hold sound.
    """
    name = "standard input" if str(path) == "-" else str(path)
    if str(path) != "-":
        if not Path(path).exists():
            raise AudioError(f"{name} does not exist; check the path.")
        if Path(path).is_dir():
            raise AudioError(f"{name} is a folder; give the files in it.")
    try:
        source = io.BytesIO(sys.stdin.buffer.read()) if str(path) == "-" else open(path, "rb")  # noqa: SIM115
        with source, soundfile.SoundFile(source) as file:
            samples = file.read(dtype="float64", always_2d=True)
            encoding = Encoding(file.format, file.subtype)
            tags, rate = file.copy_metadata(), file.samplerate
    except PermissionError as error:
        raise AudioError(f"{name} may not be read; check its permissions.") from error
    except (soundfile.LibsndfileError, OSError, ValueError, TypeError) as error:
        reason = getattr(error, "error_string", None) or str(error)
        raise AudioError(f"{name} cannot be read as sound ({reason.strip().rstrip('.')}); give an audio file.") from error
    return Recording(torch.from_numpy(np.ascontiguousarray(samples.T)), rate, encoding, MappingProxyType(tags), name)


def quantise(samples: Tensor, encoding: Encoding) -> Tensor:
    """Round to what an encoding can store, so that what is reported as kept is what the file will hold.

    Rounding to nearest without dither: the samples carry the recording's own noise, or its untouched silence.
    """
    bits = INTEGER_BITS.get(encoding.subtype)
    if bits is not None:
        scale = 2.0 ** (bits - 1)
        return (samples * scale).round().clamp(-scale, scale - 1) / scale
    return samples.to(torch.float32).to(torch.float64) if encoding.subtype == "FLOAT" else samples


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
    bits = INTEGER_BITS.get(encoding.subtype)
    top = 1 - 2.0 ** (1 - bits) if bits else 1.0
    half_step = (1 - top) / 2  # that much above the top still rounds to it
    over = (samples > top + half_step) | (samples < -1.0 - half_step)
    if encoding.subtype in FLOATING or not over.any():
        return Fitted(quantise(samples, encoding), encoding)
    peak = float(samples.abs().max())
    what = f"{int(over.sum())} samples would exceed full scale (peak {20 * math.log10(peak):+.2f} dBFS)"
    if mode == "rescale":
        note = f"{what}: the output was turned down by {20 * math.log10(peak / top):.2f} dB."
        return Fitted(quantise(samples * (top / peak), encoding), encoding, top / peak, note)
    if mode == "float":
        wider = Encoding("WAV" if encoding.container in {"FLAC", "OGG", "MP3"} else encoding.container, "FLOAT")
        return Fitted(quantise(samples, wider), wider, note=f"{what}: the output is stored as 32-bit float.")
    note = f"{what} and were clamped (--clip-mode rescale or float keeps them)."
    return Fitted(quantise(samples.clamp(-1.0, top), encoding), encoding, note=note)


@contextmanager
def replacing(path: Path, *, force: bool = False) -> Iterator[Path]:
    """Give a path beside `path` to write to, and rename it over `path` when all is written.

    Raises:
        SettingsError: `path` exists and `force` is not set, or its folder does not exist.
        AudioError: writing failed; nothing is left behind.
    """
    check_writable(path, force=force)
    beside = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        yield beside
        os.replace(beside, path)
    except (OSError, soundfile.LibsndfileError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "error_string", None) or str(error)
        raise AudioError(
            f"{path} cannot be written ({reason.strip().rstrip('.')}); check the disk and the folder."
        ) from error
    finally:
        beside.unlink(missing_ok=True)


def check_writable(path: Path, *, force: bool) -> None:
    """Refuse early, before any work is done, what could not be written afterwards.

    Raises:
        SettingsError: `path` exists and `force` is not set, is a folder, or lies in no folder that can be written to.
    """
    if path.is_dir():
        raise SettingsError(f"{path} is a folder; name a file.")
    if path.exists() and not force:
        raise SettingsError(f"{path} exists; use --force to replace it, or -o to name another file.")
    if not path.parent.is_dir():
        raise SettingsError(f"the folder {path.parent} does not exist; create it first.")
    if not os.access(path.parent, os.W_OK, effective_ids=os.access in os.supports_effective_ids):
        raise SettingsError(f"the folder {path.parent} may not be written to; choose another with -o.")


def check_encodable(recording: Recording, encoding: Encoding) -> None:
    """Refuse early a rate or a channel count that an encoding cannot hold.

    Raises:
        SettingsError: it cannot.
    """
    try:
        encode_to(io.BytesIO(), recording.with_samples(recording.samples[:, :1]), encoding)
    except soundfile.LibsndfileError as error:
        what = f"{recording.channels} channels at {recording.sample_rate} Hz"
        raise SettingsError(
            f"{encoding.container} {encoding.subtype} cannot hold {what}; name a file of another kind with -o."
        ) from error


def encode_to(target: Path | IO[bytes], recording: Recording, encoding: Encoding) -> None:
    """Write a recording's samples and tags in an encoding, to a path or an open file."""
    container = encoding.container
    if container in {"WAV", "WAVEX"} and recording.samples.numel() * 8 > _WAV_LIMIT_BYTES:
        container = "RF64"
    samples = quantise(recording.samples, encoding)
    with soundfile.SoundFile(
        target, "w", recording.sample_rate, recording.channels, encoding.subtype, format=container
    ) as file:
        for tag, text in recording.tags.items():
            setattr(file, tag, text)
        # libsndfile's Vorbis encoder overflows its stack on very long single writes.
        interleaved = samples.T.contiguous().numpy()
        for start in range(0, len(interleaved), 1 << 16):
            file.write(interleaved[start : start + (1 << 16)])
