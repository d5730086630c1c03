"""Declicking: clicks and crackle are taken out."""

from dataclasses import dataclass
from typing import Literal

from audioprior.settings.json import require
from audioprior.tasks.task import TaskSettings


@dataclass(frozen=True, kw_only=True)
class Declick(TaskSettings):
    """What a user decides about clicks and crackle.

    Attributes:
        sensitivity: from 0 to 1; what is surer to be a click than 1 less this is repaired.
        keep: numbers of findings to leave alone, from 1 as they are listed.
        seed: of all random numbers.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
    """

    kind: Literal["declick"] = "declick"
    sensitivity: float = 0.5
    keep: tuple[int, ...] = ()
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.sensitivity <= 1, "sensitivity", self.sensitivity, "between 0 and 1")
        for number in self.keep:
            require(number >= 1, "keep", number, "numbers of findings, which begin with 1")
