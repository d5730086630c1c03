"""Deep Image Prior's hourglass: convolutions down, fixed bilinear interpolation up, thin skip connections.

Ulyanov, Vedaldi, Lempitsky 2018, "Deep image prior", section 4 and its supplement, made small enough for a laptop.
Interpolation that is not learned is what makes it resist noise; transposed convolutions reproduce it.
"""

import torch
from torch import Tensor, nn

from audioprior.model.evidence import Evidence
from audioprior.priors.hourglass import Hourglass, convolution
from audioprior.priors.network import PicturePrior, initialise
from audioprior.settings.priors import Skip


def hourglass(settings: Skip, channels: int, levels: int) -> Hourglass:
    """Return an hourglass of two convolutions a scale."""
    width, thin = settings.filters, settings.skip_filters
    inputs = [settings.input_channels, *[width] * (levels - 1)]
    return Hourglass(
        down=[nn.Sequential(convolution(i, width, 3, stride=2), convolution(width, width, 3)) for i in inputs],
        across=[convolution(i, thin, 1) for i in inputs],
        up=[convolution(width + thin, width, 3) for _ in inputs],
        last=nn.Conv2d(width, channels, 1),
    )


class SkipPrior(PicturePrior):
    """The hourglass as a prior on log λ, on top of each frequency's mean level."""

    def __init__(self, settings: Skip, generator: torch.Generator) -> None:
        super().__init__(settings.learning_rate, settings.average, generator)
        self._settings = settings

    def network(self, evidence: Evidence) -> nn.Module:
        """Build the hourglass; short recordings get fewer scales."""
        batch, channels, bins, frames = evidence.power.shape
        levels = max(1, min(self._settings.levels, (min(bins, frames) - 1).bit_length() - 1))
        network = hourglass(self._settings, channels, levels)
        initialise(network, self.generator)
        shape = (batch, self._settings.input_channels, bins, frames)
        self._input = torch.rand(shape, generator=self.generator).to(evidence.power)
        self._level = self.level(evidence)
        return network

    def forward(self, network: nn.Module) -> Tensor:
        """Return the picture drawn from the input, freshly jittered."""
        drawn: Tensor = network(self.jittered(self._input, self._settings.jitter)) + self._level
        return drawn
