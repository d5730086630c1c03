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

import numpy as np
import soundfile
import torch
from torch import Tensor

from audioprior.errors import AudioError, SettingsError
from audioprior.sound import decoding
from audioprior.sound.decoding import check_rate
from audioprior.sound.encoding import Encoding
from audioprior.sound.recording import Described, Recording, check_finite

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
        notes: what there is to say of how it was read, in a sentence each.
    """

    file: soundfile.SoundFile
    name: str
    encoding: Encoding
    tags: Mapping[str, str]
    notes: tuple[str, ...] = ()

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

    Lossy files, and those whose headers cannot be believed, are decoded to a temporary file first: no decoder is exact to
    the sample after a jump.

    Args:
        path: of the file, or "-" for standard input.

    Raises:
        AudioError: there is no such file, it does not hold sound, or holds none.
    """
    name = name_of(path)
    with ExitStack() as stack:
        if str(path) == "-":
            file = _folder(stack) / "piped"
            with open(file, "wb") as copy:
                shutil.copyfileobj(sys.stdin.buffer, copy)
        else:
            file = _checked(Path(path), name)
        yield _opened(file, name, stack)


def _checked(path: Path, name: str) -> Path:
    """Return a path that can be read.

    Raises:
        AudioError: it cannot, or holds no file.
    """
    try:
        if not path.exists():
            raise AudioError(f"{name} does not exist; check the path.")
        if path.is_dir():
            raise AudioError(f"{name} is a folder; give the files in it.")
        if not path.is_file():
            raise AudioError(f'{name} is no file but a device or a pipe; give a file, or "-" for standard input.')
        open(path, "rb").close()
    except PermissionError as error:
        raise AudioError(f"{name} may not be read; check its permissions.") from error
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise AudioError(f"{name} cannot be read ({reason}); check its name and the disk.") from error
    return path


def _opened(path: Path, name: str, stack: ExitStack) -> FileSource:
    file, reason = _by_libsndfile(path)
    if file is not None:
        stack.callback(file.close)
        check_rate(file.samplerate, name)
        encoding, tags = Encoding(file.format, file.subtype), MappingProxyType(dict(file.copy_metadata()))
        if decoding.believable(path, file):
            end = decoding.missing_end(path)
            notes: tuple[str, ...] = (end,) if end else ()
            if not encoding.lossy and file.seekable():
                return FileSource(file, name, encoding, tags, notes)
            spool = _folder(stack) / "decoded.w64"
            with soundfile.SoundFile(spool, "w", file.samplerate, file.channels, "DOUBLE", format="W64") as decoded:
                while len(block := file.read(_CHUNK, dtype="float64", always_2d=True)):  # `frames` may promise too much
                    decoded.write(block)
            return FileSource(stack.enter_context(soundfile.SoundFile(spool)), name, encoding, tags, notes)
    if path.stat().st_size == 0:
        raise AudioError(f"{name} holds no samples; give a recording of at least one.")
    spool = _folder(stack) / "decoded.w64"
    try:
        found = decoding.decode(path, spool, name)
    except AudioError:
        if file is None and reason:  # libsndfile's words on it, as it knows more of the formats that people send
            raise AudioError(f"{name} cannot be read as sound ({reason}); give an audio file.") from None
        raise
    if file is None:
        encoding, tags = Encoding(found.codec.upper(), found.codec.upper()), MappingProxyType({**found.tags})
    notes = decoding.told(found, file.frames if file else found.frames)
    return FileSource(stack.enter_context(soundfile.SoundFile(spool)), name, encoding, tags, notes)


def _by_libsndfile(path: Path) -> tuple[soundfile.SoundFile | None, str]:
    """Return a file as libsndfile opens it, or None and the reason why it does not."""
    try:
        return soundfile.SoundFile(path), ""
    except (soundfile.LibsndfileError, ValueError, TypeError) as error:
        return None, str(getattr(error, "error_string", None) or error).strip().rstrip(".")


def encoding_of(path: Path) -> Encoding:
    """Return how a file stores samples, by its header alone.

    Raises:
        AudioError: it cannot be opened; what libsndfile does not know is no such case, but lossy.
    """
    file, _ = _by_libsndfile(_checked(path, str(path)))
    if file is None:
        return Encoding("FFMPEG", "FFMPEG")
    with file:
        return Encoding(file.format, file.subtype)


def _folder(stack: ExitStack) -> Path:
    return Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="audioprior-")))


def read(path: str | Path) -> Recording:
    """Read a file, or standard input for "-".

    Raises:
        AudioError: there is no such file, or it does not hold sound.
    """
    with open_source(path) as source:
        return whole(source)


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


def name_of(path: str | Path) -> str:
    """Return what to call a file in messages."""
    return "standard input" if str(path) == "-" else str(path)


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
