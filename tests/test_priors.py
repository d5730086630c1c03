"""Every prior in the same seat: what each must do, and what makes the blind-spot prior blind."""

import itertools
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from audioprior.errors import FitError
from audioprior.model.evidence import Evidence, Picture, filled, heard_everywhere
from audioprior.model.prior import Prior
from audioprior.priors.blindspot import BlindSpotPrior
from audioprior.priors.harmonic import HarmonicConvolution
from audioprior.priors.network import initialise
from audioprior.priors.recurrent import RecurrentNetwork
from audioprior.settings.networks import Dcgan, Dilated, Harmonic, Recurrent, Skip, Temporal
from audioprior.settings.priors import BlindSpot, Consensus, DecisionDirected, Free, Nmf, NonlocalMeans, PriorSettings
from audioprior.settings.rules import HeldOut

LATER: list[PriorSettings] = [Temporal(), Harmonic(), Dilated(), Recurrent()]
NETWORKS: list[PriorSettings] = [
    *(BlindSpot(), Dcgan(filters=4, levels=3), Skip(levels=2), Consensus(ranks=(1, 2))),
    *LATER,
]
CLOSED: list[PriorSettings] = [Free(), DecisionDirected(), NonlocalMeans()]
ALL = [*NETWORKS, Nmf(rank=2), *CLOSED]
STEPS = 40


def sound_and_noise(seed: int = 0, channels: int = 1, batch: int = 1) -> tuple[Tensor, Evidence]:
    """A power of two notes, and the evidence of it under noise of power one."""
    numbers = torch.Generator().manual_seed(seed)
    power = torch.full((batch, channels, 40, 60), 0.01)
    power[:, :, 10:13, 5:30] = 30.0
    power[:, :, 25:28, 30:55] = 30.0
    heard = (power + 1) * torch.empty_like(power).exponential_(generator=numbers)
    return power, heard_everywhere(heard, torch.ones(()))


def build(settings: PriorSettings, seed: int = 0, batch: int = 1) -> Prior:
    generators = [torch.Generator().manual_seed(seed + number) for number in range(batch)]
    return settings.build(planned_steps=STEPS, generators=generators)


@pytest.mark.parametrize("settings", ALL, ids=lambda s: s.kind)
@pytest.mark.parametrize(("batch", "channels"), [(1, 1), (1, 3), (2, 1)])
def test_every_prior_draws_positive_powers_of_the_right_shape(settings: PriorSettings, batch: int, channels: int) -> None:
    _, evidence = sound_and_noise(channels=channels, batch=batch)
    prior = build(settings, batch=batch)
    prior.fit(evidence)
    drawn = prior.draw()
    assert drawn.shape == evidence.power.shape
    assert bool((drawn > 0).all())
    assert bool(drawn.isfinite().all())


@pytest.mark.parametrize("settings", ALL, ids=lambda s: s.kind)
def test_every_prior_comes_closer_to_the_sound_than_the_noisy_power_is(settings: PriorSettings) -> None:
    power, evidence = sound_and_noise()
    prior = build(settings)
    for _ in range(1 if settings in CLOSED else STEPS):
        prior.fit(evidence)

    def distance(guess: Tensor) -> float:
        ratio = (power + 1) / (guess + 1)
        return float((ratio - ratio.log() - 1).mean())

    assert distance(prior.draw()) < distance(evidence.power)
    if settings not in (Free(), DecisionDirected()):  # (the rule's λ is a frame late; its gain makes up for that)
        free = build(Free())
        free.fit(evidence)
        assert distance(prior.draw()) < distance(free.draw())


@pytest.mark.parametrize("settings", ALL, ids=lambda s: s.kind)
def test_a_seed_decides_a_fit(settings: PriorSettings) -> None:
    _, evidence = sound_and_noise()
    state = torch.random.get_rng_state()
    twice = [build(settings), build(settings)]
    for prior in twice:
        for _ in range(3):
            prior.fit(evidence)
    assert torch.equal(twice[0].draw(), twice[1].draw())
    assert torch.equal(torch.random.get_rng_state(), state)  # nothing global was drawn from
    if settings not in CLOSED:
        other = build(settings, seed=1)
        for _ in range(3):
            other.fit(evidence)
        assert not torch.equal(other.draw(), twice[0].draw())


