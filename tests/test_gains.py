"""Gain rules at points worked by hand: ξ = λ/ν and γ = |Y|²/ν, at ν = 2 so that no power stands for a ratio."""

import math

import pytest
import torch

from audioprior.observations.gain import gain

# E₁ at 1/2, 10/11 and 2, from Abramowitz and Stegun's table 5.1 (10/11 between its lines, by its series).
E1 = {0.5: 0.5597735948, 10 / 11: 0.2561163, 2.0: 0.0489005107}


@pytest.mark.parametrize(
    ("rule", "xi", "gamma", "expected"),
    [
        ("wiener", 1, 9, 1 / 2),
        ("wiener", 3, 1, 3 / 4),
        ("two-step", 1, 4, 1 / 2),  # G = 1/2, ξ' = 4/4 = 1
        ("two-step", 3, 2, 9 / 17),  # G = 3/4, ξ' = 2 · 9/16 = 9/8
        ("balanced", 3, 2, (3 / 4 + 9 / 17) / 2),
        ("balanced", 1, 4, 1 / 2),
        ("log-mmse", 1, 1, 1 / 2 * math.exp(E1[0.5] / 2)),  # v = G·γ
        ("log-mmse", 1, 4, 1 / 2 * math.exp(E1[2.0] / 2)),
        ("log-mmse", 10, 1, 1.0),  # 1.033, but no gain is above one
        ("log-mmse", 0.1, 10, 1 / 11 * math.exp(E1[10 / 11] / 2)),
    ],
)
def test_gains_as_published(rule: str, xi: float, gamma: float, expected: float) -> None:
    noise = torch.tensor([2.0], dtype=torch.float64)
    assert float(gain(rule, xi * noise, noise, gamma * noise)) == pytest.approx(expected, abs=1e-5)
