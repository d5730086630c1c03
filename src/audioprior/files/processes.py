"""Processes that work beside this one, which alone decides when they end."""

import contextlib
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess


def processors() -> int:
    """Return how many processors this process may use; where a system does not say, how many there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def start_process(work: Callable[[Connection], None]) -> tuple[BaseProcess, Connection]:
    """Start a process, and return it with our end of a pipe to it. Ctrl-C does not reach it.

    Args:
        work: a module's function that takes the other end of the pipe, and returns when it ends.
    """
    # A process that is forked from one with threads may hang: begin afresh.
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_deaf_to_interrupts, args=(work, theirs), daemon=True)
    with _interrupts_blocked():
        process.start()
    theirs.close()
    return process, ours


@contextlib.contextmanager
def _interrupts_blocked() -> Iterator[None]:
    """Block Ctrl-C in this thread, which a new process inherits: it cannot ignore it by itself before Python has begun."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # it would lift the block when it is started by the first process
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _deaf_to_interrupts(work: Callable[[Connection], None], pipe: Connection) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    work(pipe)
