"""What a run writes, and where: the restored file, its sidecar, and what else was asked for."""

import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import Parameter

from audioprior.errors import SettingsError

if TYPE_CHECKING:
    from audioprior.damage.findings import Finding
    from audioprior.files.console import Voice
    from audioprior.files.snapshots import Snapshots
    from audioprior.restoring.job import FitSummary, Result
    from audioprior.restoring.streaming import LongDenoising
    from audioprior.sound.encoding import Encoding
    from audioprior.tasks import Run


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


@dataclass(frozen=True)
class Files:
    """Where a result goes."""

    path: Path
    sidecar: Path | None
    encoding: "Encoding"
    output: Output
    started: float

    def write(self, result: "Result", out: "Voice", snapshots: "Snapshots | None" = None) -> None:
        """Write all that was asked for, then tell."""
        from audioprior.sound.encoding import fit_in_range

        output = self.output
        # Peaks that were won back from clipping are not to be clipped again.
        mode = output.clip_mode or ("float" if result.settings.task.kind == "declip" else "clamp")
        fitted = fit_in_range(result.restored.samples, self.encoding, mode)  # type: ignore[arg-type]
        # What was removed is measured against what is kept as the file holds it, so that the two files add up.
        # (Not against the original itself, which has another rate where the task changes it.)
        removed = (result.restored.samples + result.removed.samples) * fitted.gain - fitted.samples
        result = replace(
            result,
            restored=result.restored.with_samples(fitted.samples),
            removed=result.removed.with_samples(removed),
        )
        path = self.path
        if fitted.encoding.container != self.encoding.container and path != Path("-"):
            path = path.with_suffix(fitted.encoding.extension)
        result.restored.write(path, encoding=fitted.encoding, force=output.force)
        others = numbered(path, len(result.others))
        for other, target in zip(result.others, others, strict=True):
            samples = fit_in_range(other.samples * fitted.gain, fitted.encoding, "clamp").samples
            other.with_samples(samples).write(target, encoding=fitted.encoding, force=output.force)
        if output.removed:
            result.removed.write(output.removed, encoding=fitted.encoding, force=output.force)
        if output.report:
            result.report(output.report, force=output.force)
        if snapshots:
            snapshots.write(result)
        if fitted.note:
            out.note(fitted.note)
        self.finish(result, path, result.original.name, result.fits, result.findings, fitted.note, others, snapshots, out)

    def write_long(self, job: "LongDenoising", out: "Voice") -> None:
        """Write a denoising that goes from file to file, and tell."""
        with ExitStack() as stack:
            path = self.path
            if piped := path == Path("-"):
                path = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="audioprior-"))) / "whole"
            excess = job.write(path, self.output.removed, force=self.output.force)
            if piped:
                with open(path, "rb") as file:
                    shutil.copyfileobj(file, sys.stdout.buffer)
                sys.stdout.buffer.flush()
        note = excess.told() if excess.count else None
        if note:
            out.note(note)
        self.finish(job, self.path, job.recording.name, job.fits, (), note, [], None, out)

    def finish(
        self,
        done: "Result | LongDenoising",
        path: Path,
        name: str,
        fits: "tuple[FitSummary, ...]",
        findings: "tuple[Finding, ...]",
        note: str | None,
        others: list[Path],
        snapshots: "Snapshots | None",
        out: "Voice",
    ) -> None:
        """Write the sidecar file last, as it says that all is there, and tell."""
        output, seconds = self.output, time.monotonic() - self.started
        told: dict[str, Any] = {"complete": done.complete, "findings": [one.facts() for one in findings]}
        if self.sidecar:
            facts = {"device": done.device, "fits": [asdict(one) for one in fits], "notes": [note] if note else []}
            self._describe(done.settings, Path(name), path, self.sidecar, seconds=round(seconds, 3), **told, **facts)
        out.done(
            output=str(path),
            others=[str(one) for one in others],
            removed=str(output.removed) if output.removed else None,
            report=str(output.report) if output.report else None,
            snapshots=str(snapshots.folder) if snapshots else None,
            seconds=seconds,
            stopped=[one.reason for one in fits],
            **told,
        )

    def _describe(self, settings: "Run", source: Path, path: Path, sidecar: Path, **facts: Any) -> None:
        from audioprior.files.sidecar import describe
        from audioprior.settings.identity import sha256
        from audioprior.sound.writing import replacing

        facts |= {
            "input": {"name": source.name, "sha256": sha256(source) if source.is_file() else None},
            "output": {"name": path.name, "sha256": sha256(path)},
        }
        with replacing(sidecar, force=self.output.force) as beside:
            beside.write_text(describe(settings, **facts), encoding="utf-8")


def output_path(name: str, task: str, output: Output, encoding: "Encoding", *, several: bool) -> Path:
    """Return where an input's result goes; "-" for standard output."""
    if output.out == "-" or (output.out is None and name == "-"):
        if several:
            raise SettingsError("several results cannot share standard output; name a folder with -o.")
        return Path("-")
    stem = "input" if name == "-" else Path(name).stem
    own_name = f"{stem}.{task}{encoding.extension}"
    if output.out is None:
        return Path(name).with_name(own_name)
    target = Path(output.out)
    if target.is_dir():
        return target / own_name
    if several or output.out.endswith("/"):
        raise SettingsError(f"the folder {target} does not exist; create it first.")
    return target


def numbered(path: Path, count: int) -> list[Path]:
    """Return where further results beside one go: x.2.wav, x.3.wav and so on."""
    return [path.with_suffix(f".{number}{path.suffix}") for number in range(2, 2 + count)]


def output_encoding(path: Path, encoding: "Encoding", subtype: str | None) -> "Encoding":
    """Return how to store the output: the input's own way, as its name and --subtype ask."""
    import soundfile

    from audioprior.sound.encoding import Encoding

    target = encoding if path == Path("-") else encoding.for_path(path)
    if subtype is None:
        return target
    wanted = Encoding(target.container, subtype.upper())
    if not soundfile.check_format(wanted.container, wanted.subtype):
        choices = ", ".join(soundfile.available_subtypes(target.container))
        raise SettingsError(f"{target.container} holds no {subtype}; choose one of {choices}.")
    return wanted
