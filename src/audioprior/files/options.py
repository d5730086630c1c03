"""What the command can write, and what it says meanwhile."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from audioprior.errors import SettingsError


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Output:
    """What is written, and what is said.

    Attributes:
        out: the output file, a folder for several, or "-" for standard output. Without it x.wav becomes x.denoise.wav.
        removed: also write what was removed, to this file.
        report: also write a report with players and pictures, one HTML file.
        snapshots: also write the output on the way, as sound and pictures, to this folder.
        every: steps between snapshots.
        subtype: sample format of the output, such as PCM_16, PCM_24 or FLOAT; the input's own without it.
        clip_mode: what to do with samples beyond full scale: clamp them, rescale the output, or store it as float; without
            it declip stores float and all other tasks clamp.
        force: replace files that exist.
        keep_partial: when interrupted, write the best so far.
        quiet: say nothing but what must be known.
        json: one JSON object a line on standard output.
    """

    out: Annotated[str | None, Parameter(name=["--out", "-o"], allow_leading_hyphen=True)] = None
    removed: Path | None = None
    report: Path | None = None
    snapshots: Path | None = None
    every: int = 50
    subtype: str | None = None
    clip_mode: Annotated[str | None, Parameter(name="--clip-mode")] = None
    force: bool = False
    keep_partial: bool = False
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False
    json: bool = False

    def __post_init__(self) -> None:
        if self.clip_mode not in (None, "clamp", "rescale", "float"):
            raise SettingsError(f"--clip-mode is {self.clip_mode!r}; choose clamp, rescale or float.")
