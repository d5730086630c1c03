"""The chunks of WAV (RIFF, RF64, BW64) and AIFF files, found, read and added in bounded memory.

A size in a header is a claim: no chunk reaches beyond the file, and none is read that is larger than `MOST_BYTES`.
"""

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

MOST_BYTES = 1 << 24  # of one chunk that is read whole: a picture in ID3 takes some
_MOST_TOGETHER = 1 << 26  # bytes of all of them
_MOST_CHUNKS = 4096
_UNKNOWN = 2**32 - 1  # what a size says that stands elsewhere, or nowhere
_WAVES = (b"RIFF", b"RF64", b"BW64")


@dataclass(frozen=True)
class Chunk:
    """Where a chunk is.

    Attributes:
        kind: its four letters.
        start: of its content in the file, in bytes.
        size: of its content, as much as there is of it.
        small: whether it, with all before it, may be held in memory.
    """

    kind: bytes
    start: int
    size: int
    small: bool = True


@dataclass(frozen=True)
class Layout:
    """What is where in a file.

    Attributes:
        path: the file.
        form: RIFF, RF64, BW64 or FORM.
        chunks: in their order.
    """

    path: Path
    form: bytes
    chunks: tuple[Chunk, ...]

    @property
    def aiff(self) -> bool:
        """Whether it is an AIFF file, whose numbers are big-endian."""
        return self.form == b"FORM"

    def find(self, kind: bytes) -> Chunk | None:
        """Return the first chunk of a kind."""
        return next((chunk for chunk in self.chunks if chunk.kind == kind), None)

    def read(self, chunk: Chunk) -> bytes:
        """Return a chunk's content, at most `MOST_BYTES` of it."""
        with open(self.path, "rb") as file:
            file.seek(chunk.start)
            return file.read(min(chunk.size, MOST_BYTES))


def layout(path: Path) -> Layout | None:
    """Return what is where in a WAV or AIFF file; None of any other."""
    end = path.stat().st_size
    with open(path, "rb") as file:
        form, _, kind = struct.unpack("4s4s4s", file.read(12).ljust(12, b"\0"))
        if not (form in _WAVES and kind == b"WAVE") and not (form == b"FORM" and kind in (b"AIFF", b"AIFC")):
            return None
        order, place, chunks, long_data, together = ">" if form == b"FORM" else "<", 12, list[Chunk](), 0, 0
        while place + 8 <= end and len(chunks) < _MOST_CHUNKS:
            file.seek(place)
            kind, size = struct.unpack(f"{order}4sI", file.read(8))
            if not all(32 <= letter < 127 for letter in kind):
                break
            if kind == b"ds64" and size >= 16:
                _, long_data = struct.unpack("<QQ", file.read(16).ljust(16, b"\0"))
            if kind == b"data" and size in (0, _UNKNOWN):  # of an unfinished header, unless another chunk knows it
                size = long_data if size and long_data else _UNKNOWN**2
            held = min(size, end - place - 8)
            together += held if held <= MOST_BYTES else 0
            chunks.append(Chunk(kind, place + 8, held, held <= MOST_BYTES and together <= _MOST_TOGETHER))
            place += 8 + size + size % 2
    return Layout(path, form, tuple(chunks))


def append(path: Path, added: Sequence[tuple[bytes, bytes]]) -> bool:
    """Add chunks at the end of a file, and return whether its header can say so; where not, nothing is added.

    Args:
        path: a finished WAV or AIFF file.
        added: four letters and content of each.
    """
    held = layout(path)
    if held is None:
        return False
    order, end = ">" if held.aiff else "<", path.stat().st_size
    content = b"\0" * (end % 2)
    for kind, data in added:
        content += struct.pack(f"{order}4sI", kind, len(data)) + data + b"\0" * (len(data) % 2)
    whole = end + len(content) - 8
    long = held.form in (b"RF64", b"BW64")
    if not long and whole >= _UNKNOWN:
        return False
    with open(path, "r+b") as file:
        file.seek(0, os.SEEK_END)
        file.write(content)
        ds64 = held.find(b"ds64")
        if long and ds64:
            file.seek(ds64.start)
            file.write(struct.pack("<Q", whole))
        elif not long:
            file.seek(4)
            file.write(struct.pack(f"{order}I", whole))
    return True


def overwrite(path: Path, place: int, content: bytes) -> None:
    """Put bytes in the place of others."""
    with open(path, "r+b") as file:
        file.seek(place)
        file.write(content)


def info(content: bytes) -> list[tuple[bytes, bytes]]:
    """Return the items of a LIST chunk of texts or labels, behind its four letters: four letters and content of each."""
    items, place = list[tuple[bytes, bytes]](), 4
    while place + 8 <= len(content) and len(items) < _MOST_CHUNKS:
        kind, size = struct.unpack_from("<4sI", content, place)
        items.append((kind, content[place + 8 : place + 8 + size]))
        place += 8 + size + size % 2
    return items


def listed(kind: bytes, items: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Return a LIST chunk's content."""
    parts = [struct.pack("<4sI", name, len(data)) + data + b"\0" * (len(data) % 2) for name, data in items]
    return kind + b"".join(parts)
