"""Text tags and pictures as FLAC, Ogg, MP3, AIFF and WAV hold them, and as any of them takes them from another.

In between they are Vorbis comments: names in capitals, each with any number of values. ID3's frames and RIFF's INFO have
names of their own (the tables below, after https://wiki.hydrogenaud.io/index.php?title=Tag_Mapping and the RIFF MCI list).
"""

import base64
import io
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import mutagen
from mutagen import id3
from mutagen.flac import FLAC, Picture
from mutagen.mp3 import MP3
from mutagen.ogg import OggFileType

_FRAMES = {
    "TITLE": "TIT2", "SUBTITLE": "TIT3", "GROUPING": "TIT1", "ARTIST": "TPE1", "ALBUMARTIST": "TPE2", "CONDUCTOR": "TPE3",
    "REMIXER": "TPE4", "COMPOSER": "TCOM", "LYRICIST": "TEXT", "ALBUM": "TALB", "DATE": "TDRC", "ORIGINALDATE": "TDOR",
    "GENRE": "TCON", "TRACKNUMBER": "TRCK", "DISCNUMBER": "TPOS", "DISCSUBTITLE": "TSST", "COPYRIGHT": "TCOP",
    "ORGANIZATION": "TPUB", "ENCODER": "TSSE", "ENCODED-BY": "TENC", "ISRC": "TSRC", "LANGUAGE": "TLAN", "BPM": "TBPM",
    "KEY": "TKEY", "MOOD": "TMOO", "MEDIA": "TMED", "COMPILATION": "TCMP", "TITLESORT": "TSOT", "ARTISTSORT": "TSOP",
    "ALBUMSORT": "TSOA", "ALBUMARTISTSORT": "TSO2", "COMPOSERSORT": "TSOC",
}  # fmt: skip
_NAMES = {frame: name for name, frame in _FRAMES.items()}
_INFO = {
    "INAM": "TITLE", "IART": "ARTIST", "ICMT": "COMMENT", "ICRD": "DATE", "IPRD": "ALBUM", "ITRK": "TRACKNUMBER",
    "IGNR": "GENRE", "ICOP": "COPYRIGHT", "ISFT": "SOFTWARE", "IENG": "ENGINEER", "ISBJ": "SUBJECT", "IKEY": "KEYWORDS",
    "ISRC": "SOURCE", "ITCH": "TECHNICIAN", "IMED": "MEDIA", "IARL": "ARCHIVE", "ILNG": "LANGUAGE",
}  # fmt: skip
_PICTURE = "METADATA_BLOCK_PICTURE"
_LOUDNESS = ("REPLAYGAIN_", "R128_TRACK_GAIN", "R128_ALBUM_GAIN", "RVA2", "RGAD", "ITUNNORM")


@dataclass
class Tags:
    """The texts and pictures of a recording.

    Attributes:
        texts: name in capitals and value, in their order; a name may come several times.
        pictures: with their kind, type and description.
        frames: ID3 frames as they are, where there are any, for a file that takes them so.
        lost: what none of these hold, by its name.
        loudness: whether there was ReplayGain, which holds of the old sound only and is left out.
    """

    texts: list[tuple[str, str]] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    frames: list[Any] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    loudness: bool = False

    def add(self, name: str, value: str) -> None:
        """Add a text, but no ReplayGain, and nothing twice."""
        name = name.upper()
        if name.startswith(_LOUDNESS):
            self.loudness = True
        elif value and (name, value) not in self.texts:
            self.texts.append((name, value))

    def values(self) -> dict[str, list[str]]:
        """Return the values by name."""
        found: dict[str, list[str]] = {}
        for name, value in self.texts:
            found.setdefault(name, []).append(value)
        return found


def read_tags(path: Path) -> Tags:
    """Return the tags of a FLAC, Ogg or MP3 file; none of any other.

    Raises:
        mutagen.MutagenError: there are some, and they cannot be read.
    """
    tags, file = Tags(), _opened(path)
    if isinstance(file, MP3):
        add_frames(tags, file.tags.values() if file.tags else ())
        return tags
    if file is None or file.tags is None:
        return tags
    for name, value in file.tags:
        if name.upper() == _PICTURE:
            try:
                tags.pictures.append(Picture(base64.b64decode(value)))
            except Exception:  # whatever it is, it is no picture
                tags.lost.append("a picture that cannot be read")
        else:
            tags.add(name, value)
    if isinstance(file, FLAC):
        tags.pictures += file.pictures
        kinds = {type(block).__name__ for block in file.metadata_blocks}
        tags.lost += [what for kind, what in (("CueSheet", "cue sheet"),) if kind in kinds]
        tags.lost += ["application block"] if any(block.code == 2 for block in file.metadata_blocks) else []
    return tags


def read_id3(content: bytes) -> list[Any]:
    """Return the frames of an ID3 tag."""
    return list(id3.ID3(io.BytesIO(content)).values()) if content[:3] == b"ID3" else []


def add_frames(tags: Tags, frames: Iterable[Any]) -> None:
    """Add ID3 frames, as they are and as texts and pictures."""
    for frame in frames:
        kind, named = frame.FrameID, str(getattr(frame, "desc", ""))
        if kind in ("RVA2", "RGAD") or named.upper().startswith(_LOUDNESS):
            tags.loudness = True
            continue
        tags.frames.append(frame)
        _add_frame(tags, frame, kind, named)


