"""The loop and the rules that stop it."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor

import audioprior as ap
from audioprior.errors import FitError
from audioprior.model.evidence import EULER, LOG_NOISE_VARIANCE, Evidence, Picture, heard_everywhere
from audioprior.model.fit import generator
from audioprior.model.observation import Estimate
from audioprior.settings.networks import Skip
from audioprior.settings.rules import Discrepancy, FixedSteps, HeldOut, MovingVariance, StoppingSettings


@dataclass
class Bins:
    """An observation of given powers under noise of power one."""

    power: Tensor
    renew_every: int | None = None
    asked: list[Tensor | None] = field(default_factory=list)

    def expect(self, prior_power: Tensor | None) -> Evidence:
        self.asked.append(prior_power)
        return heard_everywhere(self.power, torch.ones(()))

    def estimate(self, prior_power: Tensor) -> Estimate:
        return Estimate(prior_power[0, 0], 1.0)


@dataclass
class Script:
    """A prior that draws what it is told to, step by step."""

    pictures: list[Tensor]
    step: int = 0

    def fit(self, evidence: Evidence) -> float:
        self.step += 1
        return float(evidence.misfit(self.draw()).mean())

    def draw(self) -> Tensor:
        return self.pictures[min(self.step, len(self.pictures)) - 1]


def noisy(seed: int = 0) -> tuple[Tensor, Tensor]:
    """A smooth power and what was heard of it under noise of power one."""
    f, t = torch.meshgrid(torch.linspace(0, 6, 65), torch.linspace(0, 9, 97), indexing="ij")
    power = (4 * torch.sin(f) * torch.sin(t)).exp()[None, None]
    return power, (power + 1) * torch.empty_like(power).exponential_(generator=torch.Generator().manual_seed(seed))


def overfitting(power: Tensor, heard: Tensor, steps: int = 60, best: int = 20) -> Script:
    """A prior that comes to the truth at `best` and then goes on to copy the noise."""
    start = torch.ones_like(power).log()
    pictures = []
    for step in range(1, steps + 1):
        share = step / best
        if share <= 1:
            pictures.append(torch.lerp(start, power.log(), share).exp())
        else:
            towards = min(1.0, (share - 1) / 2)
            pictures.append(torch.lerp(power.log(), (heard - 1).clamp_min(1e-3).log(), towards).exp())
    return Script(pictures)


def run(script: Script, heard: Tensor, settings: StoppingSettings) -> "ap.Fit":
    fit = ap.fit(Bins(heard), script, settings.build(generator(0)))
    for _ in fit:
        pass
    return fit


def test_fixed_steps() -> None:
    power, heard = noisy()
    script = overfitting(power, heard)
    fit = run(script, heard, FixedSteps(max_steps=7))
    assert (len(fit.losses), fit.chosen) == (7, 7)
    assert fit.reason == "all 7 steps were taken"
    assert torch.equal(fit.power(), script.pictures[6])


@pytest.mark.parametrize("seed", range(4))
def test_held_out_bins_find_the_truth_that_the_loss_runs_past(seed: int) -> None:
    power, heard = noisy(seed)
    # What a network puts into bins that it does not see is not their noise but like it.
    script = overfitting(power, noisy(seed + 100)[1])
    fit = run(script, heard, HeldOut(max_steps=60, patience=15, share=0.02))
    assert abs(fit.chosen - 20) <= 4
    assert torch.equal(fit.power(), script.pictures[fit.chosen - 1])
    assert f"lowest at step {fit.chosen}" in fit.reason


def test_held_out_bins_and_those_that_share_their_noise_are_hidden() -> None:
    _, heard = noisy()
    rule = HeldOut(share=0.01).build(generator(0))
    seen = rule.prepare(heard_everywhere(heard, torch.ones(()))).weight[0, 0]
    held = rule._held[0, 0]  # type: ignore[attr-defined]
    assert 0 < int(held.sum()) < 0.03 * held.numel()
    for f, t in held.nonzero().tolist():
        assert float(seen[max(0, f - 1) : f + 2, max(0, t - 3) : t + 4].sum()) == 0


@pytest.mark.parametrize("seed", range(4))
def test_discrepancy_stops_at_the_truth(seed: int) -> None:
    power, heard = noisy(seed)
    fit = run(overfitting(power, heard), heard, Discrepancy(max_steps=60))
    assert abs(fit.chosen - 20) <= 3
    assert "reached the noise floor" in fit.reason
    unreachable = run(Script([torch.full_like(heard, 1e3)]), heard, Discrepancy(max_steps=5))
    assert "all 5 steps were taken" in unreachable.reason


def test_what_the_truth_scores() -> None:
    power, heard = noisy()
    evidence = heard_everywhere(heard, torch.ones(()))
    assert evidence.divergence(power) == pytest.approx(EULER, abs=0.03)
    noise = torch.empty(1, 1, 300, 300).exponential_(generator=torch.Generator().manual_seed(0))
    assert float((noise.log10() / 2).var()) == pytest.approx(LOG_NOISE_VARIANCE, rel=0.03)
    picture = Picture(noise, torch.ones_like(noise), torch.ones_like(noise))
    assert picture.expected_divergence == pytest.approx(LOG_NOISE_VARIANCE, rel=0.05)


def test_least_variance_is_not_fooled_by_the_first_plateau() -> None:
    """Nothing learned for ten steps, then a lot, then it settles at 30–40, then wanders off into the noise."""
    power, heard = noisy()
    numbers = torch.Generator().manual_seed(0)
    pictures = [torch.ones_like(power)] * 10
    pictures += [torch.lerp(torch.zeros_like(power), power.log(), (i + 1) / 20).exp() for i in range(20)]
    pictures += [power] * 12
    for _ in range(60):
        pictures.append((pictures[-1].log() + 0.25 * torch.randn(power.shape, generator=numbers)).exp())
    fit = run(Script(pictures), heard, MovingVariance(max_steps=100, patience=20))
    assert 30 <= fit.chosen <= 52  # the running variance lags a little behind


def test_the_evidence_is_renewed_with_the_newest_draw() -> None:
    power, heard = noisy()
    script = overfitting(power, heard)
    bins = Bins(heard, renew_every=3)
    for _ in ap.fit(bins, script, FixedSteps(max_steps=8).build(generator(0))):
        pass
    assert bins.asked[0] is None
    assert [
        next(i for i, p in enumerate(script.pictures, 1) if torch.equal(p, a)) for a in bins.asked[1:] if a is not None
    ] == [
        3,
        6,
    ]


def test_stopping_early_still_gives_a_power() -> None:
    power, heard = noisy()
    fit = ap.fit(Bins(heard), overfitting(power, heard), FixedSteps(max_steps=50).build(generator(0)))
    for step in fit:
        if step.index == 5:
            break
    assert fit.reason == ""
    assert fit.power().shape == heard.shape


def test_a_diverged_fit_says_so() -> None:
    _, heard = noisy()
    with pytest.raises(FitError, match="the loss became nan at step 1"):
        run(Script([torch.full_like(heard, float("nan"))]), heard, FixedSteps(max_steps=5))


def test_the_hourglass_stops_before_it_takes_up_noise() -> None:
    power, heard = noisy()
    prior = Skip(levels=3).build(planned_steps=200, generators=[generator(1)])
    fit = ap.fit(Bins(heard), prior, HeldOut(max_steps=200, patience=30, share=0.02).build(generator(2)))
    for _ in fit:
        pass
    evidence: Callable[[Tensor], float] = heard_everywhere(power + 1, torch.ones(())).divergence
    assert evidence(fit.power()) < 0.5 * evidence((heard - 1).clamp_min(1e-2))
