"""The dilated prior: an hourglass of densely connected convolutions with growing holes.

Narayanaswamy, Thiagarajan, Spanias 2021, "On the design of deep priors for unsupervised audio restoration": in each
scale of a U-Net the convolutions are dense (each sees the outputs of all before it) and their holes grow
exponentially, so that few layers span much time and many harmonics. Made small for a laptop: it draws the log-power and not
a complex spectrum, at every other frequency and frame, and bilinear interpolation brings the picture up.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from audioprior.model.evidence import Evidence
from audioprior.priors.hourglass import Hourglass, convolution
from audioprior.priors.network import PicturePrior, initialise

_STRIDE = 2  # bins from one drawn bin to the next, either way: neighbours share most of their window


class DenseBlock(nn.Module):
    """(batch, input, frequency, frame) → (batch, output, frequency, frame), through holes of 1, 2, 4, …"""

    def __init__(self, inputs: int, outputs: int, *, growth: int, dilations: int) -> None:
        super().__init__()
        widths = [inputs + i * growth for i in range(dilations)]
        self.layers = nn.ModuleList(convolution(width, growth, 3, dilation=2**i) for i, width in enumerate(widths))
        self.gather = convolution(inputs + dilations * growth, outputs, 1)

    def forward(self, picture: Tensor) -> Tensor:
        """Return what the convolutions drew, gathered into `output` channels."""
        for layer in self.layers:
            picture = torch.cat([picture, layer(picture)], 1)
        gathered: Tensor = self.gather(picture)
        return gathered


def dense_hourglass(inputs: int, outputs: int, *, filters: int, growth: int, dilations: int, levels: int) -> Hourglass:
    """Return an hourglass of a dense block a scale."""
    widths = [inputs, *[filters] * (levels - 1)]

    def dense(width: int) -> DenseBlock:
        return DenseBlock(width, filters, growth=growth, dilations=dilations)

    return Hourglass(
        down=[nn.Sequential(convolution(width, filters, 3, stride=2), dense(filters)) for width in widths],
        across=[convolution(width, growth, 1) for width in widths],
        up=[dense(filters + growth) for _ in widths],
        last=nn.Conv2d(filters, outputs, 1),
    )


class DilatedPrior(PicturePrior):
    """The dense hourglass as a prior on log λ, on top of each frequency's mean level."""

    def __init__(
        self,
        *,
        input_channels: int,
        filters: int,
        growth: int,
        dilations: int,
        levels: int,
        jitter: float,
        learning_rate: float,
        average: float,
        generator: torch.Generator,
    ) -> None:
        super().__init__(learning_rate, average, generator)
        self._inputs, self._filters, self._levels, self._jitter = input_channels, filters, levels, jitter
        self._growth, self._dilations = growth, dilations

    def network(self, evidence: Evidence) -> nn.Module:
        """Build the hourglass; short recordings get fewer scales."""
        batch, channels, *self._size = evidence.power.shape
        bins, frames = (-(-size // _STRIDE) for size in self._size)
        levels = max(1, min(self._levels, (min(bins, frames) - 1).bit_length() - 1))
        network = dense_hourglass(
            self._inputs,
            channels,
            filters=self._filters,
            growth=self._growth,
            dilations=self._dilations,
            levels=levels,
        )
        initialise(network, self.generator)
        shape = (batch, self._inputs, bins, frames)
        self._input = torch.rand(shape, generator=self.generator).to(evidence.power)
        self._level = self.level(evidence)
        return network

    def forward(self, network: nn.Module) -> Tensor:
        """Return the picture drawn from the input, freshly jittered."""
        drawn: Tensor = network(self.jittered(self._input, self._jitter))
        return functional.interpolate(drawn, size=self._size, mode="bilinear", align_corners=False) + self._level
