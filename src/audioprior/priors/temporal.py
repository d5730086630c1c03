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
from audioprior.settings.priors import Temporal

_SLOPE = 0.1


class ActivityDecoder(nn.Module):
    """(batch, filter, coarse frame) → (batch, channel·frequency, frame), positive."""

    def __init__(self, settings: Temporal, rows: int) -> None:
        super().__init__()
        width = settings.filters
        layers: list[nn.Module] = []
        for _ in range(settings.levels):
            layers += [
                nn.Conv1d(width, width, 3, padding=1, padding_mode="replicate"),
                nn.BatchNorm1d(width),
                nn.LeakyReLU(_SLOPE),
                nn.Upsample(scale_factor=2, mode="linear", align_corners=False),
            ]
        self.activities = nn.Sequential(*layers, nn.Conv1d(width, settings.rank, 3, padding=1, padding_mode="replicate"))
        self.log_spectra = nn.Conv1d(settings.rank, rows, settings.taps, bias=False)

    def forward(self, seed: Tensor) -> Tensor:
        """Return the sum of all spectra, each times its activity."""
        activities = self.activities(seed).exp()
        # The coarse grid is chosen with frames to spare, which a spectrum's later frames use up.
        return nn.functional.conv1d(activities, self.log_spectra.weight.exp())


class TemporalPrior(PicturePrior):
    """A factorisation with drawn activities as a prior on λ, in units of each frequency's mean level."""

    def __init__(self, settings: Temporal, generator: torch.Generator) -> None:
        super().__init__(settings.learning_rate, settings.average, generator)
        self._settings = settings

    def network(self, evidence: Evidence) -> nn.Module:
        """Build the decoder and its random input, at least two coarse frames: batch norm needs more than one value."""
        settings = self._settings
        batch, channels, bins, frames = self._shape = evidence.power.shape
        network = ActivityDecoder(settings, channels * bins)
        initialise(network, self.generator)
        coarse = max(2, -(-(frames + settings.taps - 1) // 2**settings.levels))
        self._input = torch.randn((batch, settings.filters, coarse), generator=self.generator).to(evidence.power)
        self._level = self.level(evidence) - math.log(settings.rank * settings.taps)
        return network

    def forward(self, network: nn.Module) -> Tensor:
        """Return the logarithm of the factorisation, cropped to the recording."""
        drawn: Tensor = network(self.jittered(self._input, self._settings.jitter))[..., : self._shape[3]]
        return drawn.clamp_min(1e-20).log().view(self._shape) + self._level
