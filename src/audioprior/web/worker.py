"""The process that restores, apart from the server: it may be killed at any moment, and what it finished is kept.

JOB/kept/       finished blocks of a denoising, each after several shares of its steps
JOB/out/        the restored file, what was removed, the sidecar
JOB/after.wav   copies to listen to; while a denoising goes on, what it has not reached is as it was
JOB/removed.wav
"""

import base64
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from audioprior.errors import AudiopriorError
from audioprior.files.console import Pace
from audioprior.files.output import Files, Output
from audioprior.files.runner import planned, restore_file
from audioprior.noise.kinds import removed_noise
from audioprior.restoring.job import Progress
from audioprior.restoring.streaming import LongDenoising, Parts
from audioprior.settings.json import decode
from audioprior.sound.recording import Recording
from audioprior.sound.source import FileSource, excerpt, open_source
from audioprior.tasks import Denoise, Run
from audioprior.web.copies import RANGE_DB, copy_to, difference, draw, drawing, levels, open_copy, overwrite, shades

SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 3 / 4, 1.0)  # of the steps, at which the fit can be stopped afterwards
MOST_SHARED_S = 180.0  # longer recordings keep their end only: each share is a whole recording on disk
_PICTURE = (160, 64)  # columns and rows of what the network draws on the way
_TELL_S = 0.1
_DRAW_S, _DRAWN = 2.0, 50  # between two blocks whose drawings are shown: seconds, and a share of the time so far

Tell = Callable[[dict[str, Any]], None]


def work(connection: Connection) -> None:
    """Restore what comes through a connection, one job after the other, and tell through it how it goes."""
    torch.set_num_threads(1)
    while True:
        try:
            folder, original, settings, top_db = connection.recv()
        except (EOFError, OSError):
            return
        try:
            done = restore(Path(folder), Path(original), decode(settings, Run), top_db, connection.send)
            connection.send({"event": "done", **done})
        except AudiopriorError as error:
            connection.send({"event": "failed", "message": str(error).replace(original, Path(original).name)})
        except Exception as error:
            what = " ".join(str(error).split())
            message = f"unexpected {type(error).__name__} ({what}); try another method, and report this recording."
            connection.send({"event": "failed", "message": message})


def restore(folder: Path, original: Path, run: Run, top_db: float, tell: Tell) -> dict[str, Any]:
    """Restore a recording into a job's folder, and return what there is to know of the result.

    Args:
        folder: the job's.
        original: the recording's file.
        run: the settings.
        top_db: the top of its pictures' scale.
        tell: takes events.

    Raises:
        AudiopriorError: it cannot be done.
    """
    voice = Teller(tell, drawing=not isinstance(run.task, Denoise))
    with open_source(original) as source:
        if isinstance(run.task, Denoise):
            job, files = _denoising(source, folder, original, run)
            _denoise(job, folder, top_db, voice)
            files.write_long(job, voice)
        else:
            restore_file(str(original), run, _output(folder, original, source), voice)
    return _listened(folder, voice, denoised=isinstance(run.task, Denoise))


def adjust(folder: Path, original: Path, run: Run) -> dict[str, Any]:
    """Write the result of a finished denoising anew, with another strength or stopping point, without fitting again."""
    with open_source(original) as source:
        job, files = _denoising(source, folder, original, run)
        voice = Teller(lambda _: None)
        files.write_long(job, voice)
    return _listened(folder, voice, denoised=True)


def shares(seconds: float) -> tuple[float, ...]:
    """Return the shares of the steps at which a denoising of a recording can be stopped afterwards."""
    return SHARES if seconds <= MOST_SHARED_S else SHARES[-1:]


class Teller:
    """Tells a page how a run goes, in place of a terminal."""

    def __init__(self, tell: Tell, *, drawing: bool = False) -> None:
        """Take the listener.

        Args:
            tell: takes events.
            drawing: show what the prior draws as well, where the sound on the way would cost too much.
        """
        self.tell, self._drawing = tell, drawing
        self._pace, self._began, self._told, self._losses = Pace(), time.monotonic(), 0.0, list[float]()
        self._next, self._block = 0.0, 1  # when another block may be drawn, and which one is
        self.facts: dict[str, Any] = {}
        self.notes: list[str] = []

    def begin(self, name: str) -> None:  # noqa: ARG002
        """Start the clock."""
        self._pace, self._began = Pace(), time.monotonic()

    def step(self, progress: Progress) -> None:
        """Tell of steps, some at a time."""
        left_s = self._pace.left_s(progress)
        self._losses.append(round(progress.loss, 5))
        if self._drawing:
            self._draw(progress)
        if time.monotonic() - self._told < _TELL_S and progress.step < progress.steps:
            return
        self._told = time.monotonic()
        place = {"block": progress.block, "blocks": progress.blocks, "step": progress.step, "steps": progress.steps}
        course = {"losses": self._losses, "done": round(progress.done, 4), "left_s": round(left_s, 1)}
        self.tell({"event": "step", **place, **course})
        self._losses = []

    def _draw(self, progress: Progress) -> None:
        """Tell what the prior draws after some shares of a block's steps, for some of the blocks where they go fast."""
        share = next(filter(progress.completes, SHARES), None)
        now = time.monotonic()
        if share and (progress.block == self._block or now > self._next):
            self._block = progress.block
            self._next = now + _DRAW_S + (now - self._began) / _DRAWN  # what is told is kept: less often in a long run
            level = drawing(progress.power(), *_PICTURE)
            self.tell(_picture(progress.block, share, level, 0.0))

    def note(self, message: str) -> None:
        """Keep what the visitor should know."""
        self.notes.append(message)

    def done(self, **facts: Any) -> None:
        """Keep how it went."""
        self.facts = facts


