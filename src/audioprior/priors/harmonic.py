"""The harmonic prior: convolutions whose taps lie at a frequency's harmonics.

Zhang, Wang, Gan, Wu, Tenenbaum, Torralba, Freeman 2020, "Deep audio priors emerge from harmonic convolutional networks":
sound does not repeat from one frequency to the next, as a picture does, but from one to its multiples. A kernel of K
harmonics with anchor n looks at the frequencies f·k/n, k = 1 … K, that is, it takes f for the n-th harmonic of a note and
looks at the note's others. Several anchors share a kernel here and are mixed by learned weights.

It draws the log-power and not the complex spectrum (the phase is the recording's, as in all priors of this project), and
by plain gathering: each distinct ratio k/n is looked up once, by linear interpolation between the two bins beside f·k/n.
"""

from fractions import Fraction

import torch
from torch import Tensor, nn
from torch.nn import functional

from audioprior.model.evidence import Evidence
from audioprior.priors.network import PicturePrior, initialise

_SLOPE = 0.1
_TAPS = 3  # frames that a kernel spans
_STRIDE = 2  # frames from one drawn frame to the next: half-overlapping windows; those between are interpolated


class HarmonicConvolution(nn.Module):
    """(batch, input, frequency, frame) → (batch, output, frequency, frame), with K harmonics and N anchors.

    Bin 0 is 0 Hz. Beyond the highest frequency there is nothing: zero.
    """

    def __init__(self, inputs: int, outputs: int, harmonics: int, anchors: int) -> None:
        super().__init__()
        pairs = {(k, n): Fraction(k, n) for k in range(1, harmonics + 1) for n in range(1, anchors + 1)}
        self.ratios = sorted(set(pairs.values()))
        place = torch.zeros(anchors, harmonics, len(self.ratios))
        for (k, n), ratio in pairs.items():
            place[n - 1, k - 1, self.ratios.index(ratio)] = 1
        self.register_buffer("place", place)
        self.kernel = nn.Conv2d(inputs, outputs, (harmonics, _TAPS))  # never run: it holds K's weights and bias
        self.mix = nn.Parameter(torch.full((anchors,), 1 / anchors))

    def forward(self, picture: Tensor) -> Tensor:
        """Gather the harmonics of each frequency, then weigh them and the frames beside."""
        batch, inputs, bins, frames = picture.shape
        below, share = self.places(bins, picture.device)
        padded = functional.pad(picture, (_TAPS // 2, _TAPS // 2, 0, 2), mode="constant")
        low, high = padded.index_select(2, below), padded.index_select(2, below + 1)
        gathered = torch.lerp(low, high, share[:, None].to(picture))
        weights = torch.einsum("oikt,nkr,n->oirt", self.kernel.weight, self.place, self.mix).flatten(1, 2)
        gathered = gathered.view(batch, inputs * len(self.ratios), bins, frames + 2 * (_TAPS // 2))
        return functional.conv2d(gathered, weights[:, :, None], self.kernel.bias)

    def places(self, bins: int, device: torch.device) -> tuple[Tensor, Tensor]:
        """Return, for each ratio and frequency, the bin below f·ratio and the share of the one above: (ratio·frequency,)."""
        ratios = torch.tensor([float(ratio) for ratio in self.ratios], device=device)
        where = (ratios[:, None] * torch.arange(bins, device=device)).flatten()
        where = torch.where(where <= bins - 1, where, float(bins))  # the row of zeros above the highest frequency
        below = where.floor()
        return below.long(), where - below


class HarmonicNetwork(nn.Module):
    """(batch, input channel, frequency, frame) → (batch, channel, frequency, frame): harmonic layers with batch norm."""

    def __init__(self, inputs: int, outputs: int, *, filters: int, harmonics: int, anchors: int, layers: int) -> None:
        super().__init__()
        widths = [inputs, *[filters] * (layers - 1)]
        self.layers = nn.ModuleList(
            nn.Sequential(
                HarmonicConvolution(width, filters, harmonics, anchors),
                nn.BatchNorm2d(filters),
                nn.LeakyReLU(_SLOPE),
            )
            for width in widths
        )
        self.last = nn.Conv2d(filters, outputs, 1)

    def forward(self, picture: Tensor) -> Tensor:
        """Return the picture that the weights make of `picture`."""
        for layer in self.layers:
            picture = layer(picture)
        drawn: Tensor = self.last(picture)
        return drawn


class HarmonicPrior(PicturePrior):
    """Harmonic convolutions as a prior on log λ, on top of each frequency's mean level."""

    def __init__(
        self,
        *,
        input_channels: int,
        filters: int,
        harmonics: int,
        anchors: int,
        layers: int,
        jitter: float,
        learning_rate: float,
        average: float,
        generator: torch.Generator,
    ) -> None:
        super().__init__(learning_rate, average, generator)
        self._inputs, self._filters, self._layers, self._jitter = input_channels, filters, layers, jitter
        self._harmonics, self._anchors = harmonics, anchors

    def network(self, evidence: Evidence) -> nn.Module:
        """Build the network and its random input."""
        batch, channels, *self._size = evidence.power.shape
        network = HarmonicNetwork(
            self._inputs,
            channels,
            filters=self._filters,
            harmonics=self._harmonics,
            anchors=self._anchors,
            layers=self._layers,
        )
        initialise(network, self.generator)
        bins, frames = self._size
        shape = (batch, self._inputs, bins, -(-frames // _STRIDE))
        self._input = torch.rand(shape, generator=self.generator).to(evidence.power)
        self._level = self.level(evidence)
        return network

    def forward(self, network: nn.Module) -> Tensor:
        """Return the picture drawn from the input, freshly jittered."""
        drawn: Tensor = network(self.jittered(self._input, self._jitter))
        drawn = functional.interpolate(drawn, size=self._size, mode="bilinear", align_corners=False)
        return drawn + self._level
