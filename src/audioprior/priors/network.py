"""What the networks that draw a whole picture share: seeded weights, optimiser, running average."""

import math
from abc import ABC, abstractmethod
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from audioprior.errors import FitError
from audioprior.model.evidence import Evidence
from audioprior.priors.adam import Adam

_LARGEST_GRADIENT = 1.0


def initialise(module: nn.Module, generator: torch.Generator) -> None:
    """Draw all weights of convolutions, linear and recurrent layers anew, by PyTorch's rule but from a generator of ours.

    Uniform within ±1/√fan-in (He et al. 2015 with a = √5), where the fan-in of a recurrent cell is the number of cells. A
    seed then decides a fit, and no global state is touched.
    """
    for layer in module.modules():
        if isinstance(layer, nn.RNNBase):
            _uniform(layer.parameters(recurse=False), 1 / math.sqrt(layer.hidden_size), generator)
        if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d | nn.ConvTranspose2d):
            fan_in = layer.weight[0].numel()
            _uniform((p for p in layer.parameters(recurse=False)), 1 / math.sqrt(fan_in), generator)


def _uniform(parameters: Iterable[nn.Parameter], bound: float, generator: torch.Generator) -> None:
    with torch.no_grad():
        for parameter in parameters:
            parameter.copy_((2 * torch.rand(parameter.shape, generator=generator) - 1) * bound)


class PicturePrior(ABC):
    """A network that draws log λ as a picture, fitted by Adam.

    Subclasses give `network()`, which is built when the size of the picture is known, and `forward()`.
    """

    def __init__(self, learning_rate: float, average: float, generator: torch.Generator) -> None:
        self._learning_rate, self._average, self.generator = learning_rate, average, generator
        self._network: nn.Module | None = None
        self._mean: Tensor | None = None

    @abstractmethod
    def network(self, evidence: Evidence) -> nn.Module:
        """Build the network for a picture of this size, its weights drawn from `self.generator`.

        The evidence is filled: its power may be read in every bin.
        """

    @abstractmethod
    def forward(self, network: nn.Module) -> Tensor:
        """Return log λ / mean power: (batch, channel, frequency, frame)."""

    def jittered(self, numbers: Tensor, deviation: float) -> Tensor:
        """Return the network's random input with fresh noise on top, which keeps it from learning single numbers."""
        noise = torch.randn(numbers.shape, generator=self.generator).to(numbers)
        return numbers + deviation * noise

    def level(self, evidence: Evidence) -> Tensor:
        """Return the logarithm of each frequency's mean power of sound, on which a picture is drawn.

        (batch, channel, frequency, 1), in units of the mean power that was heard; 30 dB below it at the least.
        """
        excess = (evidence.power - evidence.added).mean(3, keepdim=True)
        return (excess.clamp_min(1e-3 * self._scale) / self._scale).log()

    def fit(self, evidence: Evidence) -> float:
        """Take one step of Adam on the mean misfit."""
        if self._network is None:
            known = evidence.filled()
            # Powers in units of their mean, so that no learning rate depends on how loud the recording is.
            self._scale = known.power.mean() + 1e-30
            with torch.random.fork_rng(devices=[]):  # PyTorch's layers draw first weights from the global generator
                self._network = self.network(known).to(evidence.power.device)
            self._adam = Adam(list(self._network.parameters()))
        picture = self.forward(self._network)
        loss = evidence.misfit(picture.exp() * self._scale).mean()
        # A few loud bins above a quiet guess would throw the first steps far off.
        self._adam.step(loss, self._learning_rate, largest=_LARGEST_GRADIENT)
        drawn = picture.detach()
        self._mean = drawn if self._mean is None else torch.lerp(drawn, self._mean, self._average)
        return float(loss.detach())

    def draw(self) -> Tensor:
        """Return λ: the running (geometric) average of the network's outputs."""
        if self._mean is None:
            raise FitError("nothing was fitted yet; call fit before draw.")
        return self._mean.exp() * self._scale
