"""Declipping: peaks that were cut off are inferred."""

from dataclasses import dataclass
from typing import Literal

from audioprior.settings.json import require
from audioprior.tasks.task import TaskSettings


@dataclass(frozen=True, kw_only=True)
class Declip(TaskSettings):
    """What a user decides about clipped peaks.

    Attributes:
        level: of clipping, in dBFS; found for each channel and polarity without it.
        seed: of all random numbers.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
    """

    kind: Literal["declip"] = "declip"
    level: float | None = None
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.level is None or self.level <= 0, "level", self.level, "at most 0 dBFS")