@pytest.mark.parametrize(
    "settings", [BlindSpot(), Consensus(), Dcgan(), Skip(), Nmf(), *LATER, *CLOSED], ids=lambda s: s.kind
)
@pytest.mark.parametrize("shape", [(1, 1, 9, 1), (1, 1, 33, 2), (1, 2, 65, 7)])
def test_the_shortest_recordings(settings: PriorSettings, shape: tuple[int, ...]) -> None:
    evidence = heard_everywhere(torch.rand(shape, generator=torch.Generator().manual_seed(0)) + 0.1, torch.tensor(0.5))
    prior = build(settings)
    for _ in range(3):
        prior.fit(evidence)
    assert prior.draw().shape == shape
    assert bool(prior.draw().isfinite().all())


@pytest.mark.parametrize("settings", ALL, ids=lambda s: s.kind)
def test_nothing_can_be_drawn_before_a_fit(settings: PriorSettings) -> None:
    with pytest.raises(FitError, match="nothing was fitted yet"):
        build(settings).draw()


@pytest.mark.parametrize("place", [(20, 30), (0, 0), (1, 0), (39, 59), (2, 58)])
@pytest.mark.parametrize("beside", ["frequencies", "frames"])
def test_a_blind_spot_does_not_see_its_bin(place: tuple[int, int], beside: str) -> None:
    """λ of a bin is the same whatever was heard in it, or in the bins beside, which share its noise."""
    _, evidence = sound_and_noise()
    f, t = place
    drawn: list[torch.Tensor] = []
    for loudness in (0.01, 1e4):
        power = evidence.power.clone()
        if beside == "frequencies":
            power[0, 0, max(0, f - 1) : f + 2, t] = loudness
        else:
            power[0, 0, f, max(0, t - 1) : t + 2] = loudness
        generators = [torch.Generator().manual_seed(0)]
        prior = BlindSpotPrior(hidden=48, batch_bins=2048, learning_rate=5e-3, planned_steps=STEPS, generators=generators)
        prior.fit(heard_everywhere(power, torch.ones(())))
        # The weights of one prior judge both pictures: learning from the other bins must not tell.
        if not drawn:
            weights = [
                w.detach().clone().normal_(0, 0.1, generator=torch.Generator().manual_seed(1)) for w in prior._adam.weights
            ]
        prior._adam.weights = weights
        drawn.append(prior.draw()[0, 0])
    change = (drawn[1] / drawn[0]).log().abs()
    # Only the normalisation of the whole picture may tell, by a trifle.
    assert float(change[f, t]) < 0.1
    # Its neighbours in time do look at it.
    neighbour = t + 2 if t + 2 < 60 else t - 2
    assert float(change[f, neighbour]) > 0.5


def test_nmf_never_gets_worse() -> None:
    _, evidence = sound_and_noise()
    prior = build(Nmf(rank=3))
    losses = [prior.fit(evidence) for _ in range(30)]
    assert all(after <= before + 1e-4 for before, after in itertools.pairwise(losses))


def test_nmf_refuses_pictures() -> None:
    _, evidence = sound_and_noise()
    with pytest.raises(FitError, match="nmf fits likelihoods only"):
        build(Nmf()).fit(Picture(evidence.power, evidence.weight, evidence.added))


def unheard(evidence: Evidence, keep: Tensor) -> Sequence[Evidence]:
    """The same evidence thrice: where nothing was heard stands nothing, a million times as much as elsewhere, or noise."""
    noise = torch.empty_like(evidence.power).exponential_(generator=torch.Generator().manual_seed(7))
    masked = evidence.masked(keep)
    return [replace(masked, power=torch.where(keep > 0, evidence.power, other)) for other in (0 * noise, 1e6 * noise, noise)]


def same_of(settings: PriorSettings, versions: Sequence[Evidence], batch: int = 1) -> bool:
    """Whether a prior draws the same λ, bit for bit, after a few steps on each of several versions of one evidence."""
    drawn = []
    for evidence in versions:
        prior = build(settings, batch=batch)
        for _ in range(4):
            prior.fit(evidence)
        drawn.append(prior.draw())
    assert all(bool((one > 0).all() & one.isfinite().all()) for one in drawn)
    return all(torch.equal(one, drawn[0]) for one in drawn)


