"""Gains, noise power and the two observations."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from audioprior.errors import SettingsError
from audioprior.observations.gain import RULES, exponential_integral, gain
from audioprior.observations.image import ImageObservation
from audioprior.observations.noise import NoiseObservation
from audioprior.observations.noise_power import mean_power, noise_power
from audioprior.spectrum import Transform

POSITIVE = st.floats(1e-6, 1e6)


@pytest.mark.parametrize("rule", RULES)
@given(prior_power=POSITIVE, noise_power=POSITIVE, heard_power=POSITIVE)
def test_gains_lie_between_nothing_and_all(rule: str, prior_power: float, noise_power: float, heard_power: float) -> None:
    value = float(gain(rule, *(torch.tensor([x], dtype=torch.float64) for x in (prior_power, noise_power, heard_power))))
    assert 0 <= value <= 1


@pytest.mark.parametrize("rule", RULES)
def test_loud_sound_passes_and_noise_does_not(rule: str) -> None:
    one = torch.ones(1)
    assert float(gain(rule, 1e4 * one, one, 1e4 * one)) > 0.99
    assert float(gain(rule, 1e-4 * one, one, one)) < 0.1


def test_unknown_gain() -> None:
    with pytest.raises(SettingsError, match="there is no gain rule 'best'; choose one of wiener"):
        gain("best", *torch.ones(3, 1))


def test_exponential_integral_against_its_series() -> None:
    # E₁(x) = ∫ₓ^∞ e^−t/t dt, here by substitution t = x/u on a fine grid.
    u = (torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000
    for x in (0.05, 0.5, 0.99, 1.01, 3.0, 20.0):
        exact = float(((-x / u).exp() / u).mean())
        assert float(exponential_integral(torch.tensor([x], dtype=torch.float64))) == pytest.approx(exact, rel=1e-4)


@pytest.mark.parametrize("rate", [8000, 16000, 44100])
@pytest.mark.parametrize("window_ms", [32, 64, 128])
def test_the_power_of_white_noise_is_found(noise: Callable[..., Tensor], rate: int, window_ms: float) -> None:
    transform = Transform.of(rate, window_ms)
    found = noise_power(transform.analyse(noise(4.0, rate, level=1.0)).abs().square())
    ratio_db = 10 * (found.mean() / transform.noise_gain()).log10()
    assert abs(float(ratio_db)) < 0.5


def test_a_held_tone_is_not_noise(noise: Callable[..., Tensor], tone: Callable[..., Tensor]) -> None:
    transform = Transform.of(16000, 64)
    found = noise_power(transform.analyse(noise(4.0, level=0.01) + tone(1000, 4.0)).abs().square())[0, :, 0]
    quiet = noise_power(transform.analyse(noise(4.0, level=0.01)).abs().square())[0, :, 0]
    assert float((10 * (found / quiet).log10()).abs().max()) < 3


def test_the_mean_over_a_passage_is_exact(noise: Callable[..., Tensor]) -> None:
    transform = Transform.of(16000, 32)
    power = transform.analyse(noise(1.0)).abs().square()
    assert torch.equal(mean_power(power)[..., 0], power.mean(2))


def test_the_noise_observation_with_the_truth_beats_the_noise(
    noise: Callable[..., Tensor], tone: Callable[..., Tensor]
) -> None:
    transform = Transform.of(16000, 64)
    clean, added = tone(440, 2.0), noise(2.0, level=0.1)
    power = transform.analyse(added).abs().square().mean(2, keepdim=True)
    observation = NoiseObservation(clean + added, transform, power, rule="wiener", max_reduction_db=60)
    evidence = observation.expect(None)
    assert evidence.power.shape == (1, 1, transform.bins, transform.frames(32000))
    truth = transform.analyse(clean).abs().square()[None] + 1e-12
    estimate = observation.estimate(truth)
    error = (estimate.sound - clean).square().mean()
    assert float(error) < 0.05 * float(added.square().mean())
    # What it says of its own error is right within a few dB.
    assert 0.2 < estimate.error_power / float(error) < 5


def test_the_reduction_has_a_floor(noise: Callable[..., Tensor]) -> None:
    transform = Transform.of(16000, 64)
    samples = noise(1.0)
    power = transform.analyse(samples).abs().square().mean(2, keepdim=True)
    observation = NoiseObservation(samples, transform, power, rule="wiener", max_reduction_db=12)
    left = observation.estimate(torch.full_like(observation.expect(None).power, 1e-20)).sound
    assert torch.allclose(left, samples * 10 ** (-12 / 20), atol=1e-6)


def test_the_image_of_a_recording_gives_it_back(noise: Callable[..., Tensor]) -> None:
    transform = Transform.of(16000, 64)
    samples = noise(1.0)
    observation = ImageObservation(samples, transform, torch.ones(1, transform.bins, 1))
    evidence = observation.expect(None)
    assert float(evidence.misfit(evidence.power).abs().max()) == 0
    again = observation.estimate(evidence.power).sound
    assert float((again - samples).abs().max()) < 1e-3
