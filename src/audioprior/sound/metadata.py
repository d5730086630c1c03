"""What belongs to a recording beside its samples is carried from the file that was read to the file that was written.

Tags with all their values, pictures, ID3; of WAV and AIFF files the chunks (bext with a line of coding history added, iXML,
cue points, labels, loops), the channel mask and the number of valid bits. libsndfile carries a few text tags of its own.

What was measured of the old sound (ReplayGain, the loudness in bext) is left out. What the written file cannot hold, and
what cannot be read, is told of.
"""

import struct
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import mutagen

from audioprior.sound.chunks import Chunk, Layout, append, info, layout, listed, overwrite
from audioprior.sound.encoding import INTEGER_BITS, Encoding
from audioprior.sound.tags import (
    Tags,
    add_frames,
    add_info,
    frames_of,
    id3_content,
    read_id3,
    read_tags,
    text_of,
    write_tags,
)

_EXTENSIBLE = 0xFFFE
_FORMAT_BYTES = 40  # of an extensible format: 20 mask, 24 code, 28 the rest of its GUID
_BEXT_BYTES = 602  # before the coding history
_NOT_KNOWN = 0x7FFF  # of a loudness in bext
# What belongs to the samples, is filler, or is written by libsndfile.
_OWN = {b"fmt ", b"data", b"fact", b"ds64", b"PEAK", b"JUNK", b"junk", b"FLLR", b"PAD ", b"bext"}
_OWN |= {b"COMM", b"SSND", b"FVER", b"CHAN"}
_ID3 = {b"id3 ", b"ID3 "}
_TEXTS = {b"NAME", b"AUTH", b"ANNO", b"(c) "}  # of AIFF
_MASK_TAG = "WAVEFORMATEXTENSIBLE_CHANNEL_MASK"  # of FLAC, RFC 9639
_STALE = {b"levl": "levl (peaks of the old sound)"}
# What libsndfile's own text tags hold, of one value each.
_PLAIN = {"TITLE", "COPYRIGHT", "SOFTWARE", "ARTIST", "COMMENT"}
_PLAIN_WAV = _PLAIN | {"DATE", "ALBUM", "GENRE", "TRACKNUMBER"}


def carry(source: Path, target: Path, encoding: Encoding) -> tuple[str, ...]:
    """Carry what belongs to a recording into a file that holds its samples already.

    Args:
        source: the file that was read.
        target: the file that was written, and is not yet in its place.
        encoding: how it stores samples.

    Returns:
        What there is to say: what was left out, and why.

    Raises:
        OSError: the target cannot be written to.
    """
    lost, notes, old, tags = list[str](), list[str](), None, Tags()
    try:
        old = layout(source)
        tags = read_tags(source) if old is None else _tags_of(old, lost)
    except OSError:
        raise
    except Exception as error:  # tags are anybody's bytes, and the sound does not depend on them
        notes.append(f"tags of {source.name} cannot be read ({_reason(error)}) and are left out.")
    if tags.loudness:
        notes.append("ReplayGain is left out: it is of the old sound.")
    new = layout(target)
    try:
        if new is None:
            if old is not None and encoding.container == "FLAC" and (mask := _mask(old)) is not None and not _usual(old):
                tags.add(_MASK_TAG, f"{mask:#x}")
            unheld = write_tags(target, tags)
            known = {*tags.values()} - (_PLAIN_WAV if encoding.container == "CAF" else set())
            lost += sorted(known) + ["pictures"] * bool(tags.pictures) if unheld is None else unheld
        else:
            added = _chunks(old, new, encoding, lost, notes) + _tag_chunks(old, new, tags)
            lost += [] if tags.frames else tags.lost
            if added and not append(target, added):
                lost += sorted({_called(kind) for kind, _ in added})
        if old is not None and new is None:
            lost += [_called(chunk.kind, old.read(chunk)[:4]) for chunk in old.chunks if _is_foreign(old, chunk)]
            lost += (
                ["the channel mask"] if _mask(old) is not None and not _usual(old) and _MASK_TAG not in tags.values() else []
            )
        if old is not None and new is not None:
            _patch_format(old, layout(target), encoding, lost)
    except mutagen.MutagenError as error:
        notes.append(f"tags cannot be written ({_reason(error)}) and are left out.")
    if lost:
        notes.append(
            f"not carried, as {encoding.container} does not hold it or it cannot be read: {', '.join(dict.fromkeys(lost))}."
        )
    return tuple(notes)


def valid_bits(path: Path) -> int | None:
    """Return how many bits of each sample a WAV file says are in use, where that is fewer than it stores."""
    held = layout(path)
    content = _format(held) if held else b""
    if len(content) < _FORMAT_BYTES or struct.unpack_from("<H", content)[0] != _EXTENSIBLE:
        return None
    stored, valid = struct.unpack_from("<H", content, 14)[0], struct.unpack_from("<H", content, 18)[0]
    integers = struct.unpack_from("<I", content, 24)[0] == 1
    return valid if integers and 8 < valid < stored else None


