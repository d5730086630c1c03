"""The queue: one fit at a time, in a process of its own; what becomes of it is told as events that survive the server.

RECORDING/jobs/JOB/job.json       settings, state, and what there is to know of the result
RECORDING/jobs/JOB/events.jsonl   what was told on the way
"""

import contextlib
import json
import secrets
import shutil
import threading
import time
from dataclasses import asdict, dataclass, field, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from audioprior.errors import AudiopriorError, SettingsError
from audioprior.files.processes import hire
from audioprior.settings.json import decode, encode
from audioprior.sound.writing import replacing
from audioprior.tasks import Run
from audioprior.web.recordings import GoneError, Shelf, Shelved
from audioprior.web.requests import command_line
from audioprior.web.worker import adjust, shares, work

_TRIES = 2
_OVER = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class Task:
    """A job of the queue.

    Attributes:
        id: a random name that cannot be guessed.
        recording: whose.
        run: the settings, encoded.
        state: "queued", "running", "done", "failed" or "cancelled".
        created: when, in seconds since 1970, which orders the queue.
        command: that does the same.
        shares: of the steps, at which it can be stopped afterwards.
        message: why it failed.
        result: what there is to know of it, as `worker.restore` returns it.
        version: how often the result was written, so that no browser plays an old one.
    """

    id: str
    recording: str
    run: Any
    state: str
    created: float
    command: str
    shares: tuple[float, ...]
    message: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    version: int = 0


