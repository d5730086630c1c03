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


class ConsensusPrior:
    """λ = the harmonic mean of the blind-spot network's λ and the factorisations' (geometric mean) λ."""

    def __init__(
        self,
        *,
        hidden: int,
        batch_bins: int,
        learning_rate: float,
        ranks: Sequence[int],
        nmf_share: float,
        planned_steps: int,
        generators: Sequence[torch.Generator],
        start: list[Tensor] | None = None,
    ) -> None:
        # The network's weights, then each factorisation's spectra.
        count = len(ranks)
        network, learned = (start[:-count], start[-count:]) if start else (None, [None] * count)
        self._continues = BlindSpotPrior(
            hidden=hidden,
            batch_bins=batch_bins,
            learning_rate=learning_rate,
            planned_steps=planned_steps,
            generators=generators,
            start=network,
        )
        self._repeats = [
            NmfPrior(rank=rank, generators=generators, start=None if spectra is None else [spectra])
            for rank, spectra in zip(ranks, learned, strict=True)
        ]
        # Factorisations settle sooner than the network: updates a step.
        self._share = nmf_share
        self._step = 0

    def fit(self, evidence: Evidence) -> float:
        """Take one step with the network and, now and then, one with each factorisation; return the network's misfit."""
        due = math.floor((self._step + 1) * self._share) - math.floor(self._step * self._share)
        for factorisation in self._repeats:
            for _ in range(max(due, int(self._step == 0))):
                factorisation.update(evidence)
        self._step += 1
        return self._continues.fit(evidence)

    def learned(self, place: int) -> list[Tensor]:
        """Return the network's weights and the factorisations' spectra."""
        spectra = [each for factorisation in self._repeats for each in factorisation.learned(place)]
        return self._continues.learned(place) + spectra

    def draw(self) -> Tensor:
        """Return λ."""
        repeats = torch.stack([factorisation.draw().log() for factorisation in self._repeats]).mean(0).exp()
        return 2 / (1 / self._continues.draw() + 1 / repeats)
