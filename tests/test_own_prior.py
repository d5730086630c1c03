"""A prior that the package does not know works wherever the package's own do."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import pytest
import torch
from bench.seat import Seat, method, started
from torch import Tensor

import audioprior as ap
from audioprior.errors import SettingsError
from audioprior.model.evidence import Evidence
from audioprior.model.prior import Learned, Prior
from audioprior.observations.noise import NoiseObservation
from audioprior.settings.json import decode, encode
from audioprior.settings.priors import Nmf, PriorSettings
from audioprior.settings.rules import FixedSteps
from audioprior.sound.spectrum import Transform
from audioprior.tasks import TASKS, Declick, Declip, Denoise, Inpaint, Run
from tests.conftest import SAMPLES, short

RATE = 8000
QUICK = ap.Method(windows_ms=(32.0, 64.0), stopping=FixedSteps(max_steps=5))


class Family(PriorSettings):
    """What several priors of one's own may share: found below it as well."""


@dataclass(frozen=True, kw_only=True)
class Times(Family):
    """Another prior's λ, times a factor: a choice within a choice."""

    kind: Literal["times"] = "times"
    of: PriorSettings = field(default_factory=lambda: Nmf(rank=2))
    factor: float = 1.0

    def build(
        self, *, planned_steps: int, generators: Sequence[torch.Generator], start: Learned | None = None
    ) -> "TimesPrior":
        return TimesPrior(self.of.build(planned_steps=planned_steps, generators=generators, start=start), self.factor)


class TimesPrior:
    def __init__(self, other: Prior, factor: float) -> None:
        self._other, self._factor = other, factor

    def fit(self, evidence: Evidence) -> float:
        return self._other.fit(evidence)

    def draw(self) -> Tensor:
        return self._other.draw() * self._factor


@dataclass(frozen=True, kw_only=True)
class Larger(Nmf):
    """The package's own, with another default; it has no kind of its own."""

    rank: int = 99


def noisy(channels: int = 1) -> Tensor:
    one = torch.from_numpy(short("guitar_vinyl", 1.0, RATE)).float().double()
    return torch.stack([one, one.flip(0)][:channels])


@pytest.mark.parametrize("channels", [1, 2])
def test_denoise_takes_it(channels: int) -> None:
    sound = noisy(channels)
    own, of, other = (
        ap.denoise(sound, sample_rate=RATE, method=replace(QUICK, prior=prior))
        for prior in (Times(), Nmf(rank=2), Times(factor=0.1))
    )
    assert torch.equal(own.restored.samples, of.restored.samples)
    assert torch.equal(own.restored.samples + own.removed.samples, sound)
    assert not torch.equal(other.restored.samples, own.restored.samples)


def test_blocks_each_begin_anew_and_add_up() -> None:
    sound = noisy()
    settings = ap.Denoise(block_s=1.0, overlap_s=0.25)
    long = torch.cat([sound, sound], 1)
    result = ap.denoise(long, sample_rate=RATE, method=replace(QUICK, prior=Times()), settings=settings)
    assert {one.steps for one in result.fits} == {5}
    assert torch.equal(result.restored.samples + result.removed.samples, long)


@pytest.mark.parametrize("task", ["declip", "inpaint", "declick"])
def test_a_repair_seats_it_like_its_own(task: str) -> None:
    sound = noisy()[:, : RATE // 2] / 8
    sound[:, 1000:1050] = 0
    sound[:, 2000:2003] += torch.tensor([0.5, -0.4, 0.2])
    settings = {"declip": Declip(level=-20.0), "inpaint": Inpaint(gaps=((0.125, 0.13),)), "declick": Declick()}[task]
    restored = []
    for prior in (Times(of=Nmf(rank=24)), Nmf(rank=24)):
        chosen = replace(TASKS[task].seated(prior), stopping=FixedSteps(max_steps=6))
        restored.append(getattr(ap, task)(sound, sample_rate=RATE, method=chosen, settings=settings).restored.samples)
    assert torch.equal(*restored)
    assert not torch.equal(restored[0], sound)


def test_a_region_is_uncovered_by_it() -> None:
    settings = Inpaint(regions=((0.3, 0.5, 500.0, 1000.0),))
    results = [
        ap.inpaint(noisy(), sample_rate=RATE, method=replace(QUICK, prior=prior), settings=settings)
        for prior in (Times(), Nmf(rank=2))
    ]
    assert torch.equal(*(one.restored.samples for one in results))


def test_a_task_that_takes_methods_as_they_are_has_the_usual_seat() -> None:
    assert Denoise.seated(Times()) == ap.Method(prior=Times())


def test_its_settings_go_through_json() -> None:
    run = Run.of(Denoise(), replace(QUICK, prior=Times(of=Times(factor=2.0), factor=3.0)))
    read = decode(encode(run), Run)
    assert read == run
    assert encode(run)["method"]["prior"]["of"]["of"] == {"kind": "nmf", "rank": 2}
    assert type(decode({"prior": {"kind": "nmf", "rank": 3}}, ap.Method).prior) is Nmf  # and not the stranger below it


def test_a_kind_that_nobody_or_two_define_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"kind 'lost' is none of .*nmf.*; one of your own has to be imported first"):
        decode({"prior": {"kind": "lost"}}, ap.Method)

    def defined(module: str) -> type[PriorSettings]:
        @dataclass(frozen=True, kw_only=True)
        class Twin(PriorSettings):
            kind: Literal["twin"] = "twin"

        Twin.__module__ = module
        return Twin

    _, newer = defined("notebook"), defined("notebook")
    assert type(decode({"prior": {"kind": "twin"}}, ap.Method).prior) is newer  # a cell that was run twice
    _other = defined("elsewhere")
    with pytest.raises(SettingsError, match="kind 'twin' is in both notebook and elsewhere"):
        decode({"prior": {"kind": "twin"}}, ap.Method)


def test_the_seat_of_the_bench_takes_it() -> None:
    sound, transform = noisy().float(), Transform.of(RATE, 64.0)
    noise = torch.full((1, transform.bins, 1), 1e-3)
    seat = Seat(
        "sample", "music", sound, sound, NoiseObservation(sound, transform, noise, rule="wiener", max_reduction_db=26.0)
    )
    drawn = []
    for prior in (Times(), Nmf(rank=2)):
        fit = started(replace(QUICK, prior=prior), seat, seed=0)
        assert len(list(fit)) == 5
        drawn.append(fit.power())
    assert torch.equal(*drawn)
    smooth = method(f"{SAMPLES.parent / 'examples' / 'own_prior_in_denoise.py'}:Smooth")
    fit = started(replace(smooth, stopping=FixedSteps(max_steps=1)), seat, seed=0)
    assert len(list(fit)) == 1
    assert fit.power().shape == drawn[0].shape
