"""Clipped samples: missing, but known to lie beyond a level.

One-sided bounds are no Gaussians. Expectation propagation stands a Gaussian factor, a site, in for each (Minka 2001; for
bounds as here: Cunningham, Hennig, Lacoste-Julien 2011, "Gaussian probabilities and expectation propagation"): take the
site out of the marginal, cut what is left at the bound, and set the site so that mean and variance agree. Two-sided bounds,
as of samples rounded to few bits, go the same way.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from audioprior.model.gaussian import Frames, Posterior, condition
from audioprior.observations.gap import GapObservation

_FIRST_SWEEPS, _SWEEPS = 3, 1
_MARGINAL_SAMPLES = 16
_RENEWED = 0.5  # share of each cavity's precision that a sweep renews: it comes from few samples


@dataclass(frozen=True)
class Sites:
    """A Gaussian factor on each bounded sample, in place of its bounds: (number,) each.

    Attributes:
        precision: τ.
        shift: ν, the precision times the mean.
        cavity: precision of the marginal without the site; None before the first sweep.
    """

    precision: Tensor
    shift: Tensor
    cavity: Tensor | None = None

    @property
    def swept(self) -> bool:
        """Whether they know of the bounds yet."""
        return self.cavity is not None

    def swept_by(self, mean: Tensor, precision: Tensor, low: Tensor, high: Tensor) -> "Sites":
        """Return the sites after one sweep.

        Args:
            mean: of each sample's marginal, with the present sites.
            precision: of the same, an estimate; that of the cavity is averaged over sweeps.
            low: the least that each sample can be.
            high: the most.
        """
        cavity = torch.maximum(precision - self.precision, 0.05 * precision)
        cavity = cavity if self.cavity is None else torch.lerp(self.cavity, cavity, _RENEWED)
        centre = mean + (mean * self.precision - self.shift) / cavity
        cut_mean, cut_variance = truncated(centre, 1 / cavity, low, high)
        return Sites((1 / cut_variance - cavity).clamp_min(0), cut_mean / cut_variance - centre * cavity, cavity)


class ClipObservation(GapObservation):
    """Some samples are known by bounds only, and all others are exact."""

    def __init__(
        self,
        samples: Tensor,
        low: Tensor,
        high: Tensor,
        frames: Frames,
        *,
        start: Tensor,
        renew_every: int,
        generator: torch.Generator,
    ) -> None:
        """Take in a recording.

        Args:
            samples: (channel, time) float64.
            low: (channel, time), the least that each sample can be; equal to `high` where the sample is exact.
            high: (channel, time), the most.
            frames: the windows.
            start: (channel, time), a first guess.
            renew_every: steps between two inferences.
            generator: of the posterior samples.
        """
        super().__init__(samples, low < high, frames, start=start, renew_every=renew_every, generator=generator)
        self._low = [bound[place] for bound, place in zip(low, self._places, strict=True)]
        self._high = [bound[place] for bound, place in zip(high, self._places, strict=True)]
        self._sites = [Sites(torch.zeros_like(bound), torch.zeros_like(bound)) for bound in self._low]

    def _posterior(self, channel: int, power: Tensor) -> Posterior:
        sites = self._sites[channel]
        model = condition(self._samples[channel], self._places[channel], self._frames, power)
        for _ in range(_SWEEPS if sites.swept else _FIRST_SWEEPS):
            known = model.posterior((sites.precision, sites.shift))
            deviations = known.deviations(_MARGINAL_SAMPLES, self._generator)
            # The mean of n squares has an inverse that is n/(n − 2) times too large on average. Left so, what remains of a
            # marginal without its site is off by far more, and all peaks grow sweep by sweep.
            precision = (1 - 2 / _MARGINAL_SAMPLES) / deviations.square().mean(0).clamp_min(1e-30)
            sites = sites.swept_by(known.mean, precision, self._low[channel], self._high[channel])
        self._sites[channel] = sites
        return known

    def _allowed(self, channel: int, inferred: Tensor) -> Tensor:
        return inferred.clamp(self._low[channel], self._high[channel])


def truncated(mean: Tensor, variance: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Return mean and variance of a Gaussian cut to [low, high]; either bound may be infinite.

    Worked in the nearer tail with scaled complementary error functions, so that bounds far out do not underflow.
    """
    deviation = variance.sqrt()
    a, b = (low - mean) / deviation, (high - mean) / deviation
    flip = a + b < 0  # mirror, so that the interval's mass lies in the upper tail or around zero
    a, b = torch.where(flip, -b, a), torch.where(flip, -a, b)
    root = math.sqrt(0.5)
    # φ(a)/Z and φ(b)/Z with Z = Φ(b) − Φ(a), all in units of exp(−a²/2): nothing overflows while a ≥ −8.
    a = a.clamp_min(-8.0)
    fall = torch.exp((0.5 * (a - b) * (a + b)).clamp_max(0))
    mass = torch.special.erfcx(a * root) - fall * torch.where(b.isinf(), 0.0, torch.special.erfcx(b.clamp_max(1e8) * root))
    density = math.sqrt(2 / math.pi) / mass.clamp_min(1e-30)
    upper = fall * density
    shift = density - upper
    narrow = b - a < 1e-3  # a sliver is uniform
    middle = 0.5 * (a + b)
    first = torch.where(narrow, middle, shift)
    spread = 1 + a * density - torch.where(b.isinf(), 0.0, b) * upper - shift.square()
    spread = torch.where(narrow, (b - a).square() / 12, spread).clamp(1e-6, 1.0)
    first = torch.where(flip, -first, first)
    cut = mean + deviation * first
    return cut.clamp(low, high), (variance * spread).clamp_min(1e-30)
