"""Every setting of a method, once: the library, the command line and the sidecar file all read these frozen dataclasses.

Nothing here imports torch, so that `audioprior --help` is quick.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal, Self, TypeVar

import msgspec

from audioprior.errors import SettingsError
from audioprior.settings.priors import (
    BlindSpot,
    Choice,
    Consensus,
    Dcgan,
    DecisionDirected,
    Dilated,
    Free,
    Harmonic,
    Nmf,
    NonlocalMeans,
    PriorSettings,
    Recurrent,
    Skip,
    Temporal,
)

__all__ = [
    "BlindSpot", "Choice", "Consensus", "Dcgan", "DecisionDirected", "Dilated", "Discrepancy", "FixedSteps",
    "Free", "Harmonic", "HeldOut", "Method", "MovingVariance", "Nmf", "NonlocalMeans", "PriorSettings", "Recurrent",
    "Skip", "StoppingSettings", "Temporal", "decode", "encode",
]  # fmt: skip

T = TypeVar("T")


class StoppingSettings(Choice):
    """When to stop, seeing only the recording."""

    max_steps: int

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


@dataclass(frozen=True, kw_only=True)
class Discrepancy(StoppingSettings):
    """Stop when the misfit has come down to what noise alone explains.

    Attributes:
        max_steps: at the latest.
    """

    kind: Literal["discrepancy"] = "discrepancy"
    max_steps: int = 600


@dataclass(frozen=True, kw_only=True)
class Method:
    """A way to restore, from windows to gain.

    Attributes:
        observation: for denoising, "noise" (two powers and their likelihood) or "image" (the seed: the picture of the
            spectrogram); the other tasks bring their own.
        windows_ms: lengths of the analysis windows; each is fitted on its own, and the results are merged.
        prior: what draws the power of the clean sound.
        stopping: when to stop.
        gain: how the two powers become a gain.
        rounds: how often the observation is asked what λ tells of the sound, evenly over the steps.
        later_share: of the steps that a block of a long recording takes, as it starts from what the one before has learned;
            1 for blocks that each begin anew.
        context_s: seconds of sound around damage that a repair learns from.
        block_s: most seconds that one fit of a repair keeps.
    """

    observation: Literal["noise", "image"] = "noise"
    windows_ms: tuple[float, ...] = (32.0, 64.0, 128.0)
    prior: PriorSettings = field(default_factory=Consensus)
    stopping: StoppingSettings = field(default_factory=FixedSteps)
    gain: Literal["wiener", "two-step", "balanced", "log-mmse"] = "balanced"
    rounds: int = 2
    later_share: float = 0.25
    context_s: float = 1.0
    block_s: float = 4.0

    @property
    def renew_every(self) -> int:
        """Steps from one round to the next."""
        return max(1, self.stopping.max_steps // self.rounds)

    def later(self) -> "Method":
        """Return the method of a block that starts from what was learned before: the same with fewer steps."""
        return replace(self, stopping=self.stopping.within(math.ceil(self.later_share * self.stopping.max_steps)))

    def __post_init__(self) -> None:
        require(bool(self.windows_ms) and min(self.windows_ms) > 0, "windows_ms", self.windows_ms, "positive lengths")
        require(self.rounds >= 1, "rounds", self.rounds, "at least 1")
        require(0 < self.later_share <= 1, "later_share", self.later_share, "more than 0, at most 1")
        require(self.context_s > 0, "context_s", self.context_s, "more than 0 seconds")
        require(self.block_s > 0, "block_s", self.block_s, "more than 0 seconds")
        require(self.stopping.max_steps >= 1, "max_steps", self.stopping.max_steps, "at least 1")


def encode(settings: Any) -> Any:
    """Return settings as what JSON can hold."""
    # `asdict` first: msgspec leaves out the defaults of a dataclass that it made itself.
    return msgspec.to_builtins(asdict(settings))


def decode(data: Mapping[str, Any], cls: type[T]) -> T:
    """Return settings from what `encode` gave.

    Raises:
        SettingsError: a field is missing, unknown to this version, or out of its range.
    """
    try:
        return msgspec.convert(data, cls, dec_hook=_choose)
    except msgspec.ValidationError as error:
        raise SettingsError(f"the settings are not valid ({error}); write them with this version.") from error


def _choose(base: type[Any], data: Any) -> Any:
    kinds: dict[str, Callable[..., Any]] = {c.__dataclass_fields__["kind"].default: c for c in base.__subclasses__()}
    kind = data.get("kind") if isinstance(data, dict) else None
    if kind not in kinds:
        raise msgspec.ValidationError(f"kind {kind!r} is none of {', '.join(kinds)}")
    return msgspec.convert(data, kinds[kind])


def require(condition: bool, name: str, value: object, allowed: str) -> None:
    """Raise a SettingsError that names the setting, its value and what it may be."""
    if not condition:
        raise SettingsError(f"{name} is {value}; it must be {allowed}.")
