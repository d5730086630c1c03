"""A ticket: a job of the queue, as it is known while it waits, while it is done, and on disk.

RECORDING/jobs/JOB/job.json       settings, state, and what there is to know of the result
RECORDING/jobs/JOB/events.jsonl   what happened on the way
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import msgspec

from audioprior.settings.json import decode
from audioprior.tasks import Run

ABOUT, EVENTS = "job.json", "events.jsonl"
State = Literal["queued", "running", "done", "failed", "cancelled"]
OVER = ("done", "failed", "cancelled")
Event = dict[str, Any]


@dataclass(frozen=True)
class Ticket:
    """A job of the queue.

    Attributes:
        id: a random name that cannot be guessed.
        recording: whose.
        run: the settings, encoded.
        state: what has become of it so far.
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
    state: State
    created: float
    command: str
    shares: tuple[float, ...]
    message: str = ""
    result: dict[str, Any] = field(default_factory=dict)
    version: int = 0


def kept_tickets(folder: Path) -> Iterator[tuple[Ticket, list[Event]]]:
    """Yield the jobs that an earlier server left in a folder of recordings, each with its events.

    One whose file is damaged, or that another version wrote, is left out: no job may keep the server from starting.
    """
    for about in sorted(folder.glob(f"*/jobs/*/{ABOUT}")):
        try:
            ticket = msgspec.convert(json.loads(about.read_text(encoding="utf-8")), Ticket)
        except (OSError, ValueError, msgspec.ValidationError):
            continue
        if (ticket.recording, ticket.id) == (about.parents[2].name, about.parent.name):
            yield ticket, list(_events(about.with_name(EVENTS)))


def run_of(ticket: Ticket) -> Run:
    """Return a job's settings.

    Raises:
        SettingsError: another version wrote them.
    """
    return decode(ticket.run, Run)


def _events(path: Path) -> Iterator[Event]:
    """Yield the events of a file but for lines that are damaged, as the last one is after a power cut."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return
    for line in lines:
        try:
            event = json.loads(line)
        except ValueError:
            continue
        if isinstance(event, dict):
            yield event
