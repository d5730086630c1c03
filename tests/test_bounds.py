"""What observations know for sure: bounds of clipped samples, the share of a frame that was heard, regions that hide."""

import math

import pytest
import torch
from torch import Tensor

from audioprior.model.gaussian import Frames
from audioprior.observations.clip import ClipObservation, Sites, truncated
from audioprior.observations.gap import GapObservation, _bridged
from audioprior.observations.region import RegionObservation
from audioprior.sound.spectrum import Transform

INFINITE = torch.tensor([math.inf], dtype=torch.float64)


def one(value: float) -> Tensor:
    return torch.tensor([value], dtype=torch.float64)


def observed(samples: Tensor, level: float) -> ClipObservation:
    """A sound that is clipped at a level."""
    over = samples > level
    low, high = torch.where(over, level, samples), torch.where(over, math.inf, samples)
    numbers = torch.Generator().manual_seed(0)
    return ClipObservation(
        low, low, high, Frames(64, samples.shape[1]), start=low, renew_every=1, generator=numbers
    )  # fmt: skip


# --- bounds


def test_half_a_gaussian() -> None:
    """Of N(0, 1) above zero the mean is √(2/π) and the variance 1 − 2/π."""
    mean, variance = truncated(one(0), one(1), one(0), INFINITE)
    assert float(mean) == pytest.approx(math.sqrt(2 / math.pi))
    assert float(variance) == pytest.approx(1 - 2 / math.pi)


@pytest.mark.parametrize(("mean", "variance", "low"), [(0.0, 1.0, 0.0), (0.3, 0.04, 0.5), (2.0, 9.0, 1.0)])
def test_a_site_makes_a_gaussian_the_one_that_was_cut(mean: float, variance: float, low: float) -> None:
    """One sample, whose marginal is exact: sweep after sweep it is the cut one, and stays it."""
    exact_mean, exact_variance = truncated(one(mean), one(variance), one(low), INFINITE)
    sites = Sites(one(0), one(0))
    for _ in range(3):
        precision = 1 / variance + sites.precision
        sites = sites.swept_by((mean / variance + sites.shift) / precision, precision, one(low), INFINITE)
        precision = 1 / variance + sites.precision
        assert float((mean / variance + sites.shift) / precision) == pytest.approx(float(exact_mean), abs=1e-9)
        assert float(1 / precision) == pytest.approx(float(exact_variance), rel=1e-6)


def test_what_is_left_without_a_site_is_averaged_over_sweeps() -> None:
    """A precision of 3 with a site of 1 leaves 2; half-way from the 4 of the last sweep."""
    sites = Sites(one(1), one(0), cavity=one(4)).swept_by(one(0), one(3), one(-1), one(1))
    assert sites.cavity is not None
    assert float(sites.cavity) == 3


@pytest.fixture
def tone() -> Tensor:
    return torch.sin(2 * torch.pi * torch.arange(512, dtype=torch.float64) / 16)[None]


def test_peaks_of_white_noise_are_those_of_a_cut_gaussian_sweep_after_sweep() -> None:
    """Its samples are independent, so that each one's mean is known; few samples of the posterior must not bend it."""
    samples = torch.randn(1, 2048, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    observation, frames = observed(samples, 0.5), Frames(64, 2048)
    # A constant λ is a precision of hop/λ times the sum of squared windows at a sample, which is 2: a variance of 1.
    power = torch.full((1, 1, 33, frames.count), 2.0 * 16, dtype=torch.float64)
    exact = float(truncated(one(0), one(1), one(0.5), INFINITE)[0])
    for _ in range(20):
        peaks = float(observation.estimate(power).sound[samples > 0.5].mean())
        assert peaks == pytest.approx(exact, rel=0.01)


def test_no_inferred_peak_lies_below_the_level(tone: Tensor) -> None:
    observation = observed(tone, 0.5)
    count = int((tone > 0.5).sum())
    allowed = observation._allowed(0, torch.linspace(-1, 2, count, dtype=torch.float64))
    assert float(allowed.min()) == 0.5
    assert float(allowed.max()) == 2


# --- gaps


def test_half_a_frame_holds_half_of_its_power() -> None:
    power = torch.tensor([[2.0, 3.0, 2.0], [4.0, 1.0, 4.0]])
    assert _bridged(power, torch.tensor([1.0, 0.5, 1.0])).tolist() == [[2, 6, 2], [4, 2, 4]]


def test_a_frame_that_was_not_heard_is_bridged() -> None:
    """On the line between those beside it, whatever it holds itself."""
    power = torch.tensor([[2.0, 99.0, 99.0, 5.0]])
    assert _bridged(power, torch.tensor([1.0, 0.1, 0.0, 1.0]))[0].tolist() == pytest.approx([2, 3, 4, 5])


def test_the_first_fit_weighs_a_frame_by_the_square_of_what_was_heard(tone: Tensor) -> None:
    frames, missing = Frames(64, 512), torch.zeros(1, 512, dtype=torch.bool)
    missing[:, 256:320] = True
    guess = tone.clone()
    observation = GapObservation(
        tone, missing, frames, start=guess, renew_every=1, generator=torch.Generator().manual_seed(0)
    )  # fmt: skip
    weight = observation.expect(None).weight[0, 0, 0]
    # Frame t begins at (t − 4) · 16: of frame 20 all is missing, of 18 and 22 the half, of 4 nothing.
    assert weight[[4, 18, 20, 22]].tolist() == pytest.approx([1, 0.25, 0, 0.25], abs=1e-6)


# --- regions


def test_a_region_does_not_learn_from_another(tone: Tensor) -> None:
    """Two coughs at once: in neither is anything of the sound heard, though only one is being taken out."""
    transform = Transform(64, 16, 8000)
    own, other = (torch.zeros(transform.bins, transform.frames(512), dtype=torch.bool) for _ in range(2))
    own[5:10, 8:12], other[20:25, 10:14] = True, True
    evidence = RegionObservation(tone, transform, own, own | other, fill="mean").expect(None)
    assert torch.equal(evidence.weight[0, 0] == 0, own | other)


def test_a_sampled_region_keeps_the_energy_that_the_mean_loses(tone: Tensor) -> None:
    """At a quarter of the power that is there, the mean has a gain of 1/4 and a sample one of 1/2."""
    transform = Transform(64, 16, 8000)
    everywhere = torch.ones(transform.bins, transform.frames(512), dtype=torch.bool)
    quarter = transform.analyse(tone).abs().square()[None] / 4 + 1e-12
    for fill, gain in (("mean", 1 / 4), ("sample", 1 / 2)):
        sound = RegionObservation(tone, transform, everywhere, everywhere, fill=fill).estimate(quarter).sound
        assert torch.allclose(sound[:, 64:-64], gain * tone[:, 64:-64], atol=1e-3)
