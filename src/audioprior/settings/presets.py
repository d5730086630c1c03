"""The named methods, a line of description each."""

from dataclasses import replace

from audioprior.errors import SettingsError
from audioprior.settings.methods import Method
from audioprior.settings.networks import Dcgan, Dilated, Harmonic, Recurrent, Skip, Temporal
from audioprior.settings.priors import (
    BlindSpot,
    Consensus,
    DecisionDirected,
    Free,
    Nmf,
    NonlocalMeans,
    PriorSettings,
)
from audioprior.settings.rules import Discrepancy, FixedSteps, HeldOut, MovingVariance, StoppingSettings

DEFAULT = "consensus"

METHODS: dict[str, Method] = {
    "consensus": Method(prior=Consensus(), stopping=FixedSteps(max_steps=120)),
    "fast": Method(prior=Nmf(rank=4), stopping=FixedSteps(max_steps=50)),
    "best": Method(
        windows_ms=(16.0, 32.0, 64.0, 128.0, 256.0),
        prior=Consensus(network=BlindSpot(hidden=96), nmf_share=0.125),
        stopping=FixedSteps(max_steps=240),
    ),
    "blindspot": Method(prior=BlindSpot(), stopping=FixedSteps(max_steps=120)),
    "skip": Method(prior=Skip(), stopping=HeldOut(), gain="two-step"),
    "dcgan": Method(prior=Dcgan(average=0.9), stopping=FixedSteps(max_steps=120), gain="two-step"),
    "temporal": Method(prior=Temporal(), stopping=FixedSteps(max_steps=120)),
    "harmonic": Method(prior=Harmonic(), stopping=FixedSteps(max_steps=100)),
    "dilated": Method(prior=Dilated(), stopping=HeldOut()),
    "recurrent": Method(prior=Recurrent(), stopping=HeldOut()),
    "seed-dcgan": Method(
        observation="image", windows_ms=(64.0,), prior=Dcgan(), stopping=FixedSteps(max_steps=2000), gain="wiener"
    ),
    "nmf": Method(prior=Nmf(), stopping=FixedSteps(max_steps=60)),
    "free": Method(prior=Free(), stopping=FixedSteps(max_steps=1)),
    "log-mmse": Method(windows_ms=(32.0,), prior=DecisionDirected(), stopping=FixedSteps(max_steps=1), gain="log-mmse"),
    "nlm": Method(windows_ms=(32.0,), prior=NonlocalMeans(), stopping=FixedSteps(max_steps=1), gain="wiener"),
}

_COST = "{} s of a core for a second at 16 kHz, {} at 44.1"  # measured: `bench/RESULTS.md`, presets
DESCRIPTIONS: dict[str, str] = {
    "consensus": f"the default: what a blind-spot network and small factorisations agree on; {_COST.format(0.3, 0.7)}",
    "fast": f"four spectra and their activities: 0.4 dB less gain than the default; {_COST.format(0.1, 0.2)}",
    "best": f"the default with five windows and a larger network: 0.3 dB more gain on music; {_COST.format(0.8, 1.8)}",
    "blindspot": "each bin guessed from its neighbours by a small network, never from itself",
    "skip": "Deep Image Prior's hourglass, fitted by likelihood and stopped by held-out bins (slow)",
    "dcgan": "the seed's generator, fitted by likelihood for few steps, before it takes up most of the noise (slow)",
    "temporal": "few spectra whose activities come from convolutions over time, for study: steady calls yes, speech no",
    "harmonic": "convolutions whose taps lie at the harmonics of a frequency, for study (slow)",
    "dilated": "a dense hourglass of convolutions with growing holes, stopped by held-out bins, for study (very slow)",
    "recurrent": "recurrent cells that draw a spectrum a turn, stopped by held-out bins, for study (slow)",
    "seed-dcgan": "Deep Audio Prior as published: the picture regressed for 2000 steps, for study (very slow)",
    "nmf": "control: eight spectra and their activities in place of a network",
    "free": "control: no prior, the heard power less the noise's",
    "log-mmse": "classical: Ephraim and Malah's log-spectral amplitude estimator, decision-directed (fast)",
    "nlm": "classical: non-local means on the spectrogram (fast)",
}


RULES: dict[str, type[StoppingSettings]] = {
    "fixed": FixedSteps,
    "held-out": HeldOut,
    "moving-variance": MovingVariance,
    "discrepancy": Discrepancy,
}


_CLASSICAL = (DecisionDirected, NonlocalMeans)
REPAIR_PRIORS: dict[str, PriorSettings] = {
    name: preset.prior
    for name, preset in METHODS.items()
    if preset.observation == "noise" and name not in ("fast", "best") and not isinstance(preset.prior, _CLASSICAL)
} | {"nmf": Nmf(rank=24)}  # a repair sees a second or two, all of it sound: more spectra than there are kinds of noise


def method(name: str, seat: Method | None = None, *, stop: str | None = None, steps: int | None = None) -> Method:
    """Return a method by its name.

    Args:
        name: which.
        seat: how a repair seats any prior; methods are as they are without it.
        stop: the stopping rule to use in place of the method's own.
        steps: the most steps to take, in place of the rule's own.

    Raises:
        SettingsError: there is no such method or rule, or `steps` is below 1.
    """
    known = METHODS if seat is None else REPAIR_PRIORS
    if name not in known:
        raise SettingsError(f"there is no method {name!r}; choose one of {', '.join(known)}.")
    chosen = METHODS[name] if seat is None else replace(seat, prior=REPAIR_PRIORS[name])
    if stop is not None and stop not in RULES:
        raise SettingsError(f"there is no stopping rule {stop!r}; choose one of {', '.join(RULES)}.")
    stopping = chosen.stopping if stop is None else RULES[stop]()
    return replace(chosen, stopping=stopping if steps is None else stopping.within(steps))