@pytest.mark.parametrize("settings", ALL, ids=lambda s: s.kind)
@pytest.mark.parametrize("batch", [1, 2])
def test_unheard_bins_do_not_teach(settings: PriorSettings, batch: int) -> None:
    """λ is the same everywhere, whatever stands where nothing was heard: a region, a frame, a frequency, single bins."""
    _, evidence = sound_and_noise(batch=batch, channels=2)
    keep = (torch.rand(evidence.power.shape, generator=torch.Generator().manual_seed(5)) > 0.05).float()
    keep[:, :, 8:20, 20:45] = 0
    keep[..., 50] = 0
    keep[:, :, 33] = 0
    versions = unheard(evidence, keep)
    assert same_of(settings, versions, batch)
    assert not same_of(settings, [replace(one, weight=torch.ones_like(keep)) for one in versions], batch)  # where heard


@pytest.mark.parametrize("settings", NETWORKS, ids=lambda s: s.kind)
def test_unheard_bins_of_a_picture_do_not_teach(settings: PriorSettings) -> None:
    _, evidence = sound_and_noise()
    keep = torch.ones_like(evidence.power)
    keep[:, :, 8:20, 20:45] = 0
    pictures = [Picture(one.power, one.weight, one.added) for one in unheard(evidence, keep)]
    if isinstance(settings, Consensus):
        return  # its factorisations fit likelihoods only
    assert same_of(settings, pictures)


@pytest.mark.parametrize("settings", ALL, ids=lambda s: s.kind)
def test_held_out_bins_do_not_teach(settings: PriorSettings) -> None:
    """What a rule holds out from a fit, the prior cannot have seen: that is what makes it a test."""
    _, evidence = sound_and_noise()

    def prepared(of: Evidence) -> Evidence:
        return HeldOut(share=0.02).build(torch.Generator().manual_seed(3)).prepare(of)

    keep = prepared(evidence).weight
    assert 0 < float(keep.mean()) < 1
    assert same_of(settings, [prepared(replace(one, weight=evidence.weight)) for one in unheard(evidence, keep)])


def test_what_was_not_heard_is_filled_from_its_own_frequency() -> None:
    values = torch.tensor([[1.0, 3.0, 1e9], [1e9, 1e9, 1e9], [5.0, 5.0, 5.0], [1e9, 7.0, 8.0]])[None, None]
    expected = torch.tensor([[1.0, 3.0, 2.0], [2.0, 2.0, 2.0], [5.0, 5.0, 5.0], [7.5, 7.0, 8.0]])[None, None]
    assert torch.equal(filled(values, values < 1e9), expected)


@pytest.mark.parametrize(("harmonic", "anchor"), [(1, 1), (2, 1), (3, 1), (1, 2), (3, 2)])
def test_a_harmonic_tap_gathers_the_ratio_of_its_name(harmonic: int, anchor: int) -> None:
    """With one tap of one harmonic and one anchor, a frequency shows what stands at k/n times it: 2/1 is the octave."""
    layer = HarmonicConvolution(1, 1, harmonics=3, anchors=2)
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.zero_()
        layer.kernel.weight[0, 0, harmonic - 1, 1] = 1
        layer.mix[anchor - 1] = 1
        ramp = torch.arange(41.0).expand(1, 1, 5, 41).mT.contiguous()  # linear interpolation is exact on a ramp
        gathered = layer(ramp)[0, 0]
    where = torch.arange(41.0) * harmonic / anchor
    expected = torch.where(where <= 40, where, 0.0)
    assert torch.allclose(gathered, expected[:, None].expand(41, 5), atol=1e-4)


def test_harmonic_anchors_share_what_they_have_in_common() -> None:
    """The ratios 1/1 and 2/2 are one look-up: 3 harmonics and 2 anchors make five of six."""
    assert HarmonicConvolution(1, 1, harmonics=3, anchors=2).ratios == [1 / 2, 1, 3 / 2, 2, 3]


def test_temporal_sound_is_the_sum_of_its_spectra() -> None:
    """No more independent spectra than the rank allows: λ, over each frequency's level, is a matrix of that rank."""
    _, evidence = sound_and_noise()
    prior = build(Temporal(rank=3, average=0.0))
    for _ in range(5):
        prior.fit(evidence)
    values = torch.linalg.svdvals(prior.draw()[0, 0].double())
    assert float(values[3] / values[0]) < 1e-5


def test_a_recurrent_network_hears_the_past_and_the_future() -> None:
    """A number at one turn changes the spectra at turns before it and after it."""
    network = RecurrentNetwork(16, 9, hidden=16)
    initialise(network, torch.Generator().manual_seed(0))
    numbers = torch.zeros(1, 7, 16)
    changed = numbers.clone()
    changed[0, 3] = 1
    difference = (network(changed) - network(numbers)).abs().amax(1)[0]
    assert bool((difference[[2, 4]] > 1e-4).all())
