"""Extending: a missing high band is invented."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from audioprior.tasks.knob import Knob
from audioprior.tasks.task import Device, Seed, Task, Words


@dataclass(frozen=True, kw_only=True)
class Extend(Task):
    """What a user decides about a missing high band."""

    kind: Literal["extend"] = "extend"
    cutoff_hz: Annotated[
        float | None,
        Knob(
            "in Hz, above which nothing was recorded; found without it, where all of the recording lacks the same band",
            above=0,
            unit="Hz",
            flag="cutoff",
            page=True,
        ),
    ] = None
    rate_hz: Annotated[
        int | None,
        Knob("sample rate of the result in Hz; the recording's own without it", above=0, unit="Hz", flag="rate"),
    ] = None
    like: Annotated[str | None, Knob("a file with an excerpt of something alike that has the high band")] = None
    seed: Seed = 0
    device: Device = "auto"

    inputs: ClassVar[tuple[str, ...]] = ("sound", "like?")
    words: ClassVar[Words] = Words(
        summary="Invent a missing high band; all below the cutoff stays as it is.",
        heard="dullness, where a filter or a codec cut",
        offer="Invent a missing high band",
        done="High band invented",
        listed="invented",
        found="The band of {low_hz:g} to {high_hz:g} Hz is {note}.",
        untouched="All below is as it was.",
    )
    method: ClassVar[str] = "free"
    fits: ClassVar[bool] = False
