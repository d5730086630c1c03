"""Sounds and settings that the tests share."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

from audioprior.settings.methods import Method
from audioprior.settings.priors import BlindSpot
from audioprior.settings.rules import FixedSteps

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# In the background of a shell an interrupt is ignored, and so it would be by the commands that tests interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)

torch.set_num_threads(1)  # two threads on a busy machine wait for each other most of the time

SAMPLES = Path(__file__).parent.parent / "samples"


@pytest.fixture
def quick() -> Method:
    """The default method with a fraction of its steps: for facts that do not depend on how good the result is."""
    return Method(windows_ms=(32.0,), prior=BlindSpot(batch_bins=512), stopping=FixedSteps(max_steps=5))


@pytest.fixture
def tone() -> Callable[..., Tensor]:
    """A maker of steady tones: (channel, time), float64 as a file of 32-bit floats gives them."""

    def make(frequency_hz: float, seconds: float = 1.0, rate: int = 16000, channels: int = 1, level: float = 0.3) -> Tensor:
        t = torch.arange(round(seconds * rate), dtype=torch.float64) / rate
        return (level * torch.sin(2 * torch.pi * frequency_hz * t)).float().double().expand(channels, -1).clone()

    return make


@pytest.fixture
def noise() -> Callable[..., Tensor]:
    """A maker of white noise: (channel, time), float64, by seed."""

    def make(seconds: float = 1.0, rate: int = 16000, channels: int = 1, level: float = 0.05, seed: int = 0) -> Tensor:
        numbers = torch.Generator().manual_seed(seed)
        return (level * torch.randn(channels, round(seconds * rate), generator=numbers)).double()

    return make


# Without a screen, without a sound card, and without the questions that a browser asks its maker at every start.
_BROWSER = [
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"),
    *("--disable-component-update", "--disable-sync", "--autoplay-policy=no-user-gesture-required"),
    *("--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"),
]


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    """A real browser; without one, tests are skipped, unless AUDIOPRIOR_BROWSER says that there must be one."""
    found = next((path for name in ("chromium", "google-chrome") if (path := shutil.which(name))), None)
    if found is None:
        if os.environ.get("AUDIOPRIOR_BROWSER"):
            pytest.fail("there is no Chromium here; install the package chromium.")
        pytest.skip("there is no Chromium here")
    from playwright.sync_api import sync_playwright  # here: all other tests run without it

    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=found, args=_BROWSER)
        yield one
        one.close()


def short(name: str, seconds: float, rate: int = 16000) -> np.ndarray:
    """The beginning of a sample sound in mono at another rate, (time,): what is tested with it does not take long."""
    samples, old = soundfile.read(SAMPLES / f"{name}.flac", always_2d=True)
    samples = samples[: round(seconds * old)].mean(1)
    length = round(seconds * rate)
    shortened: np.ndarray = np.fft.irfft(np.fft.rfft(samples)[: length // 2 + 1], length) * (length / len(samples))
    return shortened
