"""Inpainting: gaps are filled, and marked regions of time and frequency are taken out."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from audioprior.settings.json import require
from audioprior.settings.methods import Method
from audioprior.settings.rules import FixedSteps
from audioprior.tasks.knob import Knob
from audioprior.tasks.task import Device, Gap, Region, Seed, Task, Words


@dataclass(frozen=True, kw_only=True)
class Inpaint(Task):
    """What a user decides about filling gaps."""

    kind: Literal["inpaint"] = "inpaint"
    gaps: Annotated[
        tuple[Gap, ...],
        Knob(
            "START-END of a gap, in seconds or h:mm:ss; overlapping ones are joined, and without any marks gaps are looked "
            "for",
            flag="gap",
            mark="span",
            label="a gap",
            page=True,
        ),
    ] = ()
    regions: Annotated[
        tuple[Region, ...],
        Knob(
            "START-END:LOW-HIGH of what to take out of a part of the spectrum, in seconds (or h:mm:ss) and Hz",
            flag="region",
            mark="region",
            label="what to take out",
            page=True,
        ),
    ] = ()
    fill: Annotated[
        Literal["mean", "sample"],
        Knob(
            "what gaps are filled with",
            choices={
                "mean": "the most faithful guess",
                "sample": "one plausible sound, for long gaps",
            },
            page=True,
        ),
    ] = "mean"
    samples: Annotated[
        int,
        Knob(
            "how many plausible sounds to make of one fit, with fill=sample; the second is x.inpaint.2.wav", least=1, most=99
        ),
    ] = 1
    seed: Seed = 0
    device: Device = "auto"

    words: ClassVar[Words] = Words(
        summary="Fill gaps, or take a cough, a ring or a whistle out of a part of the spectrum.",
        heard="dropouts; a cough, a ring, a whistle",
        offer="Fill gaps, take marked sounds out",
        done="Gaps filled",
    )
    method: ClassVar[str] = "nmf"
    seat: ClassVar[Method | None] = Method(windows_ms=(96.0, 192.0), stopping=FixedSteps(max_steps=120), rounds=6)

    def __post_init__(self) -> None:
        super().__post_init__()
        several = self.fill == "sample" and not self.regions
        require(self.samples == 1 or several, "samples", self.samples, "1 unless gaps are filled with fill=sample")