def _add_frame(tags: Tags, frame: Any, kind: str, named: str) -> None:
    if kind == "APIC":
        picture = Picture()
        picture.type, picture.mime, picture.desc, picture.data = int(frame.type), frame.mime, frame.desc, frame.data
        tags.pictures.append(picture)
    elif kind == "COMM":
        for text in frame.text:
            tags.add(
                "COMMENT" if not named or named.isspace() or named.startswith("ID3v1") else f"COMMENT:{named}", str(text)
            )
    elif kind == "USLT":
        tags.add("LYRICS", frame.text)
    elif kind in ("TIPL", "TMCL", "IPLS"):
        for role, person in frame.people:
            tags.add(
                "PERFORMER" if kind == "TMCL" else role or "PERFORMER", f"{person} ({role})" if kind == "TMCL" else person
            )
    elif kind == "TCON":
        for text in frame.genres:
            tags.add("GENRE", text)
    elif kind.startswith("T"):
        for text in frame.text:
            tags.add(named or _NAMES.get(kind, kind), str(text))
    elif kind.startswith("W"):
        tags.add(named or kind, frame.url)
    else:
        tags.lost.append(f"ID3 {kind}")


def add_info(tags: Tags, items: Sequence[tuple[bytes, bytes]]) -> None:
    """Add the items of a RIFF INFO list."""
    for kind, data in items:
        name = kind.decode("latin-1").strip()
        tags.add(_INFO.get(name, name), text_of(data))


def text_of(data: bytes) -> str:
    """Return the text of a chunk: UTF-8, or what it must be otherwise."""
    data = data.rstrip(b"\0")
    with suppress(UnicodeDecodeError):
        return data.decode("utf-8")
    return data.decode("latin-1")


def write_tags(path: Path, tags: Tags) -> list[str] | None:
    """Give a FLAC, Ogg or MP3 file tags, and return what it cannot hold; None of a file of another kind."""
    file = _opened(path)
    if file is None:
        return None
    if file.tags is None:
        file.add_tags()
    if isinstance(file, MP3):
        held: Any = file.tags
        if tags.texts:  # all of them, and not in libsndfile's letters
            held.clear()
        for frame in frames_of(tags):
            held.setall(frame.HashKey, [frame])
        file.save()
        return [] if tags.frames else tags.lost
    lost = list(tags.lost)
    if tags.texts:
        file.tags.clear()  # libsndfile's own are a part of them
    for name, values in tags.values().items():
        try:
            file.tags[name] = values
        except (ValueError, KeyError):
            lost.append(repr(name))
    if isinstance(file, FLAC):
        for picture in tags.pictures:
            file.add_picture(picture)
    elif tags.pictures:
        file.tags[_PICTURE] = [base64.b64encode(picture.write()).decode("ascii") for picture in tags.pictures]
    file.save()
    return lost


def frames_of(tags: Tags) -> list[Any]:
    """Return tags as ID3 frames: as they came, where they came as such, and what else there is."""
    frames = list(tags.frames)
    told = Tags()
    add_frames(told, frames)
    for name, values in tags.values().items():
        if all((name, value) in told.texts for value in values):
            continue
        if name in _FRAMES:
            frames.append(getattr(id3, _FRAMES[name])(encoding=3, text=values))
        elif name == "COMMENT":
            frames.append(id3.COMM(encoding=3, lang="XXX", desc="", text=values))
        elif name == "LYRICS":
            frames.append(id3.USLT(encoding=3, lang="XXX", desc="", text="\n".join(values)))
        else:
            frames.append(id3.TXXX(encoding=3, desc=name, text=values))
    if not any(frame.FrameID == "APIC" for frame in frames):
        for number, picture in enumerate(tags.pictures):
            named = picture.desc or (str(number) if number else "")  # two of one description would be one
            frames.append(id3.APIC(encoding=3, mime=picture.mime, type=picture.type, desc=named, data=picture.data))
    return frames


def id3_content(frames: Sequence[Any]) -> bytes:
    """Return an ID3 tag of frames."""
    tag, content = id3.ID3(), io.BytesIO()
    for frame in frames:
        tag.add(frame)
    tag.save(content, padding=lambda _: 0)
    return content.getvalue()


def _opened(path: Path) -> Any:
    """Open a file's tags by what it holds, whatever its name is."""
    with open(path, "rb") as file:
        start = file.read(4)
    if start == b"fLaC":
        return FLAC(path)
    if start == b"OggS":
        return mutagen.File(path, options=_ogg_kinds())
    if start[:3] == b"ID3":
        kinds = [FLAC, MP3]  # FLAC with ID3 before it, which some write
        return mutagen.File(path, options=kinds)
    return mutagen.File(path, options=[MP3])  # None, if it has nothing of one


def _ogg_kinds() -> list[type[OggFileType]]:
    from mutagen.oggflac import OggFLAC
    from mutagen.oggopus import OggOpus
    from mutagen.oggvorbis import OggVorbis

    return [OggVorbis, OggOpus, OggFLAC]
