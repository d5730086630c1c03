"""Every setting of a method, once: the library, the command line and the sidecar file all read these frozen dataclasses.

Nothing here imports torch, so that `audioprior --help` is quick.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, Self, TypeVar

import msgspec

from audioprior.errors import SettingsError

T = TypeVar("T")


class Choice:
    """One of several dataclasses, told apart in files by its field `kind`."""


class PriorSettings(Choice):
    """Which prior draws the power of the clean sound, and its sizes."""


@dataclass(frozen=True, kw_only=True)
class BlindSpot(PriorSettings):
    """A small network that guesses each bin from its neighbours and never from itself.

    Attributes:
        hidden: units in each of two hidden layers.
        batch_bins: random bins in a step.
        learning_rate: of Adam at the start; it falls to zero along a cosine.
    """

    kind: Literal["blindspot"] = "blindspot"
    hidden: int = 48
    batch_bins: int = 2048
    learning_rate: float = 5e-3


@dataclass(frozen=True, kw_only=True)
class Dcgan(PriorSettings):
    """The generator of DCGAN: a random vector, projected, then transposed convolutions with batch norm.

    Attributes:
        latent: numbers in the random input.
        filters: channels before the last layer; each earlier layer has twice as many.
        levels: transposed convolutions, each doubling the picture.
        slope: of the leaky rectifier below zero.
        learning_rate: of Adam.
        average: weight of the past in the running average of outputs; 0 for none.
    """

    kind: Literal["dcgan"] = "dcgan"
    latent: int = 100
    filters: int = 16
    levels: int = 5
    slope: float = 0.2
    learning_rate: float = 2e-3
    average: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Skip(PriorSettings):
    """The hourglass of Deep Image Prior, with fixed bilinear up-sampling.

    Attributes:
        input_channels: pictures of random numbers that it starts from.
        filters: channels of each scale.
        skip_filters: channels carried past each scale.
        levels: scales.
        jitter: standard deviation of the noise added to the input at each step.
        learning_rate: of Adam.
        average: weight of the past in the running average of outputs; 0 for none.
    """

    kind: Literal["skip"] = "skip"
    input_channels: int = 8
    filters: int = 8
    skip_filters: int = 4
    levels: int = 4
    jitter: float = 0.03
    learning_rate: float = 1e-2
    average: float = 0.9


@dataclass(frozen=True, kw_only=True)
class Nmf(PriorSettings):
    """Non-negative matrix factorisation, the control: sound as few spectra, each with one activity over time.

    Attributes:
        rank: number of spectra.
    """

    kind: Literal["nmf"] = "nmf"
    rank: int = 8


@dataclass(frozen=True, kw_only=True)
class Consensus(PriorSettings):
    """Sound is what continues (a blind-spot network) and repeats (factorisations).

    Attributes:
        network: the blind-spot network.
        ranks: of the factorisations.
        nmf_steps: updates of each factorisation, spread over the network's steps.
    """

    kind: Literal["consensus"] = "consensus"
    network: BlindSpot = field(default_factory=BlindSpot)
    ranks: tuple[int, ...] = (2, 4, 6, 10)
    nmf_steps: int = 60


@dataclass(frozen=True, kw_only=True)
class Free(PriorSettings):
    """No prior at all, the control: the power that was heard less the noise's."""

    kind: Literal["free"] = "free"


@dataclass(frozen=True, kw_only=True)
class DecisionDirected(PriorSettings):
    """Classical: the last frame's restored power foretells this frame's."""

    kind: Literal["decision-directed"] = "decision-directed"


@dataclass(frozen=True, kw_only=True)
class NonlocalMeans(PriorSettings):
    """Classical: a bin is the mean of bins whose surroundings look alike."""

    kind: Literal["nonlocal-means"] = "nonlocal-means"


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
        context_s: seconds of sound around damage that a repair learns from.
        block_s: most seconds that one fit of a repair keeps.
    """

    observation: Literal["noise", "image"] = "noise"
    windows_ms: tuple[float, ...] = (32.0, 64.0, 128.0)
    prior: PriorSettings = field(default_factory=Consensus)
    stopping: StoppingSettings = field(default_factory=FixedSteps)
    gain: Literal["wiener", "two-step", "balanced", "log-mmse"] = "balanced"
    rounds: int = 2
    context_s: float = 1.0
    block_s: float = 4.0

    def __post_init__(self) -> None:
        require(bool(self.windows_ms) and min(self.windows_ms) > 0, "windows_ms", self.windows_ms, "positive lengths")
        require(self.rounds >= 1, "rounds", self.rounds, "at least 1")
        require(self.context_s > 0, "context_s", self.context_s, "more than 0 seconds")
        require(self.block_s > 0, "block_s", self.block_s, "more than 0 seconds")
        require(self.stopping.max_steps >= 1, "max_steps", self.stopping.max_steps, "at least 1")


def encode(settings: object) -> Any:
    """Return settings as what JSON can hold."""
    return msgspec.to_builtins(settings)


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
