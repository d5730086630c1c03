"""How priors learn: their steps, their averages, their first guesses, and how two agree; by hand where a formula stands."""

import math

import pytest
import torch
from torch import Tensor

from audioprior.model.evidence import Evidence, heard_everywhere
from audioprior.priors.adam import Adam
from audioprior.priors.blindspot import BlindSpotPrior
from audioprior.priors.consensus import ConsensusPrior
from audioprior.priors.decision_directed import DecisionDirectedPrior
from audioprior.priors.nmf import NmfPrior
from audioprior.settings.networks import Temporal
from audioprior.settings.presets import DESCRIPTIONS, METHODS
from audioprior.settings.priors import BlindSpot, Consensus, Nmf


def seeded(seed: int = 0) -> list[torch.Generator]:
    return [torch.Generator().manual_seed(seed)]


@pytest.fixture
def power() -> Tensor:
    """Two notes, one after the other."""
    power = torch.full((1, 1, 40, 60), 0.01)
    power[:, :, 10:13, 5:30] = 30.0
    power[:, :, 25:28, 30:55] = 30.0
    return power


@pytest.fixture
def evidence(power: Tensor) -> Evidence:
    """The notes under noise of power one."""
    heard = (power + 1) * torch.empty_like(power).exponential_(generator=torch.Generator().manual_seed(0))
    return heard_everywhere(heard, torch.ones(()))


def blind_spot(learning_rate: float, planned_steps: int) -> BlindSpotPrior:
    return BlindSpotPrior(
        hidden=48, batch_bins=2048, learning_rate=learning_rate, planned_steps=planned_steps, generators=seeded()
    )


# --- steps


def test_ten_steps_of_adam_are_those_of_its_paper() -> None:
    """Algorithm 1 of Kingma and Ba 2015 on a misfit of slope 2 (w − 1) and 20 (w + 3)."""
    targets, steepness = torch.tensor([1.0, -3.0]), torch.tensor([1.0, 10.0])
    weights, expected, mean, square = (torch.zeros(2) for _ in range(4))
    adam = Adam([weights.requires_grad_()])
    for step in range(1, 11):
        adam.step((steepness * (weights - targets).square()).sum(), 0.1)
        slope = 2 * steepness * (expected - targets)
        mean, square = 0.9 * mean + 0.1 * slope, 0.999 * square + 0.001 * slope.square()
        expected = expected - 0.1 * (mean / (1 - 0.9**step)) / ((square / (1 - 0.999**step)).sqrt() + 1e-8)
        assert torch.allclose(weights, expected, atol=1e-5)


def test_the_steps_of_a_blind_spot_grow_short(evidence: Evidence) -> None:
    """The rate falls to zero along a cosine: the 20th of 40 steps has half of it, the last one next to none."""
    prior = blind_spot(learning_rate=0.01, planned_steps=39)
    prior.fit(evidence)
    rates = list[float]()
    step = prior._adam.step

    def spy(loss: Tensor, learning_rate: float) -> None:
        rates.append(learning_rate)
        step(loss, learning_rate)

    prior._adam.step = spy  # type: ignore[method-assign, assignment]
    for _ in range(39):
        prior.fit(evidence)
    assert rates[19] == pytest.approx(0.005)
    assert rates[-1] < 1e-4
    assert rates == sorted(rates, reverse=True)


# --- averages and random inputs


def test_the_running_average_is_geometric(evidence: Evidence) -> None:
    each, averaged = (Temporal(average=share).build(planned_steps=9, generators=seeded()) for share in (0.0, 0.9))
    expected = None
    for _ in range(5):
        each.fit(evidence)
        averaged.fit(evidence)
        drawn = each.draw().log()
        expected = drawn if expected is None else 0.9 * expected + 0.1 * drawn
    assert expected is not None
    assert torch.allclose(averaged.draw().log(), expected, atol=1e-4)
    assert not torch.allclose(averaged.draw(), each.draw(), rtol=0.01)


def test_jitter_changes_a_fit(evidence: Evidence) -> None:
    """The random numbers are drawn either way, so that all else is the same."""
    still, jittered = (Temporal(jitter=deviation).build(planned_steps=9, generators=seeded()) for deviation in (0.0, 0.3))
    for _ in range(3):
        still.fit(evidence)
        jittered.fit(evidence)
    assert not torch.allclose(still.draw(), jittered.draw(), rtol=0.01)


# --- first guesses


@pytest.mark.parametrize("noise", [0.5, 2.0])
def test_a_blind_spot_begins_at_a_third_of_the_noise_where_nothing_stands_out(noise: float) -> None:
    prior = blind_spot(learning_rate=0.0, planned_steps=10)
    prior.fit(heard_everywhere(torch.full((1, 1, 20, 30), 0.5 * noise), torch.tensor(noise)))
    assert torch.allclose(prior.draw(), torch.tensor(0.3 * noise))


