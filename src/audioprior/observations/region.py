"""A region of time and frequency that something else covers: what lay under it follows from λ around it."""

import torch
from torch import Tensor

from audioprior.model.evidence import Evidence
from audioprior.model.observation import Estimate
from audioprior.sound.spectrum import Transform


class RegionObservation:
    """Bins inside the region tell nothing of the sound; all others are exact.

    Attributes:
        renew_every: None; λ changes nothing that is heard.
    """

    renew_every = None

    def __init__(self, samples: Tensor, transform: Transform, covered: Tensor, hidden: Tensor, *, fill: str) -> None:
        """Take in a recording.

        Args:
            samples: (channel, time).
            transform: between samples and spectra.
            covered: (frequency, frame), true inside the region.
            hidden: (frequency, frame), true inside this or any other region: what tells nothing of the sound.
            fill: "mean", the least mean square error, or "sample", which keeps the energy that the sound should have.
        """
        self._samples, self._transform, self._fill = samples, transform, fill
        self._covered, self._hidden = covered, hidden
        self._spectrum = transform.analyse(samples)
        power = self._spectrum.abs().square()
        self._power = power.clamp_min(1e-20 * power.mean() + 1e-30)

    def expect(self, prior_power: Tensor | None) -> Evidence:  # noqa: ARG002 (see `renew_every`)
        """Return |Y|², with no weight inside the region."""
        weight = (~self._hidden).to(self._power).expand_as(self._power)
        return Evidence(self._power[None], weight[None], torch.zeros_like(self._power)[None])

    def estimate(self, prior_power: Tensor) -> Estimate:
        """Return the recording with the region turned down to λ; samples that no frame of the region holds stay exact.

        What covers the sound has the rest of the power, |Y|² − λ, so that Wiener's gain is λ/|Y|²; its root keeps energy.
        """
        gains = (prior_power[0] / self._power).clamp_max(1.0)
        if self._fill == "sample":
            gains = gains.sqrt()
        change = self._spectrum * ((gains - 1) * self._covered)
        added = self._transform.synthesise(change, self._samples.shape[1])
        touched = self._covered.any(0).nonzero()[:, 0]
        half, hop = self._transform.window // 2, self._transform.hop
        if len(touched):
            added[:, : max(0, int(touched[0]) * hop - half)] = 0
            added[:, int(touched[-1]) * hop + half :] = 0
        return Estimate(self._samples + added, float((prior_power[0] * self._covered).mean()))
