"""A prior of one's own in the tool: its settings build it, and `denoise` takes it like any other.

    python examples/own_prior_in_denoise.py noisy.flac restored.flac

The prior holds that sound is smooth in time and in pitch: λ is P's mean over a few bins around, less ν. All else is the
tool's: blocks, channels, windows, the noise that is found blind, the account of what was removed.
"""

import sys
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

import audioprior as ap
from audioprior.model.evidence import Evidence
from audioprior.settings.json import decode, encode
from audioprior.settings.priors import PriorSettings
from audioprior.settings.rules import FixedSteps


@dataclass(frozen=True, kw_only=True)
class Smooth(PriorSettings):
    """Sound is smooth.

    Attributes:
        bins: frequencies that a mean spans, an odd number.
        frames: of the same.
    """

    kind: Literal["smooth"] = "smooth"  # its name in files
    bins: int = 3
    frames: int = 9

    def build(self, **_: object) -> "SmoothPrior":
        """Return the prior; one with random numbers takes `generators`, and draws them from the first."""
        return SmoothPrior(bins=self.bins, frames=self.frames)


class SmoothPrior:
    """λ = mean of P over the bins around, less ν."""

    def __init__(self, *, bins: int, frames: int) -> None:
        self._size = (bins, frames)
        self._power: Tensor | None = None

    def fit(self, evidence: Evidence) -> float:
        """Set λ, for which one step is enough; return its misfit."""
        heard, padding = evidence.heard.to(evidence.power), (self._size[0] // 2, self._size[1] // 2)
        # Bins in which nothing was heard teach nothing, whatever stands there.
        known, counted = (
            avg_pool2d(one.flatten(0, 1), self._size, 1, padding).view_as(one) for one in (evidence.power * heard, heard)
        )
        mean = torch.where(counted > 0, known / counted.clamp_min(1e-6), evidence.filled().power)
        self._power = (mean - evidence.added).clamp_min(1e-3 * mean.mean() + 1e-30)
        return float(evidence.misfit(self._power).mean())

    def draw(self) -> Tensor:
        """Return λ, (batch, channel, frequency, frame)."""
        assert self._power is not None, "nothing was fitted yet; call fit before draw."
        return self._power


if __name__ == "__main__":
    method = ap.Method(prior=Smooth(frames=13), stopping=FixedSteps(max_steps=1))
    result = ap.denoise(sys.argv[1], method=method)
    result.restored.write(sys.argv[2], force=True)
    print(encode(method)["prior"])  # as the settings stand in a file, which reads them back
    assert decode(encode(method), ap.Method) == method
