"""Two priors as others publish them, to time (`bench.speed`) and to score against; nothing of the tool uses them.

Deep Image Prior is the recipe of deepinv 0.5.0 with its documented defaults (`deepinv.models.ConvDecoder`,
`DeepImagePrior`). The package itself needs torchvision, which does not load beside the CPU build of torch that is pinned
here; its decoder was compared with this one, output for output. The Wave-U-Net prior is the one of Michelashvili and Wolf
2020, "Speech denoising by accumulating per-frequency modeling fluctuations".
"""

import math
from collections.abc import Iterator
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from audioprior.sound.spectrum import Transform

DIP_STEPS, DIP_RATE, DIP_CHANNELS, DIP_LAYERS, DIP_SIDE = 2500, 1e-2, 256, 7, 4
WAVE_STEPS, WAVE_RATE, WAVE_GROWTH, WAVE_LEVELS = 5000, 1e-3, 60, 6
WINDOW_MS = 64.0


def deep_image_prior(noisy: Tensor, rate: int) -> Iterator[Tensor]:
    """Fit the picture of a sound's log-magnitudes; yield each step's sound, (time,), with the noisy phase."""
    transform = Transform.of(rate, WINDOW_MS)
    spectrum = transform.analyse(noisy[None].float())
    picture = spectrum.abs().clamp_min(1e-5).log()
    mean, spread = picture.mean(), picture.std()
    target = ((picture - mean) / spread)[None]
    network = conv_decoder(target.shape[2:])
    given = torch.randn(1, DIP_CHANNELS, DIP_SIDE, DIP_SIDE)
    adam = torch.optim.Adam(network.parameters(), lr=DIP_RATE)
    while True:
        drawn = network(given)
        adam.zero_grad()
        functional.mse_loss(drawn, target).backward()  # type: ignore[no-untyped-call]
        adam.step()
        magnitude = (drawn.detach()[0] * spread + mean).exp()
        yield transform.synthesise(magnitude * torch.sgn(spectrum), len(noisy))[0]


def conv_decoder(size: tuple[int, ...]) -> nn.Sequential:
    """Return the decoder of Darestani and Heckel 2021, "Accelerated MRI with un-trained neural networks"."""
    scales = [(side / DIP_SIDE) ** (1 / (DIP_LAYERS - 1)) for side in size]
    sizes = [tuple(math.ceil(s**n * DIP_SIDE) for s in scales) for n in range(1, DIP_LAYERS - 1)] + [tuple(size)]
    layers: list[nn.Module] = []
    for wanted in [*sizes, None]:
        if wanted is not None:
            layers.append(nn.Upsample(size=wanted, mode="nearest"))
        layers += [nn.Conv2d(DIP_CHANNELS, DIP_CHANNELS, 3, padding=1), nn.ReLU(inplace=True), nn.BatchNorm2d(DIP_CHANNELS)]
    return nn.Sequential(*layers, nn.Conv2d(DIP_CHANNELS, 1, 1))


def wave_u_net_prior(noisy: Tensor) -> Iterator[Tensor]:
    """Fit the waveform itself; yield each step's output, (time,)."""
    length = len(noisy) - len(noisy) % 2**WAVE_LEVELS
    peak = noisy.abs().max()
    target = (noisy[None, None, :length] / peak).float()
    network, given = WaveUNet(), 2 * torch.rand_like(target) - 1
    adam = torch.optim.Adam(network.parameters(), lr=WAVE_RATE)
    while True:
        drawn = network(given)
        adam.zero_grad()
        functional.mse_loss(drawn, target).backward()  # type: ignore[no-untyped-call]
        adam.step()
        yield functional.pad(drawn.detach()[0, 0] * peak, (0, len(noisy) - length))


class WaveUNet(nn.Module):
    """An hourglass over samples: 60 filters more a level, kernels of 15 down and 5 up, every second sample kept."""

    def __init__(self) -> None:
        super().__init__()
        widths = [1, *(WAVE_GROWTH * level for level in range(1, WAVE_LEVELS + 1))]
        self.down = nn.ModuleList(_layer(a, b, 15) for a, b in pairwise(widths))
        self.middle = _layer(widths[-1], widths[-1], 15)
        self.up = nn.ModuleList(_layer(b + below, b, 5) for b, below in pairwise([*widths[1:], widths[-1]]))
        self.last = nn.Conv1d(widths[1] + 1, 1, 1)

    def forward(self, given: Tensor) -> Tensor:
        """(batch, 1, time) → (batch, 1, time)."""
        kept, now = [], given
        for layer in self.down:
            now = layer(now)
            kept.append(now)
            now = now[..., ::2]
        now = self.middle(now)
        for layer, beside in zip(reversed(self.up), reversed(kept), strict=True):
            now = functional.interpolate(now, size=beside.shape[2], mode="linear", align_corners=True)
            now = layer(torch.cat([now, beside], 1))
        return torch.tanh(self.last(torch.cat([now, given], 1)))


def _layer(inputs: int, outputs: int, taps: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv1d(inputs, outputs, taps, padding=taps // 2), nn.BatchNorm1d(outputs), nn.LeakyReLU(0.1))