def _tags_of(held: Layout, lost: list[str]) -> Tags:
    """Return the tags of a WAV or AIFF file."""
    tags = Tags()
    for chunk in held.chunks:
        kind = chunk.kind
        if kind in _ID3:
            if not chunk.small:
                lost.append(f"ID3 of {chunk.size} bytes")
                continue
            add_frames(tags, read_id3(held.read(chunk)))
        elif kind == b"LIST" and chunk.small and (content := held.read(chunk))[:4] == b"INFO":
            add_info(tags, info(content))
        elif kind in _TEXTS and chunk.small:
            names = {b"NAME": "TITLE", b"AUTH": "ARTIST", b"ANNO": "COMMENT", b"(c) ": "COPYRIGHT"}
            tags.add(names[kind], text_of(held.read(chunk)))
    return tags


def _is_foreign(held: Layout, chunk: Chunk) -> bool:
    """Whether a chunk is neither of the samples nor of the tags, which have ways of their own."""
    if chunk.kind in _ID3 | _TEXTS or chunk.kind in _OWN - {b"bext"}:
        return False
    return not (chunk.kind == b"LIST" and held.read(chunk)[:4] == b"INFO") and not (
        chunk.kind == b"APPL" and held.read(chunk)[:4] == b"m3ga"  # libsndfile's own
    )


def _chunks(
    old: Layout | None, new: Layout, encoding: Encoding, lost: list[str], notes: list[str]
) -> list[tuple[bytes, bytes]]:
    """Return the chunks of one file that another of its kind takes as they are, in samples of the other's rate."""
    added = list[tuple[bytes, bytes]]()
    for chunk in old.chunks if old else ():
        assert old is not None
        if not _is_foreign(old, chunk):
            continue
        content = old.read(chunk)
        if old.aiff != new.aiff or not chunk.small or chunk.kind in _STALE:
            lost.append(_STALE.get(chunk.kind) or _called(chunk.kind, content[:4]))
        elif chunk.kind == b"bext":
            added.append((chunk.kind, _bext(content, old, new, encoding, notes)))
        else:
            added.append((chunk.kind, _at_rate(chunk.kind, content, _rate(new), _rate(old))))
    return added


def _tag_chunks(old: Layout | None, new: Layout, tags: Tags) -> list[tuple[bytes, bytes]]:
    """Return the chunks that hold the tags in a WAV or AIFF file."""
    added = list[tuple[bytes, bytes]]()
    if old is not None and not old.aiff and not new.aiff:
        lists = [
            content
            for chunk in old.chunks
            if chunk.kind == b"LIST" and chunk.small and (content := old.read(chunk))[:4] == b"INFO"
        ]
        if lists:
            for chunk in new.chunks:  # libsndfile's own list holds a part of it
                if chunk.kind == b"LIST":
                    overwrite(new.path, chunk.start - 8, b"JUNK")
            added.append((b"LIST", listed(b"INFO", [item for content in lists for item in info(content)])))
    elif old is not None and old.aiff and new.aiff:
        for chunk in new.chunks:  # libsndfile has read ASCII only, and one of each
            if chunk.kind in _TEXTS:
                overwrite(new.path, chunk.start - 8, b"JUNK")
        added += [(chunk.kind, old.read(chunk)) for chunk in old.chunks if chunk.kind in _TEXTS and chunk.small]
    same = old is not None and old.aiff == new.aiff
    plain = _PLAIN if new.aiff else _PLAIN_WAV
    further = tags.pictures or any(name not in plain or len(values) > 1 for name, values in tags.values().items())
    frames = tags.frames if same else frames_of(tags) if further or tags.frames else []
    if frames:
        added.append((b"ID3 " if new.aiff else b"id3 ", id3_content(frames)))
    return added


