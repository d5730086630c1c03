"""The seed's prior: the generator of a DCGAN, with random weights, fitted to one spectrogram.

Structure as in Radford, Metz, Chintala 2016 ("Unsupervised representation learning with deep convolutional generative
adversarial networks", section 3) and as "Deep Audio Prior" (Virdi 2017) used it: a random vector is projected to a small
picture of many channels, which transposed convolutions (4×4, stride 2) with batch norm double until it covers the
spectrogram; a sigmoid spans the picture's range.

One difference from the code that the seed points to: that code writes `LeakyReLU(True)`, which sets the negative slope to
1.0 and makes every activation the identity. Here the slope is a real one (0.2, as in the DCGAN paper's discriminator).
"""

import torch
from torch import Tensor, nn

from audioprior.model.evidence import Evidence
from audioprior.priors.network import PicturePrior, initialise

_RANGE_MARGIN = 1.0  # nepers of log-power that the sigmoid can reach beyond the loudest and the quietest bin


class DcganPrior(PicturePrior):
    """DCGAN's generator as a prior on log λ."""

    def __init__(
        self,
        *,
        latent: int,
        filters: int,
        levels: int,
        slope: float,
        learning_rate: float,
        average: float,
        generator: torch.Generator,
    ) -> None:
        super().__init__(learning_rate, average, generator)
        self._latent, self._filters, self._levels, self._slope = latent, filters, levels, slope

    def network(self, evidence: Evidence) -> nn.Module:
        """Build the generator: latent vector → picture of at least the spectrogram's size."""
        batch, channels, bins, frames = evidence.power.shape
        factor = 2**self._levels
        # Two rows at least: batch norm needs more than one value a channel.
        height, width = max(2, -(-bins // factor)), -(-frames // factor)
        widths = [self._filters << level for level in reversed(range(self._levels))]
        layers: list[nn.Module] = [
            nn.Linear(self._latent, widths[0] * height * width),
            nn.Unflatten(1, (widths[0], height, width)),
        ]
        for inputs, outputs in zip(widths, [*widths[1:], channels], strict=True):
            layers += [
                nn.BatchNorm2d(inputs),
                nn.LeakyReLU(self._slope),
                nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1),
            ]
        network = nn.Sequential(*layers)
        initialise(network, self.generator)
        self._input = torch.randn((batch, self._latent), generator=self.generator).to(evidence.power)
        log_power = (evidence.power / self._scale).clamp_min(1e-20).log()
        # Digital silence would stretch the range for no use: the quietest percentile of bins is its foot.
        sample = log_power.flatten()[:: max(1, log_power.numel() // 100_000)]
        self._low = torch.quantile(sample, 0.01) - _RANGE_MARGIN
        self._high = log_power.max() + _RANGE_MARGIN
        self._size = (bins, frames)
        return network

    def forward(self, network: nn.Module) -> Tensor:
        """Return the picture, cropped to the spectrogram."""
        bins, frames = self._size
        picture = torch.sigmoid(network(self._input)[..., :bins, :frames])
        return self._low + (self._high - self._low) * picture