class Queue:
    """Jobs in the order in which they came, and the process that does them."""

    def __init__(self, shelf: Shelf, most_waiting: int) -> None:
        """Take up what an earlier server left undone.

        Args:
            shelf: where recordings are.
            most_waiting: jobs; more are refused.
        """
        self._shelf, self._most = shelf, most_waiting
        self._tasks: dict[str, Task] = {}
        self._events: dict[str, list[dict[str, Any]]] = {}
        self._change = threading.Condition(threading.RLock())
        self._writing = threading.Lock()  # one result at a time is written anew
        self._process: BaseProcess | None = None
        self._closed = False
        for about in sorted(shelf.folder.glob("*/jobs/*/job.json")):
            task = Task(**json.loads(about.read_text(encoding="utf-8")))
            self._tasks[task.id] = task
            told = about.with_name("events.jsonl")
            lines = told.read_text(encoding="utf-8").splitlines() if told.is_file() else []
            self._events[task.id] = [json.loads(line) for line in lines if line.endswith("}")]
            if task.state == "running":
                self._set(task, state="queued")
                self._tell(task.id, {"event": "again", "message": "The server was restarted; this job begins again."})
        self._thread = threading.Thread(target=self._loop, daemon=True, name="queue")
        self._thread.start()

    def submit(self, shelved: Shelved, run: Run) -> Task:
        """Put a job into the queue.

        Raises:
            SettingsError: too many are waiting.
        """
        with self._change:
            waiting = sum(task.state == "queued" for task in self._tasks.values())
            if waiting >= self._most:
                raise SettingsError(f"{waiting} jobs are waiting already; try again when some are done.")
            name = secrets.token_urlsafe(16)
            command = command_line(run, shelved.name)
            moments = shares(shelved.seconds) if run.task.kind == "denoise" else ()
            task = Task(name, shelved.id, encode(run), "queued", time.time(), command, moments)
            self._folder(task).mkdir(parents=True)
            self._events[name] = []
            self._keep(task)
            return task

    def get(self, name: str) -> Task:
        """Return a job.

        Raises:
            GoneError: it is not here.
        """
        with self._change:
            if name not in self._tasks:
                raise GoneError("this job is not here any more; start it again.")
            return self._tasks[name]

    def of(self, recording: str) -> list[Task]:
        """Return the jobs of a recording, the oldest first."""
        with self._change:
            return sorted((t for t in self._tasks.values() if t.recording == recording), key=lambda task: task.created)

    def before(self, task: Task) -> int:
        """Return how many jobs come before a waiting one."""
        with self._change:
            waiting = [one for one in self._tasks.values() if one.state in ("queued", "running")]
            return sum(one.created < task.created for one in waiting)

    def events(self, name: str, after: int) -> list[dict[str, Any]]:
        """Return what was told of a job, but for the first `after` events."""
        with self._change:
            return self._events.get(name, [])[after:]

    def cancel(self, name: str) -> Task:
        """Stop a job, whatever it does; one that is over stays as it is."""
        with self._change:
            task = self.get(name)
            if task.state in _OVER:
                return task
            task = self._set(task, state="cancelled")
            self._tell(name, {"event": "cancelled"})
            if self._present == name and self._process is not None:
                self._process.kill()
            return task

    def adjust(self, name: str, run: Run) -> Task:
        """Write a finished job's result anew, without fitting again.

        Raises:
            SettingsError: it is not finished, or `stop_at` was not kept.
        """
        with self._writing:
            task = self.get(name)
            stop_at = getattr(run.task, "stop_at", 1.0)
            if task.state != "done":
                raise SettingsError(f"this job is {task.state}; wait until it is done.")
            if stop_at not in task.shares:
                kept = ", ".join(f"{share:g}" for share in task.shares)
                raise SettingsError(f"stop_at is {stop_at:g}, and kept are {kept}; choose one of these.")
            shelved, original = self._shelf.get(task.recording), self._shelf.original(task.recording)
            result = adjust(self._folder(task), original, run)
            result["seconds"] = task.result["seconds"]
            with self._change:
                command = command_line(run, shelved.name)
                return self._set(task, run=encode(run), command=command, result=result, version=task.version + 1)

    def path(self, task: Task, *parts: str) -> Path:
        """Return a file of a job."""
        return self._folder(task).joinpath(*parts)

    def forget(self, recording: str) -> None:
        """Cancel and remove the jobs of a recording, and the recording."""
        with self._change:
            for task in self.of(recording):
                self.cancel(task.id)
                self._tasks.pop(task.id), self._events.pop(task.id)
        self._shelf.remove(recording)

    def sweep(self) -> None:
        """Remove the recordings that nobody asked for in a while, but for those that are waiting or worked on."""
        for recording in self._shelf.outdated():
            if all(task.state in _OVER for task in self.of(recording)):
                self.forget(recording)

    def close(self) -> None:
        """End the process; what it was at is taken up by the next server."""
        with self._change:
            self._closed = True
            self._change.notify_all()
        if self._process is not None:
            self._process.kill()
        self._thread.join(timeout=5)

    _present: str | None = None

    def _loop(self) -> None:
        connection: Connection | None = None
        attempts: dict[str, int] = {}
        while True:
            with self._change:
                if self._closed:
                    return
                connection = connection or self._hire()
                waiting = [task for task in self._tasks.values() if task.state == "queued"]
                if not waiting:
                    self._change.wait(timeout=1.0)
                    continue
                task = self._set(min(waiting, key=lambda one: one.created), state="running")
                self._present = task.id
            try:
                self._relay(connection, task)
            except (EOFError, OSError):  # the process is gone: cancelled, or out of memory, or the server ends
                connection = None
                with self._change:
                    state = self._tasks[task.id].state if task.id in self._tasks else "cancelled"
                    attempts[task.id] = attempts.get(task.id, 0) + 1
                    if state == "running" and not self._closed:
                        if attempts[task.id] < _TRIES:
                            self._set(task, state="queued")
                        else:
                            message = "its process was ended twice, perhaps for want of memory; try the method fast."
                            self._set(task, state="failed", message=message)
                            self._tell(task.id, {"event": "failed", "message": message})
            except AudiopriorError as error:
                self._fail(task, str(error))
            finally:
                self._present = None

    def _relay(self, connection: Connection, task: Task) -> None:
        shelved, original = self._shelf.get(task.recording), self._shelf.original(task.recording)
        folder = self._folder(task)
        shutil.rmtree(folder / "out", ignore_errors=True)
        connection.send((str(folder), str(original), task.run, shelved.top_db))
        while True:
            event = connection.recv()
            with self._change:
                if self._tasks.get(task.id, task).state != "running":  # cancelled at its very end
                    raise EOFError
                if event["event"] == "done":
                    result = {name: value for name, value in event.items() if name != "event"}
                    self._set(task, state="done", result=result, version=1)
                    self._tell(task.id, {"event": "done"})
                    return
                if event["event"] == "failed":
                    self._fail(task, event["message"])
                    return
                self._tell(task.id, event)

    def _fail(self, task: Task, message: str) -> None:
        with self._change:
            self._set(task, state="failed", message=message)
            self._tell(task.id, {"event": "failed", "message": message})

    def _hire(self) -> Connection:
        self._process, connection = hire(work)
        return connection

    def _folder(self, task: Task) -> Path:
        return self._shelf.path(task.recording) / "jobs" / task.id

    def _set(self, task: Task, **changes: Any) -> Task:
        changed = replace(self._tasks.get(task.id, task), **changes)
        self._keep(changed)
        return changed

    def _keep(self, task: Task) -> None:
        with self._change:
            self._tasks[task.id] = task
            with contextlib.suppress(AudiopriorError), replacing(self._folder(task) / "job.json", force=True) as beside:
                beside.write_text(json.dumps(asdict(task)), encoding="utf-8")
            self._change.notify_all()

    def _tell(self, name: str, event: dict[str, Any]) -> None:
        with self._change:
            self._events[name].append(event)
            with contextlib.suppress(OSError), open(self._folder(self._tasks[name]) / "events.jsonl", "a") as file:
                file.write(json.dumps(event) + "\n")
            self._change.notify_all()


def run_of(task: Task) -> Run:
    """Return a job's settings."""
    return decode(task.run, Run)
