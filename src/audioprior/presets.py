"""The named methods, a line of description each."""

from audioprior.errors import SettingsError
from audioprior.settings import (
    BlindSpot,
    Dcgan,
    Discrepancy,
    FixedSteps,
    Free,
    HeldOut,
    Method,
    Nmf,
    Skip,
)

DEFAULT = "blindspot"

METHODS: dict[str, Method] = {
    "blindspot": Method(prior=BlindSpot(), stopping=FixedSteps(max_steps=120)),
    "skip": Method(prior=Skip(), stopping=HeldOut(), gain="two-step"),
    "dcgan": Method(prior=Dcgan(average=0.9), stopping=Discrepancy(), gain="two-step"),
    "seed-dcgan": Method(
        observation="image", windows_ms=(64.0,), prior=Dcgan(), stopping=FixedSteps(max_steps=2000), gain="wiener"
    ),
    "nmf": Method(prior=Nmf(), stopping=FixedSteps(max_steps=100)),
    "free": Method(prior=Free(), stopping=FixedSteps(max_steps=1)),
}

DESCRIPTIONS: dict[str, str] = {
    "blindspot": "each bin guessed from its neighbours by a small network; the default",
    "skip": "Deep Image Prior's hourglass, fitted by likelihood and stopped by held-out bins (slow)",
    "dcgan": "the seed's generator, fitted by likelihood and stopped at the noise floor (slow)",
    "seed-dcgan": "Deep Audio Prior as published: the picture regressed for 2000 steps, for study (very slow)",
    "nmf": "control: eight spectra and their activities in place of a network",
    "free": "control: no prior, the heard power less the noise's",
}


def method(name: str) -> Method:
    """Return a method by its name.

    Raises:
        SettingsError: there is no such method.
    """
    if name not in METHODS:
        raise SettingsError(f"there is no method {name!r}; choose one of {', '.join(METHODS)}.")
    return METHODS[name]
