"""Recordings and what became of them, on disk, so that they survive a reload of the page and a restart of the server.

FOLDER/RECORDING/original/x.flac       as it was sent
FOLDER/RECORDING/before.wav            a copy to listen to
FOLDER/RECORDING/recording.json        what is known of it; written last, so that one that half arrived has none
FOLDER/RECORDING/suggestions.json      what could help it; looked for when somebody asks
FOLDER/RECORDING/jobs/JOB/             see `tickets` and `worker`
"""

import json
import re
import secrets
import shutil
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import msgspec

from audioprior.errors import AudioError, AudiopriorError
from audioprior.restoring.inspection import suggest
from audioprior.sound.levels import levels
from audioprior.sound.source import open_source
from audioprior.sound.writing import replacing
from audioprior.web.copies import draw, open_copy

_ID = re.compile(r"[A-Za-z0-9_-]{16,32}")
_LONGEST_NAME = 100
_CHANNELS = 8
_ABOUT, _SUGGESTIONS = "recording.json", "suggestions.json"


class GoneError(AudiopriorError):
    """Something that was asked for is not here, or not any more."""


@dataclass(frozen=True)
class Stored:
    """A recording that has arrived, as it is known without being read.

    Attributes:
        id: a random name that cannot be guessed.
        name: of its file, without folders.
        sample_rate: in Hz.
        channels: how many.
        seconds: its length.
        encoding: its container and sample format, in words.
        peaks: to draw its waveform from.
        rms: over all channels.
        peak: its largest magnitude.
        top_db: its loudest bin, the top of all its pictures' scale.
    """

    id: str
    name: str
    sample_rate: int
    channels: int
    seconds: float
    encoding: str
    peaks: list[float]
    rms: float
    peak: float
    top_db: float


class Recordings:
    """A folder of recordings; those that nobody asked for in a while are removed."""

    def __init__(self, folder: Path, keep_s: float) -> None:
        """Take up a folder, or make it.

        Args:
            folder: where recordings go.
            keep_s: seconds after its last use that a recording is kept.
        """
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.folder, self.keep_s = folder, keep_s
        self._looking = threading.Lock()  # one look at a time: it costs seconds of processor

    def place(self, name: str) -> Path:
        """Return where the bytes of a new recording go."""
        folder = self.folder / secrets.token_urlsafe(16) / "original"
        folder.mkdir(parents=True)
        return folder / clean_name(name)

    def admit(self, path: Path) -> Stored:
        """Look at a recording that has arrived at its place.

        Raises:
            AudioError: it is no sound; nothing of it is kept.
        """
        folder = path.parent.parent
        try:
            with open_source(path) as source:
                if source.channels > _CHANNELS:
                    raise AudioError(f"{path.name} has {source.channels} channels; give a recording of at most {_CHANNELS}.")
                drawn = draw(folder / "before.wav", source)
                encoding = f"{source.encoding.container} {source.encoding.subtype}"
                seconds = source.length / source.sample_rate
                facts = folder.name, path.name, source.sample_rate, source.channels, seconds, encoding
            with open_copy(folder / "before.wav") as copy:
                top_db = float(levels(copy, 0, seconds, 800, 128).max())
            stored = Stored(*facts, drawn.peaks, drawn.rms, drawn.peak, top_db)
            with replacing(folder / _ABOUT) as beside:
                beside.write_text(json.dumps(asdict(stored)), encoding="utf-8")
        except AudiopriorError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise type(error)(str(error).replace(str(path), path.name)) from error
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return stored

    def get(self, recording: str) -> Stored:
        """Return a recording, and keep it for a while from now.

        Raises:
            GoneError: it is not here, or what was known of it is damaged.
        """
        about = self.path(recording) / _ABOUT
        if not about.is_file():
            hours = self.keep_s / 3600
            raise GoneError(
                f"this recording is not here any more; recordings are kept for {hours:g} hours, so send it again."
            )
        about.touch()
        try:
            return msgspec.convert(json.loads(about.read_text(encoding="utf-8")), Stored)
        except (OSError, ValueError, msgspec.ValidationError) as error:
            raise GoneError("what was known of this recording is damaged; send it again.") from error

    def suggestions(self, recording: str) -> list[dict[str, str]]:
        """Return which tasks could help a recording, and why; the first time it takes some seconds.

        Raises:
            GoneError: it is not here.
        """
        kept = self.path(recording) / _SUGGESTIONS
        with self._looking:
            if not kept.is_file():
                with open_source(self.original(recording)) as source:
                    found = [asdict(suggestion) for suggestion in suggest(source)]
                with replacing(kept) as beside:
                    beside.write_text(json.dumps(found), encoding="utf-8")
        suggestions: list[dict[str, str]] = json.loads(kept.read_text(encoding="utf-8"))
        return suggestions

    def path(self, recording: str) -> Path:
        """Return the folder of a recording, whether it is there or not.

        Raises:
            GoneError: no recording has such a name.
        """
        if not _ID.fullmatch(recording):
            raise GoneError("this address is no recording's; send the recording again.")
        return self.folder / recording

    def original(self, recording: str) -> Path:
        """Return the file as it was sent."""
        return self.path(recording) / "original" / self.get(recording).name

    def remove(self, recording: str) -> None:
        """Remove a recording and all that became of it."""
        shutil.rmtree(self.path(recording), ignore_errors=True)

    def outdated(self) -> list[str]:
        """Return the recordings that nobody asked for in a while, and those that half arrived long ago."""
        old = []
        for folder in self.folder.iterdir():
            about = folder / _ABOUT
            try:
                used = (about if about.is_file() else folder).stat().st_mtime
            except FileNotFoundError:  # removed by its visitor just now
                continue
            if _ID.fullmatch(folder.name) and time.time() - used > self.keep_s:
                old.append(folder.name)
        return old


def clean_name(name: str) -> str:
    """Return a file's name that any system can hold: no folders, nothing that is not printed, not hidden, not too long."""
    last = re.split(r"[\\/]", name)[-1]
    printed = "".join(sign for sign in last if sign.isprintable() and sign not in '<>:"|?*').strip().lstrip(".")
    stem, dot, suffix = printed.rpartition(".")
    short = f"{stem[: _LONGEST_NAME - len(suffix[:8])]}{dot}{suffix[:8]}" if dot else printed[:_LONGEST_NAME]
    return short or "recording"
