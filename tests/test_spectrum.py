"""The transform is exactly invertible, at any length and channel count."""

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from audioprior.errors import SettingsError
from audioprior.sound.channels import principal_axes
from audioprior.sound.spectrum import Transform


@settings(max_examples=60, deadline=None)
@given(
    length=st.one_of(st.integers(1, 40), st.integers(41, 9000)),
    channels=st.integers(1, 8),
    rate=st.sampled_from([4000, 8000, 16000, 22050, 44100, 96000]),
    window_ms=st.sampled_from([5.0, 32.0, 64.0, 128.0]),
)
def test_round_trip(length: int, channels: int, rate: int, window_ms: float) -> None:
    samples = torch.randn(channels, length, generator=torch.Generator().manual_seed(length))
    transform = Transform.of(rate, window_ms)
    spectrum = transform.analyse(samples)
    assert spectrum.shape == (channels, transform.bins, transform.frames(length))
    error = (transform.synthesise(spectrum, length) - samples).abs().max() / samples.abs().max()
    assert float(error) < 1e-6


@pytest.mark.parametrize("rate", [8000, 16000, 44100, 48000, 192000])
def test_windows_are_given_in_milliseconds(rate: int) -> None:
    for window_ms in (16, 32, 64, 128):
        assert Transform.of(rate, window_ms).window * 1000 / rate == pytest.approx(window_ms, rel=0.25)
    with pytest.raises(SettingsError, match="the window is 0 ms"):
        Transform.of(rate, 0)


def test_a_tone_stands_at_its_frequency(tone: Callable[..., Tensor]) -> None:
    transform = Transform.of(16000, 64)
    loudest = transform.analyse(tone(1000)).abs().mean(2)[0].argmax()
    assert float(transform.frequencies_hz()[loudest]) == pytest.approx(1000, abs=8)


def test_noise_has_the_stated_gain(noise: Callable[..., Tensor]) -> None:
    transform = Transform.of(16000, 32)
    power = transform.analyse(noise(4.0, level=1.0)).abs().square()[:, 1:-1].mean()
    assert float(power) == pytest.approx(transform.noise_gain(), rel=0.03)


def test_the_ends_hold_as_much_noise_as_the_middle(noise: Callable[..., Tensor]) -> None:
    power = Transform.of(16000, 64).analyse(noise(1.0, channels=200)).abs().square()
    assert float(power[..., 0].mean() / power[..., 5:-5].mean()) == pytest.approx(1.0, abs=0.15)


@given(channels=st.integers(1, 8), seed=st.integers(0, 100))
def test_axes_round_trip(channels: int, seed: int) -> None:
    samples = torch.randn(channels, 50, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    axes = principal_axes([samples])[0]
    assert torch.allclose(axes.synthesise(axes.analyse(samples)), samples, atol=1e-12)
    assert math.isclose(float(axes.analyse(samples).square().sum()), float(samples.square().sum()), rel_tol=1e-9)


def test_equal_channels_are_one(noise: Callable[..., Tensor]) -> None:
    one = noise(0.1)
    axes = principal_axes([torch.cat([one, one, noise(0.1, seed=1)])])[0]
    assert axes.analyse(torch.cat([one, one, noise(0.1, seed=1)])).shape[0] == 2
    again = axes.synthesise(torch.randn(2, 10, dtype=torch.float64))
    assert torch.equal(again[0], again[1])
