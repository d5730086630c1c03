"""Inpainting: gaps are filled, and marked regions of time and frequency are taken out."""

from dataclasses import dataclass
from typing import Literal

from audioprior.settings.json import require
from audioprior.tasks.task import Gap, Region, TaskSettings, check_regions


@dataclass(frozen=True, kw_only=True)
class Inpaint(TaskSettings):
    """What a user decides about filling gaps.

    Attributes:
        gaps: START-END of each, in seconds; overlapping ones are joined. Found by themselves without gaps and regions.
        regions: START-END:LOW-HIGH of each, in seconds and Hz: what to take out of a part of the spectrum.
        fill: "mean", the most faithful, or "sample", one plausible sound, which keeps its energy in long gaps.
        samples: how many plausible sounds to make of one fit.
        seed: of all random numbers; another seed gives another sample.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
    """

    kind: Literal["inpaint"] = "inpaint"
    gaps: tuple[Gap, ...] = ()
    regions: tuple[Region, ...] = ()
    fill: Literal["mean", "sample"] = "mean"
    samples: int = 1
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.fill in ("mean", "sample"), "fill", self.fill, "mean or sample")
        require(1 <= self.samples <= 99, "samples", self.samples, "between 1 and 99")
        several = self.fill == "sample" and not self.regions
        require(self.samples == 1 or several, "samples", self.samples, "1 unless gaps are filled with fill=sample")
        for start, end in self.gaps:
            require(0 <= start < end, "gap", f"{start:g}-{end:g}", "a start before its end, both in seconds")
        check_regions("region", self.regions)
