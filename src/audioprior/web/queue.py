"""The queue: one fit at a time, in a process of its own; what becomes of it is kept as events that survive the server."""

import collections
import contextlib
import json
import secrets
import shutil
import threading
import time
from dataclasses import asdict, replace
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from audioprior.errors import AudiopriorError, SettingsError
from audioprior.files.processes import start_process
from audioprior.settings.json import encode
from audioprior.sound.writing import replacing
from audioprior.tasks import Run
from audioprior.web.recordings import GoneError, Recordings, Stored
from audioprior.web.requests import command_line
from audioprior.web.tickets import ABOUT, EVENTS, OVER, Event, Ticket, kept_tickets
from audioprior.web.worker import adjust, shares, work

_TRIES = 2


class Queue:
    """Jobs in the order in which they came, and the process that does them."""

    def __init__(self, recordings: Recordings, most_waiting: int) -> None:
        """Take up what an earlier server left undone.

        Args:
            recordings: whose jobs these are.
            most_waiting: jobs; more are refused.
        """
        self._recordings, self._most = recordings, most_waiting
        self._tickets: dict[str, Ticket] = {}
        self._events: dict[str, list[Event]] = {}
        self._attempts: collections.Counter[str] = collections.Counter()
        self._change = threading.Condition(threading.RLock())
        self._writing = threading.Lock()  # results are written anew in turn
        self._process: BaseProcess | None = None
        self._connection: Connection | None = None
        self._present: str | None = None
        self._closed = False
        for ticket, events in kept_tickets(recordings.folder):
            self._tickets[ticket.id], self._events[ticket.id] = ticket, events
            if ticket.state == "running":
                self._set(ticket, state="queued")
                self._tell(ticket, {"event": "again", "message": "The server was restarted; this job begins again."})
        self._thread = threading.Thread(target=self._loop, daemon=True, name="queue")
        self._thread.start()

    def submit(self, stored: Stored, run: Run) -> Ticket:
        """Put a job into the queue.

        Raises:
            SettingsError: too many are waiting.
        """
        with self._change:
            waiting = sum(ticket.state == "queued" for ticket in self._tickets.values())
            if waiting >= self._most:
                raise SettingsError(f"{waiting} jobs are waiting already; try again when some are done.")
            moments = shares(run, stored.seconds)
            command = command_line(run, stored.name)
            ticket = Ticket(secrets.token_urlsafe(16), stored.id, encode(run), "queued", time.time(), command, moments)
            self._folder(ticket).mkdir(parents=True)
            self._tickets[ticket.id], self._events[ticket.id] = ticket, []
            return self._set(ticket)

    def get(self, name: str) -> Ticket:
        """Return a job.

        Raises:
            GoneError: it is not here.
        """
        with self._change:
            if name not in self._tickets:
                raise GoneError("this job is not here any more; start it again.")
            return self._tickets[name]

    def of(self, recording: str) -> list[Ticket]:
        """Return the jobs of a recording, the oldest first."""
        with self._change:
            mine = [ticket for ticket in self._tickets.values() if ticket.recording == recording]
            return sorted(mine, key=lambda ticket: ticket.created)

    def before(self, ticket: Ticket) -> int:
        """Return how many jobs come before a waiting one."""
        with self._change:
            return sum(other.state not in OVER and other.created < ticket.created for other in self._tickets.values())

    def events(self, name: str, after: int) -> list[Event]:
        """Return what has happened to a job, but for the first `after` events."""
        with self._change:
            return self._events.get(name, [])[after:]

    def cancel(self, name: str) -> Ticket:
        """Stop a job, whatever it does; one that is over stays as it is."""
        with self._change:
            ticket = self.get(name)
            if ticket.state in OVER:
                return ticket
            ticket = self._set(ticket, state="cancelled")
            self._tell(ticket, {"event": "cancelled"})
            if self._present == name and self._process is not None:
                self._process.kill()
            return ticket

    def adjust(self, name: str, run: Run) -> Ticket:
        """Write a finished job's result anew, without fitting again.

        Raises:
            SettingsError: it is not finished, or `stop_at` was not kept.
        """
        with self._writing:
            ticket = self.get(name)
            stop_at = getattr(run.task, "stop_at", 1.0)
            if ticket.state != "done":
                raise SettingsError(f"this job is {ticket.state}; wait until it is done.")
            if stop_at not in ticket.shares:
                kept = ", ".join(f"{share:g}" for share in ticket.shares)
                raise SettingsError(f"stop_at is {stop_at:g}, and kept are {kept}; choose one of these.")
            stored, original = self._recordings.get(ticket.recording), self._recordings.original(ticket.recording)
            result = adjust(self._folder(ticket), original, run)
            result["seconds"] = ticket.result["seconds"]
            command = command_line(run, stored.name)
            return self._set(ticket, run=encode(run), command=command, result=result, version=ticket.version + 1)

    def path(self, ticket: Ticket, *parts: str) -> Path:
        """Return a file of a job."""
        return self._folder(ticket).joinpath(*parts)

    def forget(self, recording: str) -> None:
        """Cancel and remove the jobs of a recording, and the recording."""
        with self._change:
            for ticket in self.of(recording):
                self.cancel(ticket.id)
                self._tickets.pop(ticket.id), self._events.pop(ticket.id)
        self._recordings.remove(recording)

    def sweep(self) -> None:
        """Remove the recordings that nobody asked for in a while, but for those that are waiting or worked on."""
        for recording in self._recordings.outdated():
            if all(ticket.state in OVER for ticket in self.of(recording)):
                self.forget(recording)

    def close(self) -> None:
        """End the process; what it was at is taken up by the next server."""
        with self._change:
            self._closed = True
            self._change.notify_all()
        if self._process is not None:
            self._process.kill()
        self._thread.join(timeout=5)

    def _loop(self) -> None:
        while True:
            self._present = None
            with contextlib.suppress(EOFError, OSError):  # it starts before there is work; if it cannot, a job will say so
                self._connected()
            ticket = self._next()
            if ticket is None:
                return
            try:
                self._restore(ticket)
            except AudiopriorError as error:
                self._fail(ticket, str(error))
            except Exception as error:  # whatever it is, it fails this job only, and nothing of it is left in the pipe
                self._disconnect()
                what = f"unexpected {type(error).__name__} ({' '.join(str(error).split())})"
                self._fail(ticket, f"{what}; start it again, or send the recording again.")

    def _next(self) -> Ticket | None:
        """Wait for a job and return it, or None at the end."""
        with self._change:
            while not self._closed:
                waiting = [ticket for ticket in self._tickets.values() if ticket.state == "queued"]
                if waiting:
                    ticket = self._set(min(waiting, key=lambda ticket: ticket.created), state="running")
                    self._present = ticket.id
                    return ticket
                self._change.wait()
            return None

    def _restore(self, ticket: Ticket) -> None:
        stored, original = self._recordings.get(ticket.recording), self._recordings.original(ticket.recording)
        folder = self._folder(ticket)
        shutil.rmtree(folder / "out", ignore_errors=True)
        try:
            connection = self._connected()
            connection.send((str(folder), str(original), ticket.run, stored.top_db))
            while self._goes_on(ticket, connection.recv()):
                pass
        except (EOFError, OSError):  # the process is gone: cancelled, or out of memory, or the server ends
            self._disconnect()
            self._try_again(ticket)

    def _goes_on(self, ticket: Ticket, event: Event) -> bool:
        """Take an event from the process, and return whether there will be more."""
        with self._change:
            if not self._runs(ticket):  # it was cancelled or removed meanwhile
                raise EOFError
            if event["event"] == "done":
                result = {name: value for name, value in event.items() if name != "event"}
                self._set(ticket, state="done", result=result, version=1)
                self._tell(ticket, {"event": "done"})
            elif event["event"] == "failed":
                self._fail(ticket, event["message"])
            else:
                self._tell(ticket, event)
                return True
            return False

    def _try_again(self, ticket: Ticket) -> None:
        with self._change:
            if self._closed or not self._runs(ticket):
                return
            self._attempts[ticket.id] += 1
            if self._attempts[ticket.id] < _TRIES:
                self._set(ticket, state="queued")
            else:
                self._fail(ticket, "its process was ended twice, perhaps for want of memory; try the method fast.")

    def _fail(self, ticket: Ticket, message: str) -> None:
        with self._change:
            if self._runs(ticket):
                self._set(ticket, state="failed", message=message)
                self._tell(ticket, {"event": "failed", "message": message})

    def _runs(self, ticket: Ticket) -> bool:
        """Return whether a job that was begun is still here and wanted."""
        return ticket.id in self._tickets and self._tickets[ticket.id].state == "running"

    def _connected(self) -> Connection:
        with self._change:  # so that no process begins after the end
            if self._closed:
                raise EOFError
            if self._connection is None:
                self._process, self._connection = start_process(work)
            return self._connection

    def _disconnect(self) -> None:
        with self._change:
            if self._process is not None:
                self._process.kill()
            if self._connection is not None:
                self._connection.close()
            self._process = self._connection = None

    def _folder(self, ticket: Ticket) -> Path:
        return self._recordings.path(ticket.recording) / "jobs" / ticket.id

    def _set(self, ticket: Ticket, **changes: Any) -> Ticket:
        """Change a job, here and on disk; one that was removed meanwhile does not come back."""
        with self._change:
            changed = replace(self._tickets.get(ticket.id, ticket), **changes)
            text = json.dumps(asdict(changed))
            if ticket.id in self._tickets:
                self._tickets[ticket.id] = changed
                with contextlib.suppress(AudiopriorError), replacing(self._folder(ticket) / ABOUT, force=True) as beside:
                    beside.write_text(text, encoding="utf-8")
            self._change.notify_all()
            return changed

    def _tell(self, ticket: Ticket, event: Event) -> None:
        """Keep an event for those who follow a job, here and on disk."""
        line = json.dumps(event)
        with self._change:
            if ticket.id in self._events:
                self._events[ticket.id].append(event)
                with contextlib.suppress(OSError), open(self._folder(ticket) / EVENTS, "a", encoding="utf-8") as file:
                    file.write(f"{line}\n")
            self._change.notify_all()
