"""The recurrent prior: cells that remember run over random numbers and draw one spectrum a turn.

"Deep Audio Prior" (Virdi 2017) names recurrent networks as a thing to try. The cells are gated recurrent units
(Cho et al. 2014, "Learning phrase representations using RNN encoder-decoder for statistical machine translation", section
2.3), in both directions; a linear layer makes the spectrum, a log-power, of what they hold.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from audioprior.model.evidence import Evidence
from audioprior.priors.network import PicturePrior, initialise


class RecurrentNetwork(nn.Module):
    """(batch, turn, input) → (batch, channel·frequency, turn)."""

    def __init__(self, inputs: int, rows: int, *, hidden: int) -> None:
        super().__init__()
        self.cells = nn.GRU(inputs, hidden, batch_first=True, bidirectional=True)
        self.spectra = nn.Linear(2 * hidden, rows)

    def forward(self, numbers: Tensor) -> Tensor:
        """Return the spectra that the cells draw while they run over `numbers`."""
        held, _ = self.cells(numbers)
        spectra: Tensor = self.spectra(held)
        return spectra.mT


class RecurrentPrior(PicturePrior):
    """Recurrent cells as a prior on log λ, on top of each frequency's mean level."""

    def __init__(
        self,
        *,
        inputs: int,
        hidden: int,
        stride: int,
        jitter: float,
        learning_rate: float,
        average: float,
        generator: torch.Generator,
    ) -> None:
        super().__init__(learning_rate, average, generator)
        self._inputs, self._hidden, self._stride, self._jitter = inputs, hidden, stride, jitter

    def network(self, evidence: Evidence) -> nn.Module:
        """Build the cells and their random input."""
        batch, channels, bins, frames = self._shape = evidence.power.shape
        network = RecurrentNetwork(self._inputs, channels * bins, hidden=self._hidden)
        initialise(network, self.generator)
        shape = (batch, -(-frames // self._stride), self._inputs)
        self._input = torch.randn(shape, generator=self.generator).to(evidence.power)
        self._level = self.level(evidence)
        return network

    def forward(self, network: nn.Module) -> Tensor:
        """Return the spectra drawn from the input, freshly jittered, at every frame."""
        drawn = network(self.jittered(self._input, self._jitter))
        drawn = functional.interpolate(drawn, size=self._shape[3], mode="linear", align_corners=False)
        return drawn.view(self._shape) + self._level
