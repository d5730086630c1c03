"""The folder of a comparison: the page, the sounds, their spectrograms and the scores; written whole or not at all.

Sounds are numbered in the order of their hashes, so that neither a name nor a number tells a listener what is what.
"""

import hashlib
import io
import json
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any

from audioprior.compare.page import page
from audioprior.compare.rows import Rows
from audioprior.errors import AudioError, SettingsError
from audioprior.report import pictures
from audioprior.settings.identity import versions
from audioprior.sound.encoding import FLOATING, Encoding, fit_in_range
from audioprior.sound.levels import levels_db
from audioprior.sound.recording import Recording, encode_to
from audioprior.sound.writing import check_parent

_FILE_VERSION = 1
_OURS = re.compile(r"index\.html|scores\.json|sound-\d+\.(wav|png)")  # what --force may replace


@dataclass(frozen=True)
class Sound:
    """A sound of the folder.

    Attributes:
        number: in its files' names.
        name: of its file.
        content: of its file.
        picture: its spectrogram, a PNG.
        level_db: its root-mean-square level in dBFS.
    """

    number: int
    name: str
    content: bytes
    picture: bytes
    level_db: float

    @property
    def picture_name(self) -> str:
        """Name of its spectrogram's file."""
        return f"{Path(self.name).stem}.png"


def write_folder(comparison: Rows, folder: Path, *, blind: bool = False, force: bool = False) -> None:
    """Write a comparison.

    Args:
        comparison: what to write.
        folder: where to; it is made.
        blind: whether the page begins with the names hidden.
        force: whether an earlier comparison there may be replaced.

    Raises:
        SettingsError: the folder holds something, or cannot be made there.
        AudioError: it cannot be written.
    """
    found = sounds(comparison)
    scores = facts(comparison, found)
    with replacing_folder(folder, force=force) as beside:
        for sound in found.values():
            (beside / sound.name).write_bytes(sound.content)
            (beside / sound.picture_name).write_bytes(sound.picture)
        (beside / "scores.json").write_text(json.dumps(scores, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        (beside / "index.html").write_text(page(comparison, scores, blind=blind), encoding="utf-8")


def sounds(comparison: Rows) -> dict[str | int, Sound]:
    """Return what can be heard: "input", "reference", and by its number each row that did not fail."""
    before, task = comparison.recording, comparison.task
    heard: dict[str | int, Recording] = {"input": before}
    if comparison.clean:
        heard["reference"] = comparison.clean
    heard |= {i: before.with_samples(row.measured.samples) for i, row in enumerate(comparison.rows) if row.measured}
    top_db = float(levels_db(before.samples, before.sample_rate)[0].max())
    made = []
    for name, recording in heard.items():
        encoding, content = _playable(recording, "float" if task == "declip" else "clamp")
        picture = pictures.panel(recording.samples, recording.sample_rate, top_db)
        level_db = pictures.loudness_db(recording.samples)
        made.append((hashlib.sha256(str(name).encode() + content).digest(), name, encoding, content, picture, level_db))
    digits = max(2, len(str(len(made))))
    return {
        name: Sound(number, f"sound-{number:0{digits}}{encoding.extension}", content, picture, level_db)
        for number, (_, name, encoding, content, picture, level_db) in enumerate(sorted(made, key=itemgetter(0)), 1)
    }


def facts(comparison: Rows, found: dict[str | int, Sound]) -> dict[str, Any]:
    """Return what scores.json holds: every figure, and which sound is which."""
    before = comparison.recording

    def of(name: str | int) -> dict[str, Any]:
        sound = found[name]
        return {"sound": sound.name, "picture": sound.picture_name, "level_dbfs": round(sound.level_db, 3)}

    rows = []
    for number, row in enumerate(comparison.rows):
        about: dict[str, Any] = {"name": row.system.name, "about": row.system.about, "trained": row.system.trained}
        if row.measured is None:
            rows.append(about | {"failure": row.failure})
            continue
        seconds = {"seconds": round(row.measured.seconds, 4), "cpu_seconds": round(row.measured.cpu_seconds, 4)}
        rows.append(about | of(number) | seconds | _scores(row.measured.scores, row.measured.unscored))
    return {
        "file_version": _FILE_VERSION,
        "task": comparison.task,
        "recording": Path(before.name).name,
        "sample_rate": before.sample_rate,
        "channels": before.channels,
        "samples": before.length,
        "input": of("input") | _scores(comparison.scores, comparison.unscored),
        "reference": {"name": Path(comparison.clean.name).name, **of("reference")} if comparison.clean else None,
        "rows": rows,
        "versions": versions(),
    }


def _scores(scores: dict[str, float], unscored: dict[str, str]) -> dict[str, Any]:
    return {"scores": scores, "unscored": unscored}


def _playable(recording: Recording, mode: Any) -> tuple[Encoding, bytes]:
    """Return a recording as a restored file holds its samples, as WAV, which all browsers play.

    FLAC would be half the size, but Chromium can wait for ever when it seeks near the end of one (measured: four of five
    files of two seconds, at one place of eight each), and a change of rows is a seek.
    """
    fitted = fit_in_range(recording.samples, recording.encoding.lossless(), mode)
    subtype = fitted.encoding.subtype
    if subtype in FLOATING:
        depth = "FLOAT"
    else:
        depth = {"PCM_S8": "PCM_16", "PCM_U8": "PCM_16", "PCM_16": "PCM_16", "PCM_32": "PCM_32"}.get(subtype, "PCM_24")
    encoding = Encoding("WAV", depth)
    buffer = io.BytesIO()
    encode_to(buffer, Recording(fitted.samples, recording.sample_rate), encoding)
    return encoding, buffer.getvalue()


def check_folder(folder: Path, *, force: bool) -> None:
    """Refuse early, before any work is done, a folder that could not be written afterwards.

    Raises:
        SettingsError: it holds something that may not be replaced, or lies in no folder that can be written to.
    """
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"{folder} is a file; name a folder with -o.")
    check_parent(folder.absolute())
    held = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    if strangers := sorted(name for name in held if not _OURS.fullmatch(name)):
        raise SettingsError(f"{folder} holds {strangers[0]}, which no comparison wrote; name another folder with -o.")
    if held and not force:
        raise SettingsError(f"{folder} holds a comparison; use --force to replace it, or -o to name another folder.")


@contextmanager
def replacing_folder(folder: Path, *, force: bool = False) -> Iterator[Path]:
    """Give a folder beside `folder` to write to, and put it in the place of `folder` when all is written.

    Raises:
        SettingsError: as `check_folder`.
        AudioError: writing failed; nothing is left behind, and what was there before is still there.
    """
    check_folder(folder, force=force)
    folder = folder.absolute()
    beside, old = (folder.with_name(f".{folder.name}.{os.getpid()}.{what}") for what in ("part", "old"))
    try:
        beside.mkdir()
        yield beside
        if folder.is_dir():
            folder.rename(old)
        try:
            beside.rename(folder)
        except BaseException:  # an interruption, too, leaves what was there
            if old.is_dir():
                old.rename(folder)
            raise
    except OSError as error:
        raise AudioError(f"{folder} cannot be written ({error.strerror}); check the disk and the folder.") from error
    finally:
        for rest in (beside, old):
            shutil.rmtree(rest, ignore_errors=True)
