"""The temporal prior: few spectra, whose activities are drawn by convolutions over time.

A factorisation lets each activity jump from frame to frame as it likes. Here the activities come from a network that sees
time only, with the frequencies gathered in its channels: random numbers on a coarse grid of times, which convolutions and
fixed interpolation make finer, level by level. That is the deep decoder (Heckel and Hand 2019, "Deep decoder: concise image
representations from untrained non-convolutional networks", section 2) in one dimension and with three taps for its one;
networks that run over time alone are what Michashvili and Wolf 2020 ("Speech denoising by accumulating per-frequency
modeling fluctuations") fit to the waveform. Spectra may last several frames, as in convolutive factorisation (Smaragdis
2004, "Non-negative matrix factor deconvolution").
"""

import math

import torch
from torch import Tensor, nn

from audioprior.model.evidence import Evidence
from audioprior.priors.network import PicturePrior, initialise

_SLOPE = 0.1


class ActivityDecoder(nn.Module):
    """(batch, filter, coarse frame) → (batch, channel·frequency, frame), positive."""

    def __init__(self, rows: int, *, rank: int, taps: int, filters: int, levels: int) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for _ in range(levels):
            layers += [
                nn.Conv1d(filters, filters, 3, padding=1, padding_mode="replicate"),
                nn.BatchNorm1d(filters),
                nn.LeakyReLU(_SLOPE),
                nn.Upsample(scale_factor=2, mode="linear", align_corners=False),
            ]
        self.activities = nn.Sequential(*layers, nn.Conv1d(filters, rank, 3, padding=1, padding_mode="replicate"))
        self.log_spectra = nn.Conv1d(rank, rows, taps, bias=False)

    def forward(self, seed: Tensor) -> Tensor:
        """Return the sum of all spectra, each times its activity."""
        activities = self.activities(seed).exp()
        # The coarse grid is chosen with frames to spare, which a spectrum's later frames use up.
        return nn.functional.conv1d(activities, self.log_spectra.weight.exp())


class TemporalPrior(PicturePrior):
    """A factorisation with drawn activities as a prior on λ, in units of each frequency's mean level."""

    def __init__(
        self,
        *,
        rank: int,
        taps: int,
        filters: int,
        levels: int,
        jitter: float,
        learning_rate: float,
        average: float,
        generator: torch.Generator,
    ) -> None:
        super().__init__(learning_rate, average, generator)
        self._rank, self._taps, self._filters, self._levels, self._jitter = rank, taps, filters, levels, jitter

    def network(self, evidence: Evidence) -> nn.Module:
        """Build the decoder and its random input, at least two coarse frames: batch norm needs more than one value."""
        batch, channels, bins, frames = self._shape = evidence.power.shape
        network = ActivityDecoder(
            channels * bins, rank=self._rank, taps=self._taps, filters=self._filters, levels=self._levels
        )
        initialise(network, self.generator)
        coarse = max(2, -(-(frames + self._taps - 1) // 2**self._levels))
        self._input = torch.randn((batch, self._filters, coarse), generator=self.generator).to(evidence.power)
        self._level = self.level(evidence) - math.log(self._rank * self._taps)
        return network

    def forward(self, network: nn.Module) -> Tensor:
        """Return the logarithm of the factorisation, cropped to the recording."""
        drawn: Tensor = network(self.jittered(self._input, self._jitter))[..., : self._shape[3]]
        return drawn.clamp_min(1e-20).log().view(self._shape) + self._level
