"""Deep Image Prior's hourglass: convolutions down, fixed bilinear interpolation up, thin skip connections.

Ulyanov, Vedaldi, Lempitsky 2018, "Deep image prior", section 4 and its supplement, made small enough for a laptop.
Interpolation that is not learned is what makes it resist noise; transposed convolutions reproduce it.
"""

import torch
from torch import Tensor, nn

from audioprior.model.evidence import Evidence
from audioprior.priors.hourglass import Hourglass, convolution
from audioprior.priors.network import PicturePrior, initialise


def hourglass(inputs: int, outputs: int, *, filters: int, skip_filters: int, levels: int) -> Hourglass:
    """Return an hourglass of two convolutions a scale."""
    widths = [inputs, *[filters] * (levels - 1)]
    return Hourglass(
        down=[nn.Sequential(convolution(width, filters, 3, stride=2), convolution(filters, filters, 3)) for width in widths],
        across=[convolution(width, skip_filters, 1) for width in widths],
        up=[convolution(filters + skip_filters, filters, 3) for _ in widths],
        last=nn.Conv2d(filters, outputs, 1),
    )


class SkipPrior(PicturePrior):
    """The hourglass as a prior on log λ, on top of each frequency's mean level."""

    def __init__(
        self,
        *,
        input_channels: int,
        filters: int,
        skip_filters: int,
        levels: int,
        jitter: float,
        learning_rate: float,
        average: float,
        generator: torch.Generator,
    ) -> None:
        super().__init__(learning_rate, average, generator)
        self._inputs, self._filters, self._skip_filters = input_channels, filters, skip_filters
        self._levels, self._jitter = levels, jitter

    def network(self, evidence: Evidence) -> nn.Module:
        """Build the hourglass; short recordings get fewer scales."""
        batch, channels, bins, frames = evidence.power.shape
        levels = max(1, min(self._levels, (min(bins, frames) - 1).bit_length() - 1))
        network = hourglass(self._inputs, channels, filters=self._filters, skip_filters=self._skip_filters, levels=levels)
        initialise(network, self.generator)
        shape = (batch, self._inputs, bins, frames)
        self._input = torch.rand(shape, generator=self.generator).to(evidence.power)
        self._level = self.level(evidence)
        return network

    def forward(self, network: nn.Module) -> Tensor:
        """Return the picture drawn from the input, freshly jittered."""
        drawn: Tensor = network(self.jittered(self._input, self._jitter)) + self._level
        return drawn
