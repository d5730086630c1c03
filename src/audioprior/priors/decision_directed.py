"""The decision-directed rule: the last frame's restored power foretells this frame's."""

import torch
from torch import Tensor

from audioprior.errors import FitError
from audioprior.model.evidence import Evidence

_SMOOTHING = 0.98  # at a hop of half a 20 ms window, as published
_PUBLISHED_HOPS_PER_WINDOW = 2
_LEAST_RATIO = 10**-2.5


class DecisionDirectedPrior:
    """λ of a frame = a · (restored power of the frame before) + (1 − a) · max(P − ν, 0).

    Ephraim and Malah 1984, "Speech enhancement using a minimum mean-square error short-time spectral amplitude estimator",
    (51); with the gain "log-mmse" it is the denoiser of Ephraim and Malah 1985. Where nothing was heard, λ stays as it was.
    """

    def __init__(self, overlap: int = 4) -> None:
        # The same memory in seconds at a finer hop.
        self._smoothing = _SMOOTHING ** (_PUBLISHED_HOPS_PER_WINDOW / overlap)
        self._power: Tensor | None = None

    def fit(self, evidence: Evidence) -> float:
        """Run through the frames once; that is all there is."""
        added = evidence.added.clamp_min(1e-30)
        before = (evidence.filled().power - added).clamp_min(0)[..., 0]
        frames = []
        for power, noise, heard in zip(evidence.power.unbind(3), added.unbind(3), evidence.heard.unbind(3), strict=True):
            drawn = self._smoothing * before + (1 - self._smoothing) * (power - noise).clamp_min(0)
            drawn = torch.maximum(drawn.where(heard, before), _LEAST_RATIO * noise)
            before = ((drawn / (drawn + noise)).square() * power).where(heard, drawn)
            frames.append(drawn)
        self._power = torch.stack(frames, 3)
        return float(evidence.misfit(self._power).mean())

    def draw(self) -> Tensor:
        """Return λ."""
        if self._power is None:
            raise FitError("nothing was fitted yet; call fit before draw.")
        return self._power
