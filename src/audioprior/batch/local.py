"""Workers on this machine: processes that take one file at a time; a lost one is replaced and its file tried again."""

import contextlib
import queue
import threading
from collections.abc import Iterator, Sequence
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from audioprior.batch.plan import Item
from audioprior.batch.work import Outcome, lost, restore_item
from audioprior.files.processes import start_process

TRIES = 4


def run_locally(items: Sequence[Item], jobs: int) -> Iterator[Outcome]:
    """Yield what became of each file, as they are done.

    Args:
        items: what to do.
        jobs: how many at once, one thread each.
    """
    waiting: queue.SimpleQueue[tuple[Item, int]] = queue.SimpleQueue()
    outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
    for item in items:
        waiting.put((item, 1))
    workers = [_Worker(waiting, outcomes) for _ in range(max(1, min(jobs, len(items))))]
    try:
        for worker in workers:
            worker.start()
        for _ in items:
            yield outcomes.get()
    finally:
        for worker in workers:
            worker.stop()


class _Worker(threading.Thread):
    """Keeps one process at work."""

    def __init__(self, waiting: "queue.SimpleQueue[tuple[Item, int]]", outcomes: "queue.SimpleQueue[Outcome]") -> None:
        super().__init__(daemon=True)
        self._waiting, self._outcomes = waiting, outcomes
        self._process: BaseProcess | None = None
        self._stopped = threading.Event()

    def run(self) -> None:
        """Hand out files until there are none left."""
        pipe = self._start_process()
        while not self._stopped.is_set():
            try:
                item, attempts = self._waiting.get(timeout=0.2)
            except queue.Empty:
                continue
            try:
                pipe.send((item, attempts))
                self._outcomes.put(pipe.recv())
            except (EOFError, OSError):  # the process is gone
                if self._stopped.is_set():
                    return
                pipe = self._start_process()
                if attempts < TRIES:
                    self._waiting.put((item, attempts + 1))
                else:
                    self._outcomes.put(lost(item, attempts))

    def stop(self) -> None:
        """End the process, whatever it does."""
        self._stopped.set()
        if self._process is not None:
            self._process.terminate()

    def _start_process(self) -> Connection:
        self._process, pipe = start_process(_serve)
        return pipe


def _serve(pipe: Connection) -> None:
    """Restore what comes through the pipe until it ends: the life of a worker process."""
    with contextlib.suppress(EOFError, OSError):
        while True:
            item, attempts = pipe.recv()
            pipe.send(restore_item(item, attempts))
