"""Extending: a missing high band is invented."""

from dataclasses import dataclass
from typing import ClassVar, Literal

from audioprior.settings.json import require
from audioprior.tasks.task import TaskSettings


@dataclass(frozen=True, kw_only=True)
class Extend(TaskSettings):
    """What a user decides about a missing high band.

    Attributes:
        cutoff_hz: above which nothing was recorded; found without it, where all of the recording lacks the same band.
        rate_hz: sample rate of the result; the recording's own without it.
        like: path of an excerpt of something alike that has the high band.
        seed: of all random numbers.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
    """

    inputs: ClassVar[tuple[str, ...]] = ("sound", "like?")

    kind: Literal["extend"] = "extend"
    cutoff_hz: float | None = None
    rate_hz: int | None = None
    like: str | None = None
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.cutoff_hz is None or self.cutoff_hz > 0, "cutoff_hz", self.cutoff_hz, "more than 0 Hz")
        require(self.rate_hz is None or self.rate_hz > 0, "rate_hz", self.rate_hz, "more than 0 Hz")