def test_a_blind_spot_begins_at_what_stands_out_of_the_noise() -> None:
    prior = blind_spot(learning_rate=0.0, planned_steps=10)
    prior.fit(heard_everywhere(torch.full((1, 1, 20, 30), 8.0), torch.tensor(2.0)))
    assert torch.allclose(prior.draw(), torch.tensor(6.0), rtol=1e-4)


def test_a_factorisation_begins_with_what_was_learned(power: Tensor, evidence: Evidence) -> None:
    """After one update it is nearer to the sound than a fresh one is, as the next block of a recording needs."""

    def distance(prior: NmfPrior) -> float:
        ratio = (power + 1) / (prior.draw() + 1)
        return float((ratio - ratio.log() - 1).mean())

    earlier = NmfPrior(rank=2, generators=seeded())
    for _ in range(60):
        earlier.fit(evidence)
    fresh, taught = (NmfPrior(rank=2, generators=seeded(1), start=start) for start in (None, earlier.learned(0)))
    for prior in (fresh, taught):
        prior.fit(evidence)
    assert distance(taught) < 0.5 * distance(fresh)


# --- two that agree


class Draws:
    """A prior that draws the same power for ever, and counts how often it was fitted."""

    def __init__(self, power: float) -> None:
        self.power, self.fitted = power, 0

    def draw(self) -> Tensor:
        return torch.full((1, 1, 2, 2), self.power)

    def fit(self, evidence: Evidence) -> float:  # noqa: ARG002
        self.fitted += 1
        return 0.0

    update = fit


def agreed(continues: Draws, repeats: list[Draws], share: float = 0.25) -> ConsensusPrior:
    prior = ConsensusPrior(
        hidden=48,
        batch_bins=2048,
        learning_rate=5e-3,
        ranks=(2, 4, 6, 10),
        nmf_share=share,
        planned_steps=10,
        generators=seeded(),
    )
    prior._continues, prior._repeats = continues, repeats  # type: ignore[assignment]
    return prior


@pytest.mark.parametrize(
    ("continues", "repeats", "expected"),
    [
        (3.0, [3.0], 3.0),
        (1.0, [3.0], 1.5),  # 2 / (1 + 1/3)
        (1.0, [1.0, 9.0], 1.5),  # of factorisations the geometric mean
        (1e-6, [1.0], 2e-6),  # the smaller has the say: a burst of noise
        (1.0, [1e-6], 2e-6),
    ],
)
def test_a_consensus_is_a_harmonic_mean(continues: float, repeats: list[float], expected: float) -> None:
    drawn = agreed(Draws(continues), [Draws(one) for one in repeats]).draw()
    assert torch.allclose(drawn, torch.tensor(expected), rtol=1e-4)


@pytest.mark.parametrize(("share", "updates"), [(0.25, 3), (0.125, 2), (1.0, 8), (2.0, 16)])
def test_factorisations_are_updated_for_their_share_of_the_steps(evidence: Evidence, share: float, updates: int) -> None:
    """Once at the first step at the least, then whenever another one is due."""
    network, factorisation = Draws(1.0), Draws(1.0)
    prior = agreed(network, [factorisation], share)
    for _ in range(8):
        prior.fit(evidence)
    assert (network.fitted, factorisation.fitted) == (8, updates)


# --- the classical rule


@pytest.mark.parametrize(("overlap", "smoothing"), [(2, 0.98), (4, math.sqrt(0.98))])
def test_the_last_frame_foretells_this_one(overlap: int, smoothing: float) -> None:
    """(51) of Ephraim and Malah 1984 in two frames of power 9 and 4 over noise of one."""
    prior = DecisionDirectedPrior(overlap)
    prior.fit(heard_everywhere(torch.tensor([9.0, 4.0]).view(1, 1, 1, 2), torch.ones(())))
    # The first frame has 9 − 1 = 8, of which Wiener's gain 8/9 leaves 64/9.
    assert prior.draw().flatten().tolist() == pytest.approx([8, smoothing * 64 / 9 + (1 - smoothing) * 3])


# --- presets


def test_presets_are_what_their_descriptions_say() -> None:
    fast, nmf, best = (METHODS[name] for name in ("fast", "nmf", "best"))
    assert DESCRIPTIONS["fast"].startswith("four spectra")
    assert fast.prior == Nmf(rank=4)
    assert "eight spectra" in DESCRIPTIONS["nmf"]
    assert nmf.prior == Nmf(rank=8)
    assert "five windows and a larger network" in DESCRIPTIONS["best"]
    assert len(best.windows_ms) == 5
    assert isinstance(best.prior, Consensus)
    assert best.prior.network.hidden > BlindSpot().hidden
    assert "for 2000 steps" in DESCRIPTIONS["seed-dcgan"]
    assert METHODS["seed-dcgan"].stopping.max_steps == 2000
