"""The consensus prior: sound is what continues and repeats.

Two untrained models see the same recording. The blind-spot network believes what *continues* in its neighbourhood: it takes
any burst of noise that fills a neighbourhood for sound. A factorisation believes what *repeats* over the recording: few
spectra that come and go, a coarse picture, and it saw each bin. Where only one of the two believes in a bin's power, the
power is noise far more often than not; so λ is their harmonic mean, in which the smaller has the say. (The smaller alone is
a little better where the noise power is known, and worse where it is over-estimated: `bench/NOTES.md`.)

The factorisation is the geometric mean of several ranks, since the right one differs between a bird and an orchestra.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from audioprior.model.evidence import Evidence
from audioprior.priors.blindspot import BlindSpotPrior
from audioprior.priors.nmf import NmfPrior
from audioprior.settings.priors import Consensus, Nmf


class ConsensusPrior:
    """λ = the harmonic mean of the blind-spot network's λ and the factorisations' (geometric mean) λ."""

    def __init__(
        self,
        settings: Consensus,
        planned_steps: int,
        generators: Sequence[torch.Generator],
        start: list[Tensor] | None = None,
    ) -> None:
        # The network's weights, then each factorisation's spectra.
        count = len(settings.ranks)
        network, spectra = (start[:-count], start[-count:]) if start else (None, [None] * count)
        self._continues = BlindSpotPrior(settings.network, planned_steps, generators, network)
        self._repeats = [
            NmfPrior(Nmf(rank=rank), generators, None if one is None else [one])
            for rank, one in zip(settings.ranks, spectra, strict=True)
        ]
        # Factorisations settle sooner than the network: updates a step.
        self._share = settings.nmf_share
        self._step = 0

    def fit(self, evidence: Evidence) -> float:
        """Take one step with the network and, now and then, one with each factorisation; return the network's misfit."""
        due = math.floor((self._step + 1) * self._share) - math.floor(self._step * self._share)
        for one in self._repeats:
            for _ in range(max(due, int(self._step == 0))):
                one.update(evidence)
        self._step += 1
        return self._continues.fit(evidence)

    def learned(self, place: int) -> list[Tensor]:
        """Return the network's weights and the factorisations' spectra."""
        return self._continues.learned(place) + [spectra for one in self._repeats for spectra in one.learned(place)]

    def draw(self) -> Tensor:
        """Return λ."""
        repeats = torch.stack([one.draw().log() for one in self._repeats]).mean(0).exp()
        return 2 / (1 / self._continues.draw() + 1 / repeats)
