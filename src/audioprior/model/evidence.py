"""What a recording says about the power of the clean sound: the seam between observations and priors."""

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

EULER = 0.5772156649
LOG_NOISE_VARIANCE = (math.pi / (2 * math.sqrt(6) * math.log(10))) ** 2  # of log10 of an exponential's root: 5.57 dB
NOISE_ONLY = 4.0  # a bin below this many times the noise power is taken for noise (98 % of noise bins are)


@dataclass(frozen=True)
class Evidence:
    """The expected power of the clean sound in each bin, and how to judge a guess λ at it.

    All tensors are (batch, channel, frequency, frame).

    Attributes:
        power: P, the power that was heard in the bin.
        weight: 0 where nothing was heard, 1 where all was.
        added: ν, the power that is added to the clean sound's before it is heard: the noise.
    """

    power: Tensor
    weight: Tensor
    added: Tensor

    def misfit(self, prior_power: Tensor) -> Tensor:
        """Return the cost of λ in each bin: the negative log-likelihood of P, up to a constant.

        P is exponentially distributed with mean λ + ν in the local Gaussian model, so the cost is the Itakura-Saito
        divergence log(λ + ν) + P / (λ + ν) (Févotte, Bertin, Durrieu 2009, "Nonnegative matrix factorization with the
        Itakura-Saito divergence", section 2).
        """
        total = prior_power + self.added
        return self.weight * (total.log() + self.power / total)

    def divergence(self, prior_power: Tensor) -> float:
        """Return how far λ + ν is from the heard power on average: 0 where it copies every bin."""
        exact = replace(self, added=torch.zeros_like(self.added)).misfit(self.power)
        return float((self.misfit(prior_power) - exact).sum() / self.weight.sum().clamp_min(1))

    @property
    def expected_divergence(self) -> float:
        """The divergence that the true λ would have: E[x − log x − 1] of exponential x, Euler's constant."""
        return EULER

    def at(self, index: Tensor) -> "Evidence":
        """Return the evidence of some bins.

        Args:
            index: (batch, number), positions in the flattened (channel, frequency, frame).
        """
        power, weight, added = (part.flatten(1).gather(1, index) for part in (self.power, self.weight, self.added))
        return replace(self, power=power, weight=weight, added=added)

    def masked(self, keep: Tensor) -> "Evidence":
        """Return evidence in which only the bins of `keep` (1 or 0) were heard."""
        return replace(self, weight=self.weight * keep)

    @property
    def heard(self) -> Tensor:
        """Whether anything was heard in each bin; what the power is where nothing was must teach nobody."""
        return self.weight > 0

    def filled(self) -> "Evidence":
        """Return the same evidence with a guess in place of the power of bins in which nothing was heard.

        What a prior reads beside the misfit, such as the level that it starts from, it reads here.
        """
        return replace(self, power=filled(self.power, self.heard))


@dataclass(frozen=True)
class Picture(Evidence):
    """The picture of the spectrogram itself as evidence: squared error on the log-magnitude, no likelihood.

    This is how the first deep priors read a spectrogram (Virdi 2017, "Deep Audio Prior"); noise is not modelled.
    """

    @property
    def expected_divergence(self) -> float:
        """The divergence that the clean picture would have: the spread of log-noise in the bins that are noise."""
        noise_only = (self.power < NOISE_ONLY * self.added).to(self.power)
        return LOG_NOISE_VARIANCE * float((self.weight * noise_only).mean() / self.weight.mean().clamp_min(1e-30))

    def misfit(self, prior_power: Tensor) -> Tensor:
        """Return the squared distance of the log-magnitudes in units of 20 dB, so that losses are of order one."""
        decades = (prior_power.log() - self.power.clamp_min(1e-30).log()) / (2 * math.log(10))
        return self.weight * decades.square()


def heard_everywhere(power: Tensor, added: Tensor) -> Evidence:
    """Return evidence with full weight in every bin; `added` is broadcast to the shape of `power`.

    Laid out in memory as a fit reads it, step by step.
    """
    power = power.contiguous()
    return Evidence(power, torch.ones_like(power), added.expand_as(power).contiguous())


def filled(values: Tensor, heard: Tensor) -> Tensor:
    """Return values with a guess where nothing was heard: the mean over time of what was heard at the same frequency.

    At a frequency at which nothing was heard at all, it is the mean of the nearest one.

    Args:
        values: (batch, channel, frequency, frame).
        heard: the same shape, true where something was heard.
    """
    if bool(heard.all()):
        return values
    count = heard.sum(3)
    mean = values.where(heard, 0).sum(3) / count.clamp_min(1)
    if not bool(count.all()):
        order = torch.arange(count.shape[2], device=count.device)
        apart = (order[:, None] - order).abs() + len(order) * (count == 0)[:, :, None]
        mean = mean.gather(2, apart.argmin(3))
    return torch.where(heard, values, mean[..., None])
