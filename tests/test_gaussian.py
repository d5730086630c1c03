"""The solver against a dense reference."""

import pytest
import torch
from torch import Tensor

from audioprior.model.gaussian import Frames, condition

LENGTH, WINDOW = 900, 64
FRAMES = Frames(WINDOW, LENGTH)


def numbers(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


@pytest.fixture(scope="module")
def power() -> Tensor:
    return numbers(WINDOW // 2 + 1, FRAMES.count).exp()


@pytest.fixture(scope="module")
def dense(power: Tensor) -> Tensor:
    """Q, written out from its definition and frame by frame."""
    total = torch.zeros(LENGTH + 2 * WINDOW, LENGTH + 2 * WINDOW, dtype=torch.float64)
    for frame in range(FRAMES.count):
        both = torch.cat([power[:, frame], power[1:-1, frame].flip(0)])
        dft = torch.fft.fft(torch.eye(WINDOW, dtype=torch.complex128), norm="ortho")
        local = (dft.mH @ torch.diag(1 / both).to(dft) @ dft).real * FRAMES.shape[:, None] * FRAMES.shape
        start = frame * FRAMES.hop
        total[start : start + WINDOW, start : start + WINDOW] += FRAMES.hop * local
    return total[WINDOW : WINDOW + LENGTH, WINDOW : WINDOW + LENGTH]


# A gap at each end, one shorter and one longer than a window, and single samples close together and alone.
MISSING = torch.cat([torch.arange(0, 9), torch.arange(100, 130), torch.arange(200, 420), torch.arange(500, 590, 3),
                     torch.tensor([700]), torch.arange(880, 900)])  # fmt: skip


def test_the_precision_is_as_defined(power: Tensor, dense: Tensor) -> None:
    x = numbers(LENGTH, seed=1)
    assert torch.allclose(FRAMES.precision_times(x, power), dense @ x, rtol=1e-9, atol=1e-9)


def test_mean_and_variance_are_exact(power: Tensor, dense: Tensor) -> None:
    x = numbers(LENGTH, seed=1)
    heard = torch.ones(LENGTH, dtype=torch.bool)
    heard[MISSING] = False
    inner = dense[MISSING][:, MISSING]
    mean = -torch.linalg.solve(inner, dense[MISSING][:, heard] @ x[heard])
    known = condition(x.masked_fill(~heard, torch.nan).nan_to_num(1e9), MISSING, FRAMES, power).posterior()
    assert torch.allclose(known.mean, mean, rtol=1e-6, atol=1e-6)
    assert torch.allclose(known.variance(), torch.linalg.inv(inner).diagonal(), rtol=1e-6)


def test_deviations_have_the_posterior_covariance(power: Tensor, dense: Tensor) -> None:
    known = condition(numbers(LENGTH), MISSING, FRAMES, power).posterior()
    drawn = known.deviations(20000, torch.Generator().manual_seed(0))
    covariance = torch.linalg.inv(dense[MISSING][:, MISSING])
    scale = (covariance.diagonal()[:, None] * covariance.diagonal()).sqrt()
    # A variance from 20000 samples errs by 1 %: six times that over all pairs.
    assert ((drawn.mT @ drawn / 20000 - covariance) / scale).abs().max() < 0.06


def test_sites_count_as_further_observations(power: Tensor, dense: Tensor) -> None:
    x, precision, shift = numbers(LENGTH, seed=1), numbers(len(MISSING)).exp(), numbers(len(MISSING), seed=3)
    heard = torch.ones(LENGTH, dtype=torch.bool)
    heard[MISSING] = False
    inner = dense[MISSING][:, MISSING] + precision.diag()
    mean = torch.linalg.solve(inner, shift - dense[MISSING][:, heard] @ x[heard])
    known = condition(x, MISSING, FRAMES, power).posterior((precision, shift))
    assert torch.allclose(known.mean, mean, rtol=1e-6, atol=1e-6)


def test_half_the_precision_is_near(power: Tensor) -> None:
    x = numbers(LENGTH)
    exact, near = (condition(y, MISSING, FRAMES, power.to(y)).posterior().mean for y in (x, x.float()))
    assert (near - exact).abs().max() < 1e-3 * exact.abs().max()


def test_join_is_the_adjoint_of_cut() -> None:
    x, frames = numbers(LENGTH), numbers(FRAMES.count, WINDOW, seed=5)
    assert torch.isclose((FRAMES.cut(x) * frames).sum(), (x * FRAMES.join(frames)).sum())
