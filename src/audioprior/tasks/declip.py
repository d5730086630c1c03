"""Declipping: peaks that were cut off are inferred."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from audioprior.settings.methods import Method
from audioprior.settings.rules import FixedSteps
from audioprior.tasks.knob import Knob
from audioprior.tasks.task import Device, Seed, Task, Words


@dataclass(frozen=True, kw_only=True)
class Declip(Task):
    """What a user decides about clipped peaks."""

    kind: Literal["declip"] = "declip"
    level: Annotated[
        float | None,
        Knob("of clipping, in dBFS; found for each channel and polarity without it", most=0, unit="dBFS", page=True),
    ] = None
    seed: Seed = 0
    device: Device = "auto"

    words: ClassVar[Words] = Words(
        summary="Infer the peaks that clipping cut off.",
        more="Peaks beyond full scale need a home: without --clip-mode the result is stored as float, and every other "
        "sample is exact.",
        heard="a rasp on loud notes",
        offer="Win back clipped peaks",
        done="Peaks won back",
    )
    method: ClassVar[str] = "nmf"
    seat: ClassVar[Method | None] = Method(windows_ms=(23.0,), stopping=FixedSteps(max_steps=180), rounds=6, context_s=0.25)
    beyond: ClassVar[bool] = True
