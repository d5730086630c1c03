"""Observations: what happened to the sound, one task a file.

To add one: a file here with a class that has the two verbs of `Observation`; if it learns more about |S|² as λ improves, it
says how often to ask it again.
"""

from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from audioprior.evidence import Evidence


@dataclass(frozen=True)
class Estimate:
    """The restored sound, and how sure it is.

    Attributes:
        sound: (channel, time).
        error_power: expected mean square error of `sound`, per sample.
    """

    sound: Tensor
    error_power: float


class Observation(Protocol):
    """What the recording says about the clean sound."""

    @property
    def renew_every(self) -> int | None:
        """After how many steps to ask `expect` again with the newest λ; None if λ changes nothing."""
        ...

    def expect(self, prior_power: Tensor | None) -> Evidence:
        """Return the expected power of the clean sound, given λ (None before there is one)."""
        ...

    def estimate(self, prior_power: Tensor) -> Estimate:
        """Return the restored sound, given λ."""
        ...
