"""The hourglass that several priors draw with: down in scale, fixed bilinear interpolation up, thin connections across."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

_SLOPE = 0.1


def convolution(inputs: int, outputs: int, kernel: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    """Return a convolution that keeps the size (over the stride), with batch norm and a leaky rectifier."""
    reach = dilation * (kernel // 2)
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, kernel, stride, reach, dilation, padding_mode="replicate"),
        nn.BatchNorm2d(outputs),
        nn.LeakyReLU(_SLOPE),
    )


class Hourglass(nn.Module):
    """(batch, input channel, frequency, frame) → (batch, channel, frequency, frame)."""

    def __init__(
        self, *, down: Sequence[nn.Module], across: Sequence[nn.Module], up: Sequence[nn.Module], last: nn.Module
    ) -> None:
        """Take in the layers of each scale, from the finest to the coarsest, and the last one."""
        super().__init__()
        self.down, self.across, self.up = nn.ModuleList(down), nn.ModuleList(across), nn.ModuleList(up)
        self.last = last

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
