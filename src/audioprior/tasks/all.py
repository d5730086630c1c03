"""What a user decides about each task, once, as frozen dataclasses; and the run that holds all that decides a result.

Nothing here imports torch, so that `audioprior --help` is quick.
"""

from dataclasses import dataclass, field
from typing import ClassVar, Literal

from audioprior.settings.methods import Choice, Method, require

Gap = tuple[float, float]
"""START, END, in seconds."""
Region = tuple[float, float, float, float]
"""START, END in seconds, LOW, HIGH in Hz."""


class TaskSettings(Choice):
    """What a user decides about a task; every task has these.

    Attributes:
        kind: which task.
        seed: of all random numbers.
        device: what to compute on.
    """

    kind: str
    seed: int
    device: str

    def __post_init__(self) -> None:
        require(0 <= self.seed < 2**63, "seed", self.seed, "between 0 and 2^63 - 1")


def _check_regions(name: str, regions: tuple[Region, ...]) -> None:
    for start, end, low, high in regions:
        allowed = "a start before its end, in seconds, and a low frequency below a high one, in Hz"
        require(0 <= start < end and 0 <= low < high, name, f"{start:g}-{end:g}:{low:g}-{high:g}", allowed)


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
        _check_regions("protect", self.protect)


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
        _check_regions("region", self.regions)


@dataclass(frozen=True, kw_only=True)
class Declip(TaskSettings):
    """What a user decides about clipped peaks.

    Attributes:
        level: of clipping, in dBFS; found for each channel and polarity without it.
        seed: of all random numbers.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
    """

    kind: Literal["declip"] = "declip"
    level: float | None = None
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.level is None or self.level <= 0, "level", self.level, "at most 0 dBFS")


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


@dataclass(frozen=True, kw_only=True)
class Extend(TaskSettings):
    """What a user decides about a missing high band.

    Attributes:
        cutoff_hz: above which nothing was recorded; found without it, where all of the recording lacks the same band.
        rate_hz: sample rate of the result; the recording's own without it.
        like: path of an excerpt of something alike that has the high band.
        seed: of all random numbers.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
    """

    kind: Literal["extend"] = "extend"
    cutoff_hz: float | None = None
    rate_hz: int | None = None
    like: str | None = None
    seed: int = 0
    device: str = "auto"

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.cutoff_hz is None or self.cutoff_hz > 0, "cutoff_hz", self.cutoff_hz, "more than 0 Hz")
        require(self.rate_hz is None or self.rate_hz > 0, "rate_hz", self.rate_hz, "more than 0 Hz")


@dataclass(frozen=True, kw_only=True)
class Run:
    """Everything that decides the bytes of a result, as the sidecar file holds it.

    Attributes:
        name: the method's name.
        method: the method, whole.
        task: what was done, and what the user decided about it.
    """

    name: str = "consensus"
    method: Method = field(default_factory=Method)
    task: TaskSettings = field(default_factory=Denoise)

    FILE_VERSION: ClassVar[int] = 2


TASKS: dict[str, type[TaskSettings]] = {
    "denoise": Denoise,
    "inpaint": Inpaint,
    "declip": Declip,
    "declick": Declick,
    "dequantise": Dequantise,
    "extend": Extend,
}
