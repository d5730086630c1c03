"""Gain rules: from the powers of sound and noise in a bin to what is kept of it.

λ is the prior's power of the clean sound, ν the noise's, |Y|² what was heard; ξ = λ/ν is the a-priori and γ = |Y|²/ν the
a-posteriori signal-to-noise ratio. All tensors are (channel, frequency, frame) and all gains lie between 0 and 1.
"""

import torch
from torch import Tensor

from audioprior.errors import SettingsError

_TINY = 1e-30


def gain(rule: str, prior_power: Tensor, noise_power: Tensor, heard_power: Tensor) -> Tensor:
    """Return the gain that a rule gives.

    Args:
        rule: "wiener", "two-step", "balanced" or "log-mmse".
        prior_power: λ.
        noise_power: ν.
        heard_power: |Y|².

    Raises:
        SettingsError: there is no such rule.
    """
    if rule not in RULES:
        raise SettingsError(f"there is no gain rule {rule!r}; choose one of {', '.join(RULES)}.")
    return RULES[rule](prior_power, noise_power.clamp_min(_TINY), heard_power)


def wiener(prior_power: Tensor, noise_power: Tensor, heard_power: Tensor) -> Tensor:  # noqa: ARG001
    """Return ξ/(1+ξ), the least mean square error under the Gaussian model."""
    return prior_power / (prior_power + noise_power)


def two_step(prior_power: Tensor, noise_power: Tensor, heard_power: Tensor) -> Tensor:
    """Return the Wiener gain of ξ' = G²·γ: the first gain's own output taken for the sound.

    A blind prior has not seen the bin it judges; the second step lets the bin speak (Plapous, Marro, Scalart 2006,
    "Improved signal-to-noise ratio estimation for speech enhancement", section III).
    """
    first = wiener(prior_power, noise_power, heard_power)
    return wiener(first.square() * heard_power, noise_power, heard_power)


def balanced(prior_power: Tensor, noise_power: Tensor, heard_power: Tensor) -> Tensor:
    """Return the mean of `wiener`, which is smooth, and `two_step`, which is decided."""
    return (wiener(prior_power, noise_power, heard_power) + two_step(prior_power, noise_power, heard_power)) / 2


def log_mmse(prior_power: Tensor, noise_power: Tensor, heard_power: Tensor) -> Tensor:
    """Return the gain of least mean square error in log-amplitude.

    Ephraim and Malah 1985, "Speech enhancement using a minimum mean-square error log-spectral amplitude estimator", (20).
    """
    share = wiener(prior_power, noise_power, heard_power)
    v = (share * heard_power / noise_power).clamp(1e-6, 500)
    return (share * (0.5 * exponential_integral(v)).exp()).clamp(max=1.0)


def exponential_integral(x: Tensor) -> Tensor:
    """Return E₁(x) for x > 0, to 2e-7 absolute (below 1) or relative (above).

    Abramowitz and Stegun 1964, "Handbook of mathematical functions", 5.1.53 and 5.1.56.
    """
    below = (-0.57721566, 0.99999193, -0.24991055, 0.05519968, -0.00976004, 0.00107857)
    small = x.clamp(max=1.0)
    series = -small.log() + sum(c * small**k for k, c in enumerate(below))
    large = x.clamp(min=1.0)
    above = ((0.2677737343, 8.6347608925, 18.0590169730, 8.5733287401, 1.0),
             (3.9584969228, 21.0996530827, 25.6329561486, 9.5733223454, 1.0))  # fmt: skip
    upper, lower = (sum(c * large**k for k, c in enumerate(row)) for row in above)
    fraction = upper / lower * (-large).exp() / large
    return torch.where(x < 1, series, fraction)


RULES = {"wiener": wiener, "two-step": two_step, "balanced": balanced, "log-mmse": log_mmse}
