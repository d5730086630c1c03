"""No prior at all: the control that shows what the observation alone is worth."""

from torch import Tensor

from audioprior.errors import FitError
from audioprior.model.evidence import Evidence

_FLOOR = 1e-3  # of the mean power of the recording's bins, so that a gain stays defined


class FreePrior:
    """λ = P − ν, floored: each bin on its own (maximum likelihood, spectral subtraction).

    Where nothing was heard, P is its frequency's mean.
    """

    def __init__(self) -> None:
        self._power: Tensor | None = None

    def fit(self, evidence: Evidence) -> float:
        """Set λ to its maximum-likelihood value; one step is all there is."""
        known = evidence.filled().power
        excess = known - evidence.added
        floor = _FLOOR * known.mean() + 1e-30
        self._power = excess.clamp_min(floor)
        return float(evidence.misfit(self._power).mean())

    def draw(self) -> Tensor:
        """Return λ."""
        if self._power is None:
            raise FitError("nothing was fitted yet; call fit before draw.")
        return self._power
