"""Clipped samples: missing, but known to lie beyond a level.

One-sided bounds are no Gaussians. Expectation propagation stands a Gaussian factor, a site, in for each (Minka 2001; for
bounds as here: Cunningham, Hennig, Lacoste-Julien 2011, "Gaussian probabilities and expectation propagation"): take the
site out of the marginal, cut what is left at the bound, and set the site so that mean and variance agree. Two-sided bounds,
as of samples rounded to few bits, go the same way.
"""

import math

import torch
from torch import Tensor

from audioprior.gaussian import Frames, Posterior, posterior
from audioprior.observations.gap import GapObservation

_FIRST_SWEEPS, _SWEEPS = 3, 1
_DAMPING = 0.6  # share of a site's change that is made at once
_MARGINAL_SAMPLES = 24


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
        self._sites: list[tuple[Tensor, Tensor] | None] = [None for _ in self._places]

    def _posterior(self, channel: int, power: Tensor) -> Posterior:
        place, low, high = self._places[channel], self._low[channel], self._high[channel]
        kept = self._sites[channel]
        sites = kept or (torch.zeros_like(low), torch.zeros_like(low))
        for _ in range(_SWEEPS if kept else _FIRST_SWEEPS):
            known = posterior(self._samples[channel], place, self._frames, power, sites)
            variance = known.deviations(_MARGINAL_SAMPLES, self._generator).square().mean(0)
            sites = _moved(sites, known.mean, variance.clamp_min(1e-30), low, high)
        self._sites[channel] = sites
        return known

    def _allowed(self, channel: int, inferred: Tensor) -> Tensor:
        return inferred.clamp(self._low[channel], self._high[channel])


def _moved(sites: tuple[Tensor, Tensor], mean: Tensor, variance: Tensor, low: Tensor, high: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sites (precision, precision-times-mean) after one sweep."""
    precision, shift = sites
    # The variance is a noisy estimate: the cavity must keep some of the marginal's precision.
    cavity = torch.maximum(1 / variance - precision, 0.05 / variance)
    centre = (mean / variance - shift) / cavity
    cut_mean, cut_variance = truncated(centre, 1 / cavity, low, high)
    wanted = (1 / cut_variance - cavity).clamp_min(0)
    wanted_shift = cut_mean / cut_variance - centre * cavity
    return torch.lerp(precision, wanted, _DAMPING), torch.lerp(shift, wanted_shift, _DAMPING)


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
