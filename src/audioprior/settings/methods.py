"""A method: everything between a damaged recording and its restoration that is not the task's."""

import math
from dataclasses import dataclass, field, replace
from typing import Literal

from audioprior.settings import networks as _networks  # noqa: F401 (read, so that a file may name them)
from audioprior.settings.json import require
from audioprior.settings.priors import Consensus, PriorSettings
from audioprior.settings.rules import FixedSteps, StoppingSettings


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
