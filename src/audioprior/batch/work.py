"""One file of a batch, in whichever process it is done."""

import os
import socket
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from audioprior.batch.plan import Item
from audioprior.errors import AudiopriorError


@dataclass(frozen=True)
class Outcome:
    """What became of a file.

    Attributes:
        source: the input.
        target: the output.
        status: "done", "skipped" (it was done before) or "failed".
        seconds: that it took.
        error: why it failed, in one sentence.
        worker: who did it: host and process.
        attempts: how often it was begun; more than once where workers were lost.
        notes: what was told on the way.
    """

    source: str
    target: str
    status: str
    seconds: float = 0.0
    error: str = ""
    worker: str = ""
    attempts: int = 1
    notes: list[str] = field(default_factory=list)

    def facts(self) -> dict[str, Any]:
        """Return it for JSON."""
        return {name: value for name, value in asdict(self).items() if value not in ("", [])}


class _Listener:
    """Hears what is told of one file."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def begin(self, name: str) -> None:
        """Not of interest."""

    def step(self, progress: object) -> None:
        """Not of interest."""

    def note(self, text: str) -> None:
        """Keep it."""
        self.notes.append(text)

    def done(self, **facts: Any) -> None:
        """Not of interest."""


def restore_item(item: Item, attempts: int = 1) -> Outcome:
    """Restore one file, unless it is done; whatever goes wrong is an outcome and no exception."""
    from audioprior.files.options import Output
    from audioprior.files.runner import restore_file
    from audioprior.restoring.machine import one_thread

    started, listener = time.monotonic(), _Listener()
    who = f"{socket.gethostname()}:{os.getpid()}"
    status, error = "done", ""
    try:
        if item.done():
            status = "skipped"
        else:
            item.check()
            item.target.parent.mkdir(parents=True, exist_ok=True)
            with one_thread(), item.begun():  # cores are shared by files
                restore_file(str(item.source), item.chain, Output(out=str(item.target), force=True), listener)
    except AudiopriorError as problem:
        status, error = "failed", str(problem)
    except Exception as problem:  # one bad file does not stop the rest
        status, error = "failed", f"unexpected {type(problem).__name__} ({' '.join(str(problem).split())})"
    seconds = round(time.monotonic() - started, 3)
    return Outcome(str(item.source), str(item.target), status, seconds, error, who, attempts, listener.notes)


def lost(item: Item, attempts: int) -> Outcome:
    """Return the outcome of a file whose workers died."""
    error = f"its worker was lost {attempts} times; it may need more memory than there is."
    return Outcome(str(item.source), str(item.target), "failed", error=error, attempts=attempts)
