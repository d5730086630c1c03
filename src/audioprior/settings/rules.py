"""What can be decided of a stopping rule: which, and its patience; one dataclass a rule.

Nothing here imports torch before a rule is built, so that `audioprior --help` is quick. A rule itself knows nothing of
these: `build` hands it its numbers.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, Self

from audioprior.settings.json import Choice

if TYPE_CHECKING:
    from torch import Generator

    from audioprior.model.stopping import Rule


class StoppingSettings(Choice):
    """When to stop, seeing only the recording."""

    max_steps: int

    def build(self, generator: "Generator") -> "Rule":
        """Return a rule that has not judged anything yet; the generator is the source of all its random numbers."""
        raise NotImplementedError

    def within(self, steps: int) -> Self:
        """Return the same rule with another number of most steps."""
        return replace(self, max_steps=steps)  # type: ignore[type-var]


@dataclass(frozen=True, kw_only=True)
class FixedSteps(StoppingSettings):
    """Stop after a number of steps.

    Attributes:
        max_steps: that number.
    """

    kind: Literal["fixed"] = "fixed"
    max_steps: int = 120

    def build(self, generator: "Generator") -> "Rule":  # noqa: ARG002
        """Return the rule."""
        from audioprior.model.stopping import Fixed

        return Fixed(max_steps=self.max_steps)


@dataclass(frozen=True, kw_only=True)
class HeldOut(StoppingSettings):
    """Stop when bins that were kept from the fit are no longer guessed better.

    Attributes:
        max_steps: at the latest.
        share: of the bins held out; the bins beside them, which share their noise, are kept from the fit too.
        patience: steps without a new best before giving up.
    """

    kind: Literal["held-out"] = "held-out"
    max_steps: int = 600
    share: float = 0.005
    patience: int = 60

    def build(self, generator: "Generator") -> "Rule":
        """Return the rule."""
        from audioprior.model.stopping import HeldOutBins

        return HeldOutBins(max_steps=self.max_steps, share=self.share, patience=self.patience, generator=generator)


@dataclass(frozen=True, kw_only=True)
class MovingVariance(StoppingSettings):
    """Stop where successive outputs vary least, before they begin to take up the noise.

    Attributes:
        max_steps: at the latest.
        forgetting: weight of the newest output in the running mean and variance.
        patience: steps without a new minimum before giving up.
    """

    kind: Literal["moving-variance"] = "moving-variance"
    max_steps: int = 600
    forgetting: float = 0.1
    patience: int = 60

    def build(self, generator: "Generator") -> "Rule":  # noqa: ARG002
        """Return the rule."""
        from audioprior.model.stopping import LeastVariance

        return LeastVariance(max_steps=self.max_steps, forgetting=self.forgetting, patience=self.patience)


@dataclass(frozen=True, kw_only=True)
class Discrepancy(StoppingSettings):
    """Stop when the misfit has come down to what noise alone explains.

    Attributes:
        max_steps: at the latest.
    """

    kind: Literal["discrepancy"] = "discrepancy"
    max_steps: int = 600

    def build(self, generator: "Generator") -> "Rule":  # noqa: ARG002
        """Return the rule."""
        from audioprior.model.stopping import NoiseFloor

        return NoiseFloor(max_steps=self.max_steps)
