"""Recordings that are read piece by piece, so that an hour takes no more memory than a minute."""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Protocol

import soundfile
import torch
from torch import Tensor

from audioprior.errors import AudioError
from audioprior.sound.encoding import Encoding
from audioprior.sound.recording import Described, Recording, check_finite, name_of, opened

_CHUNK = 1 << 20  # samples that are read at a time
_EXCERPT_S = 60.0


class Source(Described, Protocol):
    """A recording, in memory or in a file."""

    @property
    def name(self) -> str:
        """What to call it in messages."""
        ...

    @property
    def encoding(self) -> Encoding:
        """How the file that it came from stores samples."""
        ...

    def read(self, start: int, end: int) -> Tensor:
        """Return a passage: (channel, time), float64, full scale 1.0."""
        ...


@dataclass(frozen=True)
class FileSource:
    """A recording in a file that can be read at any place.

    Attributes:
        file: open for reading.
        name: what to call it in messages.
        encoding: how the file that it came from stores samples.
        tags: text tags.
    """

    file: soundfile.SoundFile
    name: str
    encoding: Encoding
    tags: Mapping[str, str]

    @property
    def sample_rate(self) -> int:
        """In Hz."""
        return int(self.file.samplerate)

    @property
    def channels(self) -> int:
        """How many channels."""
        return int(self.file.channels)

    @property
    def length(self) -> int:
        """In samples."""
        return int(self.file.frames)

    def read(self, start: int, end: int) -> Tensor:
        """Return a passage: (channel, time), float64.

        Raises:
            AudioError: it holds samples that are no numbers.
        """
        self.file.seek(start)
        samples = torch.from_numpy(self.file.read(end - start, dtype="float64", always_2d=True)).T.contiguous()
        check_finite(samples, self.name, self.sample_rate, start)
        return samples


@contextmanager
def open_source(path: str | Path) -> Iterator[FileSource]:
    """Open a recording to be read piece by piece.

    Lossy files are decoded to a temporary file first: no decoder is exact to the sample after a jump.

    Raises:
        AudioError: there is no such file, it does not hold sound, or holds none.
    """
    with ExitStack() as stack:
        if str(path) == "-":
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="audioprior-"))
            piped = Path(folder) / "piped"
            with open(piped, "wb") as copy:
                shutil.copyfileobj(sys.stdin.buffer, copy)
            file = stack.enter_context(opened(piped, name_of(path)))
        else:
            file = stack.enter_context(opened(path))
        encoding, tags = Encoding(file.format, file.subtype), MappingProxyType(dict(file.copy_metadata()))
        if not file.frames:
            raise AudioError(f"{name_of(path)} holds no samples; give a recording of at least one.")
        if not encoding.lossy and file.seekable():
            yield FileSource(file, name_of(path), encoding, tags)
            return
        spool = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="audioprior-"))) / "decoded.w64"
        with soundfile.SoundFile(spool, "w", file.samplerate, file.channels, "DOUBLE", format="W64") as decoded:
            for block in file.blocks(_CHUNK, dtype="float64", always_2d=True):
                decoded.write(block)
        yield FileSource(stack.enter_context(soundfile.SoundFile(spool)), name_of(path), encoding, tags)


def whole(source: Source) -> Recording:
    """Return all of a recording in memory."""
    if isinstance(source, Recording):
        return source
    samples = source.read(0, source.length)
    return Recording(samples, source.sample_rate, source.encoding, source.tags, source.name)


def chunks(source: Source) -> Iterator[Tensor]:
    """Yield all of a recording in order: (channel, time) each."""
    for start in range(0, source.length, _CHUNK):
        yield source.read(start, min(source.length, start + _CHUNK))


def excerpt(source: Source, most_s: float = _EXCERPT_S) -> tuple[Recording, float]:
    """Return the middle of a recording, and where it begins in seconds."""
    length = min(source.length, round(most_s * source.sample_rate))
    start = (source.length - length) // 2
    return Recording(source.read(start, start + length), source.sample_rate, name=source.name), start / source.sample_rate
