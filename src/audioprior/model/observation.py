"""Observations: what happened to the sound, one task a file.

To add one: a file here with a class that has the two verbs of `Observation`; if it learns more about |S|² as λ improves, it
says how often to ask it again.
"""

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from audioprior.model.evidence import Evidence

_MERGE_SHARPNESS = 4  # estimates are weighed by (expected error power)^-4: the best one decides, near ties average


@dataclass(frozen=True)
class Estimate:
    """The restored sound, and how sure it is.

    Attributes:
        sound: (channel, time).
        error_power: expected mean square error of `sound`, per sample.
    """

    sound: Tensor
    error_power: float


class Expecting(Protocol):
    """What a fit asks."""

    @property
    def renew_every(self) -> int | None:
        """After how many steps to ask `expect` again with the newest λ; None if λ changes nothing."""
        ...

    def expect(self, prior_power: Tensor | None) -> Evidence:
        """Return the expected power of the clean sound, given λ (None before there is one)."""
        ...


class Observation(Expecting, Protocol):
    """What the recording says about the clean sound."""

    def estimate(self, prior_power: Tensor) -> Estimate:
        """Return the restored sound, given λ."""
        ...


class Together:
    """Several observations of one shape, fitted as one batch."""

    def __init__(self, observations: list[Expecting]) -> None:
        self._observations = observations
        self.renew_every = observations[0].renew_every

    def expect(self, prior_power: Tensor | None) -> Evidence:
        """Return the evidence of all, along the batch; λ has as many."""
        powers = [None] * len(self._observations) if prior_power is None else torch.split(prior_power, 1)
        parts = [observation.expect(power) for observation, power in zip(self._observations, powers, strict=True)]
        if len(parts) == 1:
            return parts[0]
        fields = ((part.power, part.weight, part.added) for part in parts)
        return type(parts[0])(*(torch.cat(field) for field in zip(*fields, strict=True)))


def merge(estimates: list[Estimate]) -> Tensor:
    """Return the mean of several estimates of one sound, weighed by how sure each is."""
    least = min(estimate.error_power for estimate in estimates)
    weights = [((least + 1e-30) / (estimate.error_power + 1e-30)) ** _MERGE_SHARPNESS for estimate in estimates]
    total = sum(weights)
    return sum((estimate.sound * (w / total) for estimate, w in zip(estimates, weights, strict=True)), torch.zeros(()))
