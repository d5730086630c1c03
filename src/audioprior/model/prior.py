"""The seam of a prior: what draws λ, the power of the clean sound."""

from typing import Protocol, runtime_checkable

from torch import Tensor

from audioprior.model.evidence import Evidence

Learned = list[Tensor]
"""Weights that do not belong to a moment of the sound, of one recording of a batch."""


class Prior(Protocol):
    """What draws λ.

    The design gave priors one verb that returns λ at each step. Drawing the whole spectrogram costs the blind-spot network
    as much as twenty steps of its fit, so the two are apart, and λ is drawn only when somebody looks.
    """

    def fit(self, evidence: Evidence) -> float:
        """Take one step towards the evidence; return the mean misfit before it."""
        ...

    def draw(self) -> Tensor:
        """Return λ: (batch, channel, frequency, frame), positive."""
        ...


@runtime_checkable
class Carrying(Prior, Protocol):
    """A prior whose weights another one of its kind can start from, at another part of the same recording."""

    def learned(self, place: int) -> Learned:
        """Return the weights of one recording of the batch."""
        ...