def _denoising(source: FileSource, folder: Path, original: Path, run: Run) -> tuple[LongDenoising, Files]:
    files = planned(source, str(original), run, _output(folder, original, source), time.monotonic())
    # A job's folder belongs to one fit: what else is decided, strength and stopping point, is free to change.
    job = LongDenoising(source, run, Parts(folder / "kept", "page"), files.encoding)
    job.shares = shares(source.length / source.sample_rate)
    return job, files


def _output(folder: Path, original: Path, source: FileSource) -> Output:
    out = folder / "out"
    out.mkdir(exist_ok=True)
    removed = out / f"{original.stem}.removed{source.encoding.lossless().extension}"
    return Output(out=str(out), removed=removed, force=True)


def _denoise(job: LongDenoising, folder: Path, top_db: float, voice: Teller) -> None:
    after = folder / "after.wav"
    shutil.copyfile(folder.parent.parent / "before.wav", after)
    shown: set[tuple[int, float]] = set()
    listened = 0
    for progress in job:
        voice.step(progress)
        for (block, share), sound in job.early.items():
            if (block, share) not in shown:
                shown.add((block, share))
                voice.tell(_sound_picture(job, block, share, sound, top_db))
        listened = _catch_up(job, after, listened, top_db, voice)
    _catch_up(job, after, listened, top_db, voice)


def _catch_up(job: LongDenoising, after: Path, listened: int, top_db: float, voice: Teller) -> int:
    """Put newly finished blocks into the copy, and return how many blocks are in it."""
    while listened < job.finished and not job.silent:
        listened += 1
        _, restored = job.piece(listened)
        start = job.blocks[listened - 1][0]
        overwrite(after, start, restored)
        voice.tell(_sound_picture(job, listened, 1.0, restored, top_db))
        rate = job.recording.sample_rate
        voice.tell({"event": "block", "number": listened, "until_s": (start + restored.shape[1]) / rate})
    return listened


def _sound_picture(job: LongDenoising, block: int, share: float, sound: Tensor, top_db: float) -> dict[str, Any]:
    """Return an event with a block's sound after a share of its steps, as a small picture."""
    rate = job.recording.sample_rate
    return _picture(block, share, levels(Recording(sound.double(), rate), 0, sound.shape[1] / rate, *_PICTURE), top_db)


def _picture(block: int, share: float, level: np.ndarray, top_db: float) -> dict[str, Any]:
    rows, columns = level.shape
    data = base64.b64encode(shades(level, top_db)).decode()
    what = {"event": "picture", "block": block, "share": share, "columns": columns, "rows": rows}
    return {**what, "range_db": RANGE_DB, "levels": data}


def _listened(folder: Path, voice: Teller, *, denoised: bool) -> dict[str, Any]:
    """Make the copies to listen to, and return what the page tells of the result."""
    facts, before = voice.facts, folder.parent.parent / "before.wav"
    path, told = Path(facts["output"]), list[str]()
    with open_source(path) as restored, open_copy(before) as source:
        after = draw(folder / "after.wav", restored)
        same = restored.sample_rate == source.sample_rate and restored.length == source.length
        if same:
            removed = difference(folder / "removed.wav", source, restored)
            if denoised:
                told = removed_noise(excerpt(source)[0].samples, excerpt(restored)[0].samples, source.sample_rate)
        else:  # another rate: what was added is what the task wrote as removed
            with open_source(facts["removed"]) as other:
                removed = copy_to(folder / "removed.wav", other, [other.read(0, other.length)])
        shape = {
            "sample_rate": restored.sample_rate,
            "encoding": f"{restored.encoding.container} {restored.encoding.subtype}",
        }
    return {
        "files": {"restored": path.name, "removed": Path(facts["removed"]).name if facts.get("removed") else None},
        "after": asdict(after),
        "removed": asdict(removed),
        "told": told,
        "notes": voice.notes,
        "findings": facts.get("findings", [])[:500],
        "found": len(facts.get("findings", [])),
        "stopped": list(dict.fromkeys(facts.get("stopped", []))),
        "seconds": round(facts.get("seconds", 0.0), 2),
        **shape,
    }
