"""Sound in any container, decoded to the end: how long a file is, is counted and not believed.

libsndfile is exact and quick where a header can be believed. Where it cannot (MP3, which holds no length of its own; files
joined end to end; FLAC and WAV from pipes and from recorders that crashed; files that were cut off; formats that libsndfile
does not know), FFmpeg's libraries decode packet by packet, past damaged ones, and what comes is counted.
"""

import mmap
import shutil
import struct
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import soundfile

from audioprior.errors import AudioError

HIGHEST_RATE = 1_000_000  # Hz; bats and hydrophones are recorded at half of that
_MOST_FRAMES = 2**40  # a month at a megahertz: more is a number that nobody wrote
_FRAME = 4608  # samples of four MP3 frames: encoders' delay and padding, which some headers count and some do not
_LEAST_FREE = 1 << 29  # bytes of disk that are left alone
_TAGS = ("title", "copyright", "software", "artist", "comment", "date", "album", "license", "tracknumber", "genre")
_SCALE = {"u1": (128.0, 128.0), "i2": (0.0, 2.0**15), "i4": (0.0, 2.0**31)}  # offset and full scale of integer samples


@dataclass(frozen=True)
class Decoded:
    """What was decoded of a file.

    Attributes:
        sample_rate: in Hz.
        channels: how many.
        frames: samples of each.
        codec: its name.
        tags: text tags, by libsndfile's names.
        damaged: packets that could not be decoded.
        changed: whether the sound went on at another rate or in other channels, which was not read.
    """

    sample_rate: int
    channels: int
    frames: int
    codec: str
    tags: Mapping[str, str]
    damaged: int
    changed: bool


def believable(path: Path, file: soundfile.SoundFile) -> bool:
    """Whether what libsndfile says of a file's length is all that there is.

    Args:
        path: of the file.
        file: the same, opened.
    """
    if file.format == "MP3" or not 0 < file.frames < _MOST_FRAMES:
        return False
    if file.format == "FLAC":
        return not _again(path, b"fLaC\x00\x00\x00\x22", b"fLaC\x80\x00\x00\x22") and _last_is_there(file)
    if file.format == "OGG":
        return not _again(path, *(b"OggS\x00" + bytes([flags]) for flags in (2, 3, 6)))
    return True


def check_rate(rate: int, name: str) -> None:
    """Refuse a rate that no recording has; what is made of it would take the machine.

    Raises:
        AudioError: it is none, or beyond a megahertz.
    """
    if not 0 < rate <= HIGHEST_RATE:
        raise AudioError(f"{name} claims a sample rate of {rate} Hz; give a recording of 1 to {HIGHEST_RATE} Hz.")


def decode(path: Path, target: Path, name: str) -> Decoded:
    """Decode all of a file's first sound into a W64 file of 64-bit floats.

    Args:
        path: of the file.
        target: the file to write.
        name: what to call it in messages.

    Raises:
        AudioError: no sound is found in it, its rate is none, or the disk has no room.
    """
    try:
        with av.open(str(path), metadata_errors="ignore") as container:
            if not container.streams.audio:
                raise AudioError(f"{name} holds no sound; give an audio file.")
            return _decode(container, target, name)
    except (av.error.FFmpegError, OSError, ValueError) as error:
        raise AudioError(f"{name} cannot be read as sound ({_reason(error)}); give an audio file.") from error


def _decode(container: "av.container.InputContainer", target: Path, name: str) -> Decoded:
    stream = container.streams.audio[0]
    form: tuple[int, int] | None = None
    frames = damaged = 0
    changed = False
    file: soundfile.SoundFile | None = None
    try:
        for packet in _packets(container, stream):
            if packet is None:
                damaged += 1
                continue
            try:
                decoded = stream.decode(packet)
            except av.error.FFmpegError:
                damaged += 1
                continue
            for frame in decoded:
                samples = _samples(frame)
                own = frame.sample_rate, samples.shape[1]
                if form is None:
                    check_rate(own[0], name)
                    form, file = own, soundfile.SoundFile(target, "w", *own, "DOUBLE", format="W64")
                    _check_room(target)
                changed |= own != form
                if own == form and file is not None:
                    file.write(samples)
                    frames += len(samples)
                    if frames % (1 << 22) < len(samples):
                        _check_room(target)
    finally:
        if file is not None:
            file.close()
    if form is None or not frames:
        raise AudioError(f"{name} holds no samples; give a recording of at least one.")
    tags = {**container.metadata, **stream.metadata}
    named = {tag.lower().replace("track", "tracknumber"): text for tag, text in tags.items()}
    known = {tag: str(named[tag]) for tag in _TAGS if named.get(tag)}
    return Decoded(form[0], form[1], frames, stream.codec_context.name, known, damaged, changed)


