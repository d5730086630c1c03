"""What the command says while it works: a progress bar, plain lines, JSON lines, or nothing."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from audioprior.restoring.progress import Progress as FitProgress


def say(message: str) -> None:
    """Write one line to standard error; standard output is for data."""
    print(f"audioprior: {message}", file=sys.stderr)


class Listener(Protocol):
    """Who is told how a run goes."""

    def begin(self, name: str) -> None:
        """A file's restoration begins."""
        ...

    def step(self, progress: FitProgress) -> None:
        """A step was taken."""
        ...

    def note(self, message: str) -> None:
        """Something the user should know."""
        ...

    def done(self, **facts: Any) -> None:
        """A file is done; `facts` hold its output and how it went."""
        ...


@contextmanager
def listening(*, quiet: bool, as_json: bool) -> Iterator[Listener]:
    """Give the listener that the user asked for, until the end."""
    if as_json:
        yield JsonLines()
    elif quiet:
        yield Quiet()
    else:
        with ProgressBar() as bar:
            yield bar


class Quiet:
    """Says only what must be known."""

    def begin(self, name: str) -> None:
        """Say nothing."""

    def step(self, progress: FitProgress) -> None:
        """Say nothing."""

    def note(self, message: str) -> None:
        """Say it all the same: it concerns the result."""
        say(message)

    def done(self, **facts: Any) -> None:
        """Say nothing."""


class Pace:
    """Tells how long a restoration is going to take, from all that it has done in this run so far.

    What was found finished, when an interrupted run goes on, took no time now; what comes between the steps, such as the
    noise power of each block, takes time like the steps.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock, self._begun = clock, clock()
        self._first: float | None = None

    def left_s(self, progress: FitProgress) -> float:
        """Return the seconds left; ask at each step, from the first one on."""
        if self._first is None:  # the first step of this run is taken when it is told of
            self._first = progress.done - progress.together / (progress.blocks * progress.steps)
        return (self._clock() - self._begun) / (progress.done - self._first) * (1 - progress.done)


class JsonLines:
    """One JSON object a line on standard output."""

    def __init__(self) -> None:
        self._name, self._pace = "", Pace()

    def begin(self, name: str) -> None:
        """Write a `begin` object."""
        self._name, self._pace = name, Pace()
        self._write("begin")

    def step(self, progress: FitProgress) -> None:
        """Write a `step` object."""
        self._write(
            "step",
            block=progress.block,
            blocks=progress.blocks,
            step=progress.step,
            steps=progress.steps,
            loss=progress.loss,
            left_s=round(self._pace.left_s(progress), 1),
        )

    def note(self, message: str) -> None:
        """Write a `note` object."""
        self._write("note", message=message)

    def done(self, **facts: Any) -> None:
        """Write a `done` object."""
        self._write("done", **facts)

    def _write(self, event: str, **facts: Any) -> None:
        print(json.dumps({"event": event, "input": self._name, **facts}, ensure_ascii=False), flush=True)


class ProgressBar:
    """A progress bar on standard error with step, loss, speed and time left; plain lines where it is no terminal."""

    def __init__(self) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._live = self._console.is_terminal
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[state]}", markup=False),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=self._console,
            disable=not self._live,
        )
        self._task: TaskID | None = None
        self._name, self._pace = "", Pace()

    def __enter__(self) -> "ProgressBar":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def begin(self, name: str) -> None:
        """Start the file's bar, or that of its next step."""
        if self._task is not None:
            self._bar.remove_task(self._task)
        self._name, self._pace = name, Pace()
        self._task = self._bar.add_task(name, total=None, state="reading", left="")

    def step(self, progress: FitProgress) -> None:
        """Move the bar."""
        if self._task is None:
            return
        self._bar.update(self._task, total=progress.blocks * progress.steps)
        done = progress.done * progress.blocks * progress.steps
        speed = self._bar.tasks[-1].speed  # there is no other
        loss = "" if progress.loss is None else f"  loss {progress.loss:.3f}"
        state = f"step {progress.step}/{progress.steps}{loss}  {speed or 0:.1f} steps/s"
        if progress.blocks > 1:
            state = f"block {progress.block}/{progress.blocks}  {state}"
        left = f"left {timedelta(seconds=round(self._pace.left_s(progress)))}"
        self._bar.update(self._task, completed=done, state=state, left=left)

    def note(self, message: str) -> None:
        """Print above the bar."""
        self._console.print(f"audioprior: {message}", markup=False, soft_wrap=True)

    def done(self, **facts: Any) -> None:
        """Fill the bar and say where the result is."""
        if self._task is not None:
            self._bar.remove_task(self._task)
            self._task = None
        named = [str(facts[kind]) for kind in ("output", "removed", "report", "snapshots") if facts.get(kind)]
        wrote = ", ".join([*named, *facts.get("others", ())])
        self._console.print(f"{self._name}: {wrote} ({facts['seconds']:.1f} s)", markup=False, soft_wrap=True)
