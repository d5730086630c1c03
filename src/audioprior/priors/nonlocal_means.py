"""Non-local means on the spectrogram: a bin is the mean of bins whose surroundings look alike."""

import torch
from torch import Tensor
from torch.nn import functional

from audioprior.errors import FitError
from audioprior.model.evidence import Evidence

_PATCH = 5
_REACH = 7  # bins and frames either way
_STABLE = 0.25  # power that makes the spread of noise the same at any level
_SPREAD = 0.21  # of noise after that: the standard deviation of an exponential variable's fourth root
_BACK = 1.14  # the mean of the fourth root, taken back, is that much too low


class NonlocalMeansPrior:
    """λ = NLM(P/ν)·ν − ν.

    Buades, Coll, Morel 2005, "A non-local algorithm for image denoising", on the variance-stabilised picture. Bins in which
    nothing was heard are compared as if they held their frequency's mean, and count in no other bin's mean.
    """

    def __init__(self) -> None:
        self._power: Tensor | None = None

    def fit(self, evidence: Evidence) -> float:
        """Average once; that is all there is."""
        noise = evidence.added.clamp_min(1e-30)
        picture = (evidence.filled().power / noise).pow(_STABLE).flatten(0, 1)[:, None]
        bins, frames = picture.shape[2:]
        padded = functional.pad(picture, (_REACH,) * 4, mode="replicate")
        heard = functional.pad(evidence.heard.to(picture).flatten(0, 1)[:, None], (_REACH,) * 4, mode="replicate")
        total, weights = torch.zeros_like(picture), torch.zeros_like(picture)
        for df in range(2 * _REACH + 1):
            for dt in range(2 * _REACH + 1):
                other = padded[:, :, df : df + bins, dt : dt + frames]
                distance = functional.avg_pool2d((picture - other).square(), _PATCH, 1, _PATCH // 2, count_include_pad=False)
                # Patches of equal sound differ by twice the noise's variance.
                weight = (-(distance - 2 * _SPREAD**2).clamp_min(0) / _SPREAD**2).exp()
                weight = weight * heard[:, :, df : df + bins, dt : dt + frames]
                total, weights = total + weight * other, weights + weight
        smooth = torch.where(weights > 0, total / weights, picture).view(evidence.power.shape).pow(1 / _STABLE) * _BACK
        self._power = (smooth - 1).clamp_min(1e-3) * noise
        return float(evidence.misfit(self._power).mean())

    def draw(self) -> Tensor:
        """Return λ."""
        if self._power is None:
            raise FitError("nothing was fitted yet; call fit before draw.")
        return self._power
