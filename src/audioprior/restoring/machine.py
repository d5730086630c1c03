"""What a job asks of its machine: one thread, so that bytes do not depend on how many there are, and little memory.

Sums in another order round in another way: with two threads, a few samples of a result differ in their last bit from those
with one. Nor do the fits' small matrix products gain anything from a second thread, and on a busy machine two wait for each
other most of the time: eight times the processor time was measured. A GPU is not concerned.
"""

import contextlib
import ctypes
from collections.abc import Generator, Iterator
from typing import TypeVar

import torch

T = TypeVar("T")


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one thread within, and on as many as before afterwards, whatever OMP_NUM_THREADS says."""
    before = torch.get_num_threads()
    if before == 1:
        yield
        return
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def on_one_thread(steps: Generator[T, None, None]) -> Iterator[T]:
    """Yield what a generator yields; it runs on one thread, and whoever takes from it on as many as before."""
    with contextlib.closing(steps):
        while True:
            with one_thread():
                try:
                    step = next(steps)
                except StopIteration:
                    return
            yield step


def return_free_memory() -> None:
    """Return free memory to the system: from block to block, glibc's heap would otherwise grow holes, to a third more."""
    with contextlib.suppress(OSError, AttributeError, TypeError):  # other systems have no such call, nor the need
        ctypes.CDLL(None).malloc_trim(0)
