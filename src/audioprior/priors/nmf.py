"""Non-negative matrix factorisation: the control that a network has to beat in the same seat."""

import torch
from torch import Tensor

from audioprior import settings as s
from audioprior.errors import FitError
from audioprior.evidence import Evidence, Picture

_FLOOR = 1e-6  # of the mean power


class NmfPrior:
    """λ = W·H with few columns in W, by multiplicative updates of the Itakura-Saito divergence.

    The noise stands as a fixed further component, λ + ν = W·H + ν. Channels share the activities H and have their own
    spectra W. (Févotte, Bertin, Durrieu 2009; the updates are the majorise-minimise ones of Févotte and Idier 2011,
    "Algorithms for nonnegative matrix factorization with the β-divergence", with exponent 1/2, so the misfit never rises.)
    """

    def __init__(self, settings: s.Nmf, generator: torch.Generator) -> None:
        self._rank, self._generator = settings.rank, generator
        self._spectra: Tensor | None = None
        self._activities: Tensor | None = None
        self._shape = torch.Size()

    def fit(self, evidence: Evidence) -> float:
        """Update the activities, then the spectra."""
        if isinstance(evidence, Picture):
            raise FitError("nmf fits likelihoods only; choose a network for the image observation.")
        power, weight, added = (
            part.flatten(1, 2) for part in (evidence.power, evidence.weight, evidence.added)
        )  # (batch, channel·frequency, frame)
        if self._spectra is None or self._activities is None:
            self._shape = evidence.power.shape
            batch, rows, frames = power.shape
            mean = power.mean((1, 2), keepdim=True) + 1e-30
            shapes = ((batch, rows, self._rank), (batch, self._rank, frames))
            w, h = (torch.rand(shape, generator=self._generator).to(power) + 0.1 for shape in shapes)
            # Starting from the recording's own long-term spectrum spares the first dozens of updates.
            self._spectra, self._activities = w * power.mean(2, keepdim=True).clamp_min(_FLOOR * mean), h / self._rank
            self._floor = _FLOOR * mean
        w, h = self._spectra, self._activities
        total = w @ h + added + self._floor
        loss = float(evidence.misfit((w @ h + self._floor).view(self._shape)).mean())
        h = h * ((w.mT @ (weight * power / total**2)) / (w.mT @ (weight / total) + 1e-30)).sqrt()
        total = w @ h + added + self._floor
        w = w * (((weight * power / total**2) @ h.mT) / ((weight / total) @ h.mT + 1e-30)).sqrt()
        self._spectra, self._activities = w, h
        return loss

    def draw(self) -> Tensor:
        """Return λ."""
        if self._spectra is None or self._activities is None:
            raise FitError("nothing was fitted yet; call fit before draw.")
        return (self._spectra @ self._activities + self._floor).view(self._shape)
