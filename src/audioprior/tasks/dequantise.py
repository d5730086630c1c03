"""Dequantising: the steps of few bits are taken out."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from audioprior.settings import presets
from audioprior.tasks.knob import Knob
from audioprior.tasks.task import Device, Seed, Task, Words


@dataclass(frozen=True, kw_only=True)
class Dequantise(Task):
    """What a user decides about a recording that was once stored in few bits."""

    kind: Literal["dequantise"] = "dequantise"
    bits: Annotated[
        int | None,
        Knob("that each sample had at full scale; the steps are found without it", least=2, most=16, page=True),
    ] = None
    seed: Seed = 0
    device: Device = "auto"

    words: ClassVar[Words] = Words(
        summary="Take the steps out of a recording that was once stored in few bits.",
        more="No sample moves by more than half a step. Where the file holds no finer values, the result is stored "
        "in 24 bits.",
        heard="gravel under quiet notes",
        offer="Smooth coarse steps (few bits)",
        done="Steps smoothed",
        found="Taken out: steps of {note}.",
        untouched="No sample moved by more than half a step.",
    )
    method: ClassVar[str] = presets.DEFAULT