def _bext(content: bytes, old: Layout, new: Layout, encoding: Encoding, notes: list[str]) -> bytes:
    """Return a bext chunk with a line of coding history added (EBU Tech 3285, EBU R 98)."""
    content = content.ljust(_BEXT_BYTES, b"\0")
    head, history = bytearray(content[:_BEXT_BYTES]), content[_BEXT_BYTES:].rstrip(b"\0")
    rate, before = _rate(new), _rate(old)
    if rate != before and rate and before:
        since = struct.unpack_from("<Q", head, 338)[0]
        struct.pack_into("<Q", head, 338, min(since * rate // before, 2**64 - 1))
    if struct.unpack_from("<H", head, 346)[0] >= 2 and head[412:422] != struct.pack("<5H", *[_NOT_KNOWN] * 5):
        struct.pack_into("<5H", head, 412, *[_NOT_KNOWN] * 5)
        notes.append("the loudness in bext is left out: it is of the old sound.")
    channels = struct.unpack_from("<H", _format(new).ljust(16, b"\0"), 2)[0]
    mode = {1: "mono", 2: "stereo"}.get(channels, "multitrack")
    bits = encoding.bits or {"FLOAT": 32, "DOUBLE": 64}.get(encoding.subtype, 16)
    line = f"A=PCM,F={rate},W={bits},M={mode},T=audioprior {_version()}\r\n".encode()
    ended = history if not history or history.endswith(b"\n") else history + b"\r\n"
    return bytes(head) + ended + line


def _at_rate(kind: bytes, content: bytes, rate: int, before: int) -> bytes:
    """Return a chunk with what counts samples counted at another rate."""
    if rate == before or not rate or not before:
        return content
    changed = bytearray(content)

    def scale(place: int, order: str = "<") -> None:
        if place + 4 <= len(changed):
            value = struct.unpack_from(f"{order}I", changed, place)[0]
            struct.pack_into(f"{order}I", changed, place, min(round(value * rate / before), 2**32 - 1))

    if kind == b"cue ":
        for start in range(4, len(changed), 24):
            scale(start + 4)
            scale(start + 20)
    elif kind == b"smpl" and len(changed) >= 36:
        struct.pack_into("<I", changed, 8, round(1e9 / rate))
        for start in range(36, len(changed), 24):
            scale(start + 8)
            scale(start + 12)
    elif kind == b"LIST" and changed[:4] == b"adtl":
        items = [(name, data) for name, data in info(content)]
        scaled = [
            (
                name,
                data[:4]
                + struct.pack("<I", min(round(struct.unpack_from("<I", data, 4)[0] * rate / before), 2**32 - 1))
                + data[8:],
            )
            if name == b"ltxt" and len(data) >= 8
            else (name, data)
            for name, data in items
        ]
        return listed(b"adtl", scaled)
    elif kind == b"MARK":
        place = 2
        while place + 7 <= len(changed):
            scale(place + 2, ">")
            place += 6 + (1 + changed[place + 6] + 1) // 2 * 2
    return bytes(changed)


def _format(held: Layout) -> bytes:
    chunk = held.find(b"fmt ")
    return held.read(chunk) if chunk else b""


def _rate(held: Layout) -> int:
    """Return the sample rate in Hz, 0 where none is found; AIFF has it as an 80-bit float."""
    if not held.aiff:
        return int(struct.unpack_from("<I", _format(held).ljust(8, b"\0"), 4)[0])
    chunk = held.find(b"COMM")
    content = held.read(chunk)[8:18].ljust(10, b"\0") if chunk else bytes(10)
    exponent, mantissa = struct.unpack(">HQ", content)
    shift = (exponent & 0x7FFF) - 16383 - 63
    return mantissa >> -shift if -64 < shift <= 0 else 0


def _mask(held: Layout) -> int | None:
    """Return a WAV file's channel mask, where its format has one."""
    content = _format(held)
    if held.aiff or len(content) < _FORMAT_BYTES or struct.unpack_from("<H", content)[0] != _EXTENSIBLE:
        return None
    return int(struct.unpack_from("<I", content, 20)[0])


def _usual(held: Layout) -> bool:
    """Whether a channel mask says no more than how many channels there are."""
    channels = struct.unpack_from("<H", _format(held), 2)[0]
    return _mask(held) in {1: (4, 1, 0), 2: (3, 0)}.get(channels, ())


def _patch_format(old: Layout, new: Layout | None, encoding: Encoding, lost: list[str]) -> None:
    """Give a WAV file the channel mask, the kind of channels (B-format) and the valid bits of another."""
    mask = _mask(old)
    if mask is None or new is None:
        return
    chunk, content, before = new.find(b"fmt "), _format(new), _format(old)
    if chunk is None or _mask(new) is None or content[2:4] != before[2:4]:
        lost += [] if _usual(old) else [f"the channel mask {mask:#x}"]
        return
    overwrite(new.path, chunk.start + 20, struct.pack("<I", mask))
    overwrite(new.path, chunk.start + 28, before[28:40])
    if encoding.valid_bits and encoding.subtype in INTEGER_BITS:
        overwrite(new.path, chunk.start + 18, struct.pack("<H", encoding.valid_bits))


def _called(kind: bytes, form: bytes = b"") -> str:
    """Return what to call a chunk."""
    inner = f"/{form.decode('latin-1')}" if kind == b"LIST" and form.isalnum() else ""
    return kind.decode("latin-1").strip() + inner


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".")[:200] or type(error).__name__


def _version() -> str:
    try:
        return version("audioprior")
    except PackageNotFoundError:
        return "unknown"
