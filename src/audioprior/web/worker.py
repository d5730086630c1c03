"""The process that restores, apart from the server: it may be killed at any moment, and what it finished is kept.

JOB/kept/       finished blocks, those of a denoising after several shares of its steps each
JOB/out/        the restored file, what was removed, the sidecar
JOB/after.wav   copies to listen to; while the work goes on, what it has not reached is as it was
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
from audioprior.files.listener import Pace
from audioprior.files.options import Output
from audioprior.files.runner import FileRun
from audioprior.noise.kinds import removed_noise
from audioprior.restoring.job import Job, start
from audioprior.restoring.progress import Progress
from audioprior.restoring.store import Folder
from audioprior.settings.json import decode
from audioprior.sound.levels import RANGE_DB, drawing, levels, shades
from audioprior.sound.recording import Recording
from audioprior.sound.source import FileSource, chunks, excerpt, open_source
from audioprior.tasks import Run
from audioprior.web.copies import copy_to, difference, draw, open_copy, overwrite

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
    with open_source(original) as source:
        teller = Teller(tell)
        planned, job = _job(source, folder, original, run, teller)
        _follow(job, folder, top_db, teller)
        planned.write(job.result())
    return _summary(folder, teller)


def adjust(folder: Path, original: Path, run: Run) -> dict[str, Any]:
    """Write the result of a finished denoising anew, with another strength or stopping point, without fitting again."""
    with open_source(original) as source:
        teller = Teller(lambda _: None)
        planned, job = _job(source, folder, original, run, teller)
        planned.write(job.result())
    return _summary(folder, teller)


def shares(run: Run, seconds: float) -> tuple[float, ...]:
    """Return the shares of the steps at which a run can be stopped afterwards; () of a task that has no such setting."""
    if not hasattr(run.task, "stop_at"):
        return ()
    return SHARES if seconds <= MOST_SHARED_S else SHARES[-1:]


class Teller:
    """Tells a page how a run goes, in place of a terminal."""

    def __init__(self, tell: Tell) -> None:
        """Take the listener."""
        self.tell = tell
        self.drawing = False  # whether what the prior draws is shown in place of the sound on the way
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
        self._losses += [] if progress.loss is None else [round(progress.loss, 5)]
        if self.drawing and progress.loss is not None:
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


def _job(source: FileSource, folder: Path, original: Path, run: Run, teller: "Teller") -> tuple[FileRun, Job]:
    planned = FileRun.planned(str(original), source, [run], _output(folder, original, source), teller)
    # A job's folder belongs to one fit: what else is decided, strength and stopping point, is free to change.
    job = start(source, run, store=Folder(folder / "kept", "page"))
    moments = shares(run, source.length / source.sample_rate)
    job.work.plan.moments = moments or job.work.plan.moments
    teller.drawing = not moments  # where nothing is kept on the way, there is no sound to show
    return planned, job


def _output(folder: Path, original: Path, source: FileSource) -> Output:
    out = folder / "out"
    out.mkdir(exist_ok=True)
    removed = out / f"{original.stem}.removed{source.encoding.lossless().extension}"
    return Output(out=str(out), removed=removed, force=True)


def _follow(job: Job, folder: Path, top_db: float, teller: Teller) -> None:
    """Go through a job, and show what there is of it on the way."""
    after, sound, restored = folder / "after.wav", job.work.plan.inputs["sound"], job.sounds()["restored"]
    heard = (restored.sample_rate, restored.length) == (sound.sample_rate, sound.length)
    if heard:
        shutil.copyfile(folder.parent.parent / "before.wav", after)
    shown: set[tuple[int, float]] = set()
    listened = 0
    for progress in job:
        teller.step(progress)
        for (block, share), early in job.early.items():
            if (block, share) not in shown:
                shown.add((block, share))
                teller.tell(_sound_picture(job, block, share, early, top_db))
        listened = _catch_up(job, after, listened, top_db, teller) if heard else listened
    if heard:
        _catch_up(job, after, listened, top_db, teller)


def _catch_up(job: Job, after: Path, listened: int, top_db: float, teller: Teller) -> int:
    """Put newly finished blocks into the copy, and return how many blocks are in it."""
    restored, rate = job.sounds()["restored"], job.work.plan.inputs["sound"].sample_rate
    while listened < job.store.finished and job.spans:
        listened += 1
        start, end = job.spans[listened - 1]
        until = job.spans[listened][0] if listened < len(job.spans) else end
        until = until if start < until < end else end  # blocks that overlap end where the next one begins
        samples = restored.read(start, until)
        overwrite(after, start, samples)
        if not teller.drawing:
            teller.tell(_sound_picture(job, listened, 1.0, samples, top_db))
        teller.tell({"event": "block", "number": listened, "until_s": until / rate})
    return listened


def _sound_picture(job: Job, block: int, share: float, sound: Tensor, top_db: float) -> dict[str, Any]:
    """Return an event with a block's sound after a share of its steps, as a small picture."""
    rate = job.work.plan.inputs["sound"].sample_rate
    return _picture(block, share, levels(Recording(sound.double(), rate), 0, sound.shape[1] / rate, *_PICTURE), top_db)


def _picture(block: int, share: float, level: np.ndarray, top_db: float) -> dict[str, Any]:
    rows, columns = level.shape
    data = base64.b64encode(shades(level, top_db)).decode()
    what = {"event": "picture", "block": block, "share": share, "columns": columns, "rows": rows}
    return {**what, "range_db": RANGE_DB, "levels": data}


def _summary(folder: Path, teller: Teller) -> dict[str, Any]:
    """Make the copies to listen to, and return what the page shows of the result."""
    facts, before = teller.facts, folder.parent.parent / "before.wav"
    path, told = Path(facts["output"]), list[str]()
    with open_source(path) as restored, open_copy(before) as source:
        after = draw(folder / "after.wav", restored)
        if (restored.sample_rate, restored.length) == (source.sample_rate, source.length):
            removed = difference(folder / "removed.wav", source, restored)
            if not facts["findings"]:
                told = removed_noise(excerpt(source)[0].samples, excerpt(restored)[0].samples, source.sample_rate)
        else:  # another rate: what was added is what the task wrote as removed
            with open_source(facts["removed"]) as other:
                removed = copy_to(folder / "removed.wav", other, chunks(other))
        shape = {
            "sample_rate": restored.sample_rate,
            "encoding": f"{restored.encoding.container} {restored.encoding.subtype}",
        }
    return {
        "files": {"restored": path.name, "removed": Path(facts["removed"]).name if facts.get("removed") else None},
        "after": asdict(after),
        "removed": asdict(removed),
        "told": told,
        "notes": teller.notes,
        "findings": facts.get("findings", [])[:500],
        "found": len(facts.get("findings", [])),
        "stopped": list(dict.fromkeys(facts.get("stopped", []))),
        "seconds": round(facts.get("seconds", 0.0), 2),
        **shape,
    }
