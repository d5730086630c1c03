"""Sounds that are made when they are read: the same in odd pieces as at once."""

import itertools
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from audioprior.sound.recording import Recording
from audioprior.sound.source import Source
from audioprior.sound.views import Assembled, Difference, Negative, Patched, Removed, Silent, Sum

RATE, LENGTH = 8000, 1000
SPANS = [(0, 400), (300, 700), (600, 1000)]


def ramp(number: int) -> Tensor:
    start, end = SPANS[number - 1]
    fade = torch.ones(end - start, dtype=torch.float64)
    if number > 1:
        fade[:100] = (torch.arange(100) + 0.5) / 100
    if number < 3:
        fade[-100:] = 1 - (torch.arange(100) + 0.5) / 100
    return fade


@pytest.fixture
def one(noise: Callable[..., Tensor]) -> Recording:
    return Recording(noise(LENGTH / RATE, RATE, channels=2), RATE, name="tape")


@pytest.fixture
def other(noise: Callable[..., Tensor]) -> Recording:
    return Recording(noise(LENGTH / RATE, RATE, channels=2, seed=1), RATE)


def views(one: Recording, other: Recording) -> dict[str, Source]:
    def faded(number: int) -> Tensor:
        return other.read(*SPANS[number - 1]) * ramp(number)

    def patch(number: int) -> Tensor | None:
        return None if number == 2 else other.read(*SPANS[number - 1])

    return {
        "assembled": Assembled(one, SPANS, ramp, faded),
        "half assembled": Assembled(one, SPANS, ramp, lambda number: faded(number) if number == 1 else None),
        "patched": Patched(one, SPANS, patch),
        "removed": Removed(one, other, 0.3),
        "difference": Difference(one, other),
        "sum": Sum(one, other),
        "negative": Negative(one),
        "silent": Silent(one),
    }


def test_odd_pieces_are_the_whole(one: Recording, other: Recording) -> None:
    for name, view in views(one, other).items():
        whole = view.read(0, LENGTH)
        assert whole.shape == (2, LENGTH), name
        borders = [0, 1, 299, 300, 301, 333, 399, 400, 650, 777, 999, LENGTH]
        pieces = [view.read(a, b) for a, b in itertools.pairwise(borders)]
        assert torch.equal(torch.cat(pieces, 1), whole), name
        assert (view.name, view.sample_rate, view.channels, view.length) == ("tape", RATE, 2, LENGTH)
        assert view.read(LENGTH - 5, LENGTH + 100).shape == (2, 5)


def test_blocks_are_cross_faded_and_the_original_stands_where_there_is_none(one: Recording, other: Recording) -> None:
    made = views(one, other)
    assert torch.allclose(made["assembled"].read(0, LENGTH), other.samples, atol=1e-15)
    half = made["half assembled"].read(0, LENGTH)
    assert torch.allclose(half[:, :300], other.samples[:, :300])
    assert torch.equal(half[:, 400:], one.samples[:, 400:])
    middle = ((350 - 300) + 0.5) / 100
    assert torch.allclose(half[:, 350], (1 - middle) * other.samples[:, 350] + middle * one.samples[:, 350])


def test_later_patches_lie_on_top(one: Recording, other: Recording) -> None:
    patched = views(one, other)["patched"].read(0, LENGTH)
    assert torch.equal(patched[:, :400], other.samples[:, :400])
    assert torch.equal(patched[:, 400:600], one.samples[:, 400:600])
    assert torch.equal(patched[:, 600:], other.samples[:, 600:])


def test_what_is_removed_can_be_added_back(one: Recording, other: Recording) -> None:
    removed = Removed(one, other, 0.3)
    restored = Difference(one, removed)
    assert torch.equal(restored.read(0, LENGTH) + removed.read(0, LENGTH), one.samples)
    assert torch.allclose(removed.read(0, LENGTH), 0.3 * (one.samples - other.samples), atol=2.0**-33)
