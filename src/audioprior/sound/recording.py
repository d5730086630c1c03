"""Sound in, sound out: files and pipes, with rate, depth, channels and tags kept as they were.

Samples are float64, so that every integer depth up to 32 bit and every float file is held exactly; full scale is 1.0.
"""

import io
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import MappingProxyType
from typing import IO, Protocol

import soundfile
import torch
from torch import Tensor

from audioprior.errors import AudioError, SettingsError
from audioprior.sound.encoding import Encoding, quantise
from audioprior.sound.writing import replacing

_WAV_LIMIT_BYTES = 2**32 - 2**16  # sizes in a WAV header are 32 bit; beyond, RF64 takes over
_SET_ADD_PEAK_CHUNK = 0x1050  # of sndfile.h
_NO_TAGS: Mapping[str, str] = MappingProxyType({})


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
    encoding: Encoding = field(default_factory=Encoding)
    tags: Mapping[str, str] = field(default_factory=lambda: _NO_TAGS)
    name: str = "input"

    def __post_init__(self) -> None:
        if self.samples.ndim != 2:
            raise SettingsError(f"samples have shape {tuple(self.samples.shape)}; give (channel, time).")
        if self.samples.shape[0] < 1 or self.samples.shape[1] < 1:
            raise AudioError(f"{self.name} holds no samples; give a recording of at least one.")
        if self.sample_rate <= 0:
            raise SettingsError(f"the sample rate is {self.sample_rate} Hz; give a positive one.")
        check_finite(self.samples, self.name, self.sample_rate)

    @property
    def channels(self) -> int:
        """How many channels."""
        return self.samples.shape[0]

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.samples.shape[1] / self.sample_rate

    @property
    def length(self) -> int:
        """Length in samples."""
        return self.samples.shape[1]

    def read(self, start: int, end: int) -> Tensor:
        """Return a passage: (channel, time)."""
        return self.samples[:, start:end]

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


class Described(Protocol):
    """What a file needs to know of the sound that it is going to hold."""

    @property
    def sample_rate(self) -> int:
        """In Hz."""
        ...

    @property
    def channels(self) -> int:
        """How many channels."""
        ...

    @property
    def length(self) -> int:
        """In samples."""
        ...

    @property
    def tags(self) -> Mapping[str, str]:
        """Text tags, by libsndfile's names."""
        ...


def check_finite(samples: Tensor, name: str, sample_rate: int, start: int = 0) -> None:
    """Refuse samples that are no numbers.

    Args:
        samples: (channel, time).
        name: of what they belong to.
        sample_rate: in Hz.
        start: the first sample's place in it.

    Raises:
        AudioError: some are.
    """
    bad = ~torch.isfinite(samples)
    if bad.any():
        first = (start + int(bad.any(0).nonzero()[0])) / sample_rate
        raise AudioError(
            f"{name} holds {int(bad.sum())} samples that are NaN or infinite, the first at {first:.3f} s; "
            "repair or cut them first."
        )


def check_encodable(sound: Described, encoding: Encoding) -> None:
    """Refuse early a rate or a channel count that an encoding cannot hold.

    Raises:
        SettingsError: it cannot.
    """
    try:
        encoder(io.BytesIO(), sound, encoding).close()
    except soundfile.LibsndfileError as error:
        what = f"{sound.channels} channels at {sound.sample_rate} Hz"
        raise SettingsError(
            f"{encoding.container} {encoding.subtype} cannot hold {what}; name a file of another kind with -o."
        ) from error


def encode_to(target: Path | IO[bytes], recording: Recording, encoding: Encoding) -> None:
    """Write a recording's samples and tags in an encoding, to a path or an open file."""
    with encoder(target, recording, encoding) as file:
        write_samples(file, quantise(recording.samples, encoding))


def encoder(target: Path | IO[bytes], like: Described, encoding: Encoding) -> soundfile.SoundFile:
    """Open a file to write sound to, with the rate, the channels and the tags of another."""
    container = encoding.container
    if container in {"WAV", "WAVEX"} and like.length * like.channels * 8 > _WAV_LIMIT_BYTES:
        container = "RF64"
    file = soundfile.SoundFile(target, "w", like.sample_rate, like.channels, encoding.subtype, format=container)
    for tag, text in like.tags.items():
        with suppress(soundfile.LibsndfileError):  # W64 and AU hold none
            setattr(file, tag, text)
    _leave_out_the_time(file)
    return file


def _leave_out_the_time(file: soundfile.SoundFile) -> None:
    """Keep libsndfile from writing a PEAK chunk, which holds the time of day: the same sound gives the same bytes."""
    with suppress(AttributeError):  # there is no public way
        soundfile._snd.sf_command(file._file, _SET_ADD_PEAK_CHUNK, soundfile._ffi.NULL, 0)


def write_samples(file: soundfile.SoundFile, samples: Tensor) -> None:
    """Write (channel, time) samples."""
    # libsndfile's Vorbis encoder overflows its stack on very long single writes.
    interleaved = samples.T.contiguous().numpy()
    for start in range(0, len(interleaved), 1 << 16):
        file.write(interleaved[start : start + (1 << 16)])
