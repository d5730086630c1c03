"""Deep Image Prior's hourglass: convolutions down, fixed bilinear interpolation up, thin skip connections.

Ulyanov, Vedaldi, Lempitsky 2018, "Deep image prior", section 4 and its supplement, made small enough for a laptop.
Interpolation that is not learned is what makes it resist noise; transposed convolutions reproduce it.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from audioprior import settings as s
from audioprior.evidence import Evidence
from audioprior.priors.network import PicturePrior, initialise

_SLOPE = 0.1


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2, padding_mode="replicate"),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(_SLOPE),
    )


class Hourglass(nn.Module):
    """(batch, input channel, frequency, frame) → (batch, channel, frequency, frame)."""

    def __init__(self, settings: s.Skip, channels: int, levels: int) -> None:
        super().__init__()
        width, thin = settings.filters, settings.skip_filters
        inputs = [settings.input_channels, *[width] * (levels - 1)]
        self.down = nn.ModuleList(
            nn.Sequential(_convolution(i, width, 3, stride=2), _convolution(width, width, 3)) for i in inputs
        )
        self.across = nn.ModuleList(_convolution(i, thin, 1) for i in inputs)
        self.up = nn.ModuleList(_convolution(width + thin, width, 3) for _ in inputs)
        self.last = nn.Conv2d(width, channels, 1)

    def forward(self, picture: Tensor) -> Tensor:
        """Return the picture that the weights make of `picture`."""
        carried: list[Tensor] = []
        for down, across in zip(self.down, self.across, strict=True):
            carried.append(across(picture))
            picture = down(picture)
        for up, side in zip(reversed(self.up), reversed(carried), strict=True):
            picture = functional.interpolate(picture, size=side.shape[-2:], mode="bilinear", align_corners=False)
            picture = up(torch.cat([picture, side], 1))
        drawn: Tensor = self.last(picture)
        return drawn


class SkipPrior(PicturePrior):
    """The hourglass as a prior on log λ, on top of each frequency's mean level."""

    def __init__(self, settings: s.Skip, generator: torch.Generator) -> None:
        super().__init__(settings.learning_rate, settings.average, generator)
        self._settings = settings

    def network(self, evidence: Evidence) -> nn.Module:
        """Build the hourglass; short recordings get fewer scales."""
        batch, channels, bins, frames = evidence.power.shape
        levels = max(1, min(self._settings.levels, (min(bins, frames) - 1).bit_length() - 1))
        network = Hourglass(self._settings, channels, levels)
        initialise(network, self.generator)
        shape = (batch, self._settings.input_channels, bins, frames)
        self._input = torch.rand(shape, generator=self.generator).to(evidence.power)
        self._level = self.level(evidence)
        return network

    def forward(self, network: nn.Module) -> Tensor:
        """Return the picture drawn from the input, freshly jittered."""
        noise = torch.randn(self._input.shape, generator=self.generator).to(self._input)
        drawn: Tensor = network(self._input + self._settings.jitter * noise) + self._level
        return drawn
