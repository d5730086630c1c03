"""Declicking: clicks and crackle are taken out."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from audioprior.settings.methods import Method
from audioprior.settings.rules import FixedSteps
from audioprior.tasks.knob import Knob
from audioprior.tasks.task import Device, Seed, Task, Words


@dataclass(frozen=True, kw_only=True)
class Declick(Task):
    """What a user decides about clicks and crackle."""

    kind: Literal["declick"] = "declick"
    sensitivity: Annotated[
        float, Knob("from 0 to 1; what is surer to be a click than 1 less this is repaired", least=0, most=1, page=True)
    ] = 0.5
    keep: Annotated[
        tuple[int, ...], Knob("the number of a finding to leave alone, as --dry-run lists them", least=1, page="asked")
    ] = ()
    seed: Seed = 0
    device: Device = "auto"

    words: ClassVar[Words] = Words(
        summary="Take out clicks and crackle.",
        heard="ticks, pops, crackle",
        offer="Take clicks out",
        done="Clicks taken out",
    )
    method: ClassVar[str] = "nmf"
    seat: ClassVar[Method | None] = Method(
        windows_ms=(46.0,), stopping=FixedSteps(max_steps=40), rounds=2, context_s=0.05, block_s=1.0
    )
