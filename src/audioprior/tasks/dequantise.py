"""Dequantising: the steps of few bits are taken out."""

from dataclasses import dataclass
from typing import Literal

from audioprior.settings.json import require
from audioprior.tasks.task import TaskSettings


@dataclass(frozen=True, kw_only=True)
class Dequantise(TaskSettings):
    """What a user decides about a recording that was once stored in few bits.

    Attributes:
        bits: that each sample had at full scale; the steps are found without it.
        seed: of all random numbers.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
    """

    kind: Literal["dequantise"] = "dequantise"
    bits: int | None = None
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.bits is None or 2 <= self.bits <= 16, "bits", self.bits, "between 2 and 16")
