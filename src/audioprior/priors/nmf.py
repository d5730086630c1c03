"""Non-negative matrix factorisation: the control that a network has to beat in the same seat."""

from collections.abc import Sequence

import torch
from torch import Tensor

from audioprior.errors import FitError
from audioprior.model.evidence import Evidence, Picture

_FLOOR = 1e-6  # of the mean power
_TINY = 1e-30
_BAND = 1 << 18  # bins that are updated at once, about: a step's arrays then stay in a processor's cache
_LOSS_STRIDE = 4  # every fourth frame has a say in the loss: they overlap, and a logarithm costs as much as an update


class NmfPrior:
    """λ = W·H with few columns in W, by multiplicative updates of the Itakura-Saito divergence.

    The noise stands as a fixed further component, λ + ν = W·H + ν. Channels share the activities H and have their own
    spectra W. (Févotte, Bertin, Durrieu 2009, section 4; the updates are the heuristic ones, without the square root under
    which Févotte and Idier 2011, "Algorithms for nonnegative matrix factorization with the β-divergence", prove that
    the misfit never rises: they get as far in half the steps, and no recording was seen on which it rose.)
    """

    def __init__(self, *, rank: int, generators: Sequence[torch.Generator], start: list[Tensor] | None = None) -> None:
        self._rank, self._generators, self._start = rank, generators, start
        self._seen: Evidence | None = None

    def fit(self, evidence: Evidence) -> float:
        """Update the spectra, then the activities; return the misfit before."""
        if evidence is not self._seen:
            self._see(evidence)
        frames = slice(None, None, _LOSS_STRIDE)
        total = self._spectra @ self._activities[..., frames] + self._added[..., frames]
        misfit = self._weight[..., frames] * (total.log() + self._power[..., frames] / total)
        self.update(evidence)
        return float(misfit.mean())

    def update(self, evidence: Evidence) -> None:
        """Update the spectra, then the activities."""
        if evidence is not self._seen:
            self._see(evidence)
        h = self._activities
        higher, lower = torch.zeros_like(h), torch.zeros_like(h)
        for band in self._bands:
            w = self._spectra[:, band]
            above, below = self._slopes(band)
            w *= (above @ h.mT) / (below @ h.mT + _TINY)
            above, below = self._slopes(band)
            higher.baddbmm_(w.mT, above)
            lower.baddbmm_(w.mT, below)
        h *= higher / (lower + _TINY)

    def draw(self) -> Tensor:
        """Return λ."""
        if self._seen is None:
            raise FitError("nothing was fitted yet; call fit before draw.")
        return (self._spectra @ self._activities + self._floor).view(self._seen.power.shape)

    def learned(self, place: int) -> list[Tensor]:
        """Return the spectra, at the loudness at which fresh activities meet them."""
        loudness = self._activities[place].mean(1) * self._rank
        return [self._spectra[place] * loudness]

    def _see(self, evidence: Evidence) -> None:
        """Lay out evidence, and at first random spectra and activities."""
        if isinstance(evidence, Picture):
            raise FitError("nmf fits likelihoods only; choose a network for the image observation.")
        # (batch, channel·frequency, frame)
        self._power, self._weight, added = (p.flatten(1, 2) for p in (evidence.power, evidence.weight, evidence.added))
        if self._seen is None:
            batch, rows, frames = self._power.shape
            known = evidence.filled().power.flatten(1, 2)
            mean = known.mean((1, 2), keepdim=True) + _TINY
            shapes = ((rows, self._rank), (self._rank, frames))
            drawn = ([torch.rand(shape, generator=numbers) for numbers in self._generators] for shape in shapes)
            w, h = (torch.stack(each).to(self._power) + 0.1 for each in drawn)
            self._floor = _FLOOR * mean
            # Starting from the recording's own long-term spectrum spares the first dozens of updates.
            self._spectra = w * known.mean(2, keepdim=True).clamp_min(self._floor)
            if self._start is not None:
                self._spectra = self._start[0].to(w).expand_as(w).clone()
            self._activities = h / self._rank
            height = max(1, _BAND // frames)
            self._bands = [slice(start, min(start + height, rows)) for start in range(0, rows, height)]
            # Memory that every step writes into: fresh pages cost more than the arithmetic.
            self._buffers = self._power.new_empty(3, batch, min(height, rows), frames)
        self._added = added + self._floor
        self._seen = evidence

    def _slopes(self, band: slice) -> tuple[Tensor, Tensor]:
        """Return what of the misfit's slope wants λ higher and lower: weight · P / (λ + ν)² and weight / (λ + ν)."""
        power, weight, added = self._power[:, band], self._weight[:, band], self._added[:, band]
        total, above, below = self._buffers[:, :, : power.shape[1]]
        torch.baddbmm(added, self._spectra[:, band], self._activities, out=total)
        torch.div(weight, total, out=below)
        torch.mul(power, below, out=above).div_(total)
        return above, below
