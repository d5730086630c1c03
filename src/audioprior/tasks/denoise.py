"""Denoising: the noise is taken out."""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from audioprior.settings import presets
from audioprior.settings.json import require
from audioprior.tasks.knob import Knob
from audioprior.tasks.task import Device, Gap, Region, Seed, Task, Words


@dataclass(frozen=True, kw_only=True)
class Denoise(Task):
    """What a user decides about denoising."""

    kind: Literal["denoise"] = "denoise"
    strength: Annotated[
        float, Knob("share of the found noise to take away, from 0 (nothing) to 1 (all)", least=0, most=1, page="later")
    ] = 1.0
    max_reduction_db: Annotated[
        float, Knob("no part of the spectrum is turned down by more than this", least=0, most=200, unit="dB", page="asked")
    ] = 26.0
    noise: Annotated[
        Gap | str | None,
        Knob(
            "START-END of a passage that holds noise only, in seconds or h:mm:ss, or a noise profile's file; found blind "
            "without it",
            mark="span",
            label="noise only",
            page=True,
        ),
    ] = None
    protect: Annotated[
        tuple[Region, ...],
        Knob(
            "START-END:LOW-HIGH of a region, in seconds (or h:mm:ss) and Hz, of which nothing is taken away",
            mark="region",
            label="what to protect",
            page=True,
        ),
    ] = ()
    stop_at: Annotated[
        float,
        Knob(
            "share of the steps of each block after which its output is kept; the fit itself goes on, as the next block "
            "starts from it",
            above=0,
            most=1,
            page="later",
        ),
    ] = 1.0
    seed: Seed = 0
    device: Device = "auto"
    block_s: Annotated[float, Knob("longer recordings are restored in blocks of this many seconds", least=1, unit="s")] = (
        20.0
    )
    overlap_s: Annotated[
        float, Knob("seconds over which blocks are cross-faded, at most half a block", above=0, unit="s")
    ] = 1.0

    words: ClassVar[Words] = Words(
        summary="Take the noise out of recordings.",
        heard="hiss, hum, rain, surface noise",
        offer="Take noise out",
        done="Noise taken out",
        listed="taken out",
        difference="removed",
        nothing="Nothing was removed.",
        repaired="Removed",
        untouched="",
        noise=True,
    )
    method: ClassVar[str] = presets.DEFAULT
    methods: ClassVar[tuple[str, ...]] = ("consensus", "fast", "best", "nmf", "log-mmse", "nlm", "blindspot")
    finds: ClassVar[bool] = False

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.overlap_s <= self.block_s / 2, "overlap_s", self.overlap_s, "more than 0, at most half a block")

    def files(self) -> dict[str, str]:
        """Return the path of the noise profile, if there is one."""
        return {"noise": self.noise} if isinstance(self.noise, str) else {}
