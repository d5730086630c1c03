"""The same bytes whatever the number of threads."""

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
import torch
from torch import Tensor

import audioprior as ap
from audioprior.restoring.job import Job, start
from audioprior.restoring.machine import one_thread
from audioprior.settings.methods import Method
from audioprior.sound.source import as_recording
from audioprior.tasks import Denoise, Run
from tests import sounds

# `fast` on this gives other bytes on two threads than on one, where nobody sees to it.
SCRIPT = """
import hashlib
import audioprior as ap
import torch
from tests.test_threads import clipped, noisy

print(torch.get_num_threads(), end=" ")
for restored in (ap.denoise(noisy(), sample_rate=16000, method="fast"), ap.declip(clipped(), sample_rate=16000)):
    print(hashlib.sha256(restored.restored.samples.numpy().tobytes()).hexdigest(), end=" ")
print(torch.get_num_threads())
"""


def noisy() -> Tensor:
    numbers = torch.Generator().manual_seed(0)
    voice = sounds.speech(3.0)
    return voice + 0.02 * torch.randn(voice.shape, generator=numbers, dtype=torch.float64)


def clipped() -> Tensor:
    return sounds.music(0.5).clamp(-0.15, 0.15)


def test_one_two_and_all_threads_give_the_same_bytes() -> None:
    said = []
    for threads in ("1", "2", None):
        environment = {name: value for name, value in os.environ.items() if name != "OMP_NUM_THREADS"}
        environment |= {} if threads is None else {"OMP_NUM_THREADS": threads}
        done = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True)
        before, *hashes, after = done.stdout.split()
        assert before == after == (threads or before)
        said.append(hashes)
    assert len(said[0]) == 2
    assert said[0] == said[1] == said[2]


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


def job(quick: Method) -> Job:
    return start(as_recording(noisy()[:, :4000], 16000), Run.of(Denoise(), quick))


@pytest.mark.usefixtures("two_threads")
def test_whoever_looks_on_keeps_as_many_threads_as_before(quick: Method) -> None:
    for progress in job(quick):
        assert torch.get_num_threads() == 2
        progress.estimate()
        assert torch.get_num_threads() == 2
    abandoned = iter(job(quick))
    next(abandoned)
    del abandoned
    assert torch.get_num_threads() == 2
    with pytest.raises(ap.AudioError):
        ap.denoise(torch.full((1, 100), torch.nan), sample_rate=16000)
    assert torch.get_num_threads() == 2


@pytest.mark.usefixtures("two_threads")
def test_within_there_is_one_thread_and_after_a_failure_as_many_as_before() -> None:
    def fail() -> None:
        with one_thread():
            raise ZeroDivisionError(torch.get_num_threads())

    with pytest.raises(ZeroDivisionError, match=r"^1$"):
        fail()
    assert torch.get_num_threads() == 2
