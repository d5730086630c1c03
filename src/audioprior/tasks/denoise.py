"""Denoising: the noise is taken out."""

from dataclasses import dataclass
from typing import Literal

from audioprior.settings.json import require
from audioprior.tasks.task import Region, TaskSettings, check_regions


@dataclass(frozen=True, kw_only=True)
class Denoise(TaskSettings):
    """What a user decides about denoising.

    Attributes:
        strength: share of the found noise to take away, from 0 (nothing) to 1 (all).
        max_reduction_db: no part of the spectrum is turned down by more than this.
        noise: a passage that holds noise only, START-END in seconds, or a noise profile's file; found blind without it.
        protect: START-END:LOW-HIGH of each region, in seconds and Hz, of which nothing is taken away.
        stop_at: share of the steps of each block after which its output is kept; the fit itself goes on, as the next block
            starts from it.
        seed: of all random numbers; the same seed on the same machine gives the same bytes.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        block_s: longer recordings are restored in blocks of this many seconds.
        overlap_s: seconds over which blocks are cross-faded.
    """

    kind: Literal["denoise"] = "denoise"
    strength: float = 1.0
    max_reduction_db: float = 26.0
    noise: tuple[float, float] | str | None = None
    protect: tuple[Region, ...] = ()
    stop_at: float = 1.0
    seed: int = 0
    device: str = "auto"
    block_s: float = 20.0
    overlap_s: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        require(0 <= self.strength <= 1, "strength", self.strength, "between 0 and 1")
        require(0 <= self.max_reduction_db <= 200, "max_reduction_db", self.max_reduction_db, "between 0 and 200")
        require(self.block_s >= 1, "block_s", self.block_s, "at least 1 second")
        require(0 < self.overlap_s <= self.block_s / 2, "overlap_s", self.overlap_s, "more than 0, at most half a block")
        if isinstance(self.noise, tuple):
            start, end = self.noise
            require(0 <= start < end, "noise", f"{start}-{end}", "a start before its end, both in seconds")
        require(0 < self.stop_at <= 1, "stop_at", self.stop_at, "more than 0, at most 1")
        check_regions("protect", self.protect)

    def files(self) -> dict[str, str]:
        """Return the path of the noise profile, if there is one."""
        return {"noise": self.noise} if isinstance(self.noise, str) else {}