def _packets(
    container: "av.container.InputContainer", stream: "av.AudioStream"
) -> Iterator["av.Packet[av.AudioStream] | None"]:
    """Yield a sound's packets, and None where the file is broken off."""
    packets = container.demux(stream)
    while True:
        try:
            yield next(packets)
        except StopIteration:
            return
        except av.error.FFmpegError:
            yield None
            return


def _samples(frame: "av.AudioFrame") -> np.ndarray:
    """Return a frame's samples: (time, channel), float64, full scale 1.0."""
    raw = frame.to_ndarray()
    channels = len(frame.layout.channels)
    ordered = raw.T if frame.format.is_planar else raw.reshape(-1, channels)
    offset, scale = _SCALE.get(raw.dtype.str[1:], (0.0, 1.0))
    return (ordered.astype(np.float64) - offset) / scale


def _last_is_there(file: soundfile.SoundFile) -> bool:
    """Whether a file's last sample can be read; leaves it at its beginning."""
    try:
        file.seek(file.frames - 1)
        there = len(file.read(1)) == 1
        file.seek(0)
    except (soundfile.LibsndfileError, RuntimeError):
        return False
    return there


def _again(path: Path, *marks: bytes) -> bool:
    """Whether a beginning of a file is met again further on in it."""
    with open(path, "rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        return any(content.find(mark, 1) > 0 for mark in marks)


def told(decoded: Decoded, promised: int | None) -> tuple[str, ...]:
    """Return what there is to say of how a file was read, in a sentence each.

    Args:
        decoded: what came.
        promised: samples by its header; None where it holds no number that can be believed.
    """
    notes = []
    there, rate = decoded.frames, decoded.sample_rate
    if promised is None or not 0 < promised < _MOST_FRAMES:
        notes.append(f"its header holds no length, as of a recorder that was cut short; {there / rate:.3f} s were read.")
    elif there > promised + _FRAME:
        notes.append(
            f"its header promises {promised / rate:.3f} s, and {there / rate:.3f} s were found and read: it is joined of "
            "several, or its header is wrong."
        )
    elif there < promised - _FRAME:
        notes.append(f"its header promises {promised / rate:.3f} s, and {there / rate:.3f} s are there: its end is missing.")
    if decoded.damaged:
        places = "1 place" if decoded.damaged == 1 else f"{decoded.damaged} places"
        notes.append(f"it could not be decoded at {places}, and was read past them.")
    if decoded.changed:
        notes.append("it goes on at another rate or with other channels, which was not read.")
    return tuple(notes)


def missing_end(path: Path) -> str | None:
    """Return a sentence where a WAV or RF64 file ends before the length that its header promises, or None."""
    with open(path, "rb") as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WAVE":
            return None
        size = path.stat().st_size
        while len(chunk := file.read(8)) == 8:
            name, length = struct.unpack("<4sI", chunk)
            if name == b"data":
                lacking = length - (size - file.tell())
                finished = length not in (0xFFFFFFFF, 0x7FFFFFFF, 0)
                if finished and lacking > 0:
                    there = size - file.tell()
                    return f"its header promises {length} bytes of sound, and {there} are there: its end is missing."
                return None
            file.seek(length + length % 2, 1)
    return None


def _check_room(target: Path) -> None:
    free = shutil.disk_usage(target.parent).free
    if free < _LEAST_FREE:
        raise AudioError(f"{tempfile.gettempdir()} has {free / 1e9:.1f} GB left, too little to decode into; free some disk.")


def _reason(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).strip().rstrip(".")
