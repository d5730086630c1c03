"""The command."""

import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, CycloptsError, Parameter, Token

from audioprior import __version__, presets
from audioprior.errors import AudiopriorError, SettingsError
from audioprior.settings import Denoise, Run

if TYPE_CHECKING:
    from audioprior.console import Voice
    from audioprior.recording import Encoding
    from audioprior.restore import Denoising, Result
    from audioprior.snapshots import Snapshots

_INTERRUPTED = 130


def span(_: Any, tokens: Sequence[Token]) -> tuple[float, float]:
    """Read START-END, in seconds."""
    text = tokens[0].value
    try:
        start, end = (float(part) for part in text.split("-"))
    except ValueError:
        raise SettingsError(f"{text!r} is no passage; give START-END in seconds, such as 0.5-1.2.") from None
    return start, end


@dataclass(frozen=True, kw_only=True)
class DenoiseFlags(Denoise):  # noqa: D101 (the text of `Denoise` is its help)
    noise: Annotated[tuple[float, float] | None, Parameter(converter=span, n_tokens=1, accepts_keys=False)] = None


DenoiseFlags.__doc__ = Denoise.__doc__


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
        clip_mode: what to do with samples beyond full scale: clamp them, rescale the output, or store it as float.
        force: replace files that exist.
        keep_partial: when interrupted, write the best so far.
        quiet: say nothing but what must be known.
        json: one JSON object a line on standard output.
        debug: show the whole traceback of an error.
    """

    out: Annotated[str | None, Parameter(name=["--out", "-o"], allow_leading_hyphen=True)] = None
    removed: Path | None = None
    report: Path | None = None
    snapshots: Path | None = None
    every: int = 50
    subtype: str | None = None
    clip_mode: Annotated[str, Parameter(name="--clip-mode")] = "clamp"
    force: bool = False
    keep_partial: bool = False
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False
    json: bool = False
    debug: bool = False

    def __post_init__(self) -> None:
        if self.clip_mode not in ("clamp", "rescale", "float"):
            raise SettingsError(f"--clip-mode is {self.clip_mode!r}; choose clamp, rescale or float.")


app = App(
    name="audioprior",
    help="Training-free audio restoration: an untrained network is fitted to the one damaged recording.",
    version=__version__,
    default_parameter=Parameter(negative=()),
)


@app.command
def denoise(
    inputs: Annotated[list[str], Parameter(allow_leading_hyphen=True)],
    /,
    *,
    method: Annotated[str, Parameter(name=["--method", "-m"])] = presets.DEFAULT,
    stop: str | None = None,
    steps: int | None = None,
    config: Path | None = None,
    settings: Annotated[DenoiseFlags, Parameter(name="*")] = DenoiseFlags(),
    output: Output = Output(),
) -> int:
    """Take the noise out of recordings.

    Args:
        inputs: audio files, or "-" for standard input.
        method: how; `audioprior methods` lists them.
        stop: when to stop: fixed, held-out, moving-variance or discrepancy; the method's own rule without it.
        steps: the most steps to take; the rule's own number without it.
        config: take all settings from the .json that an earlier run left beside its result.
        settings: what to do.
        output: what to write.
    """
    from audioprior.restore import Denoising

    for name in inputs:
        if name.startswith("-") and name != "-":
            raise SettingsError(f"there is no option {name}; `audioprior denoise --help` lists them.")
    chosen = Denoise(**{f.name: getattr(settings, f.name) for f in fields(Denoise)})
    if config is None:
        run = Run(name=method, method=presets.method(method, stop=stop, steps=steps), denoise=chosen)
    else:
        from audioprior.sidecar import read_run

        if chosen != Denoise() or method != presets.DEFAULT or stop or steps:
            raise SettingsError(f"--config {config} holds all settings; leave the others out.")
        run = read_run(config)
    return _each(inputs, run, output, Denoising)


@app.command
def methods() -> None:
    """List the methods."""
    width = max(map(len, presets.DESCRIPTIONS))
    for name, description in presets.DESCRIPTIONS.items():
        print(f"{name:{width}}  {description}")


def _each(inputs: list[str], run: Run, output: Output, job: "type[Denoising]") -> int:
    """Restore each input; one that fails does not stop the rest."""
    from audioprior.console import voice

    failed: list[AudiopriorError] = []
    with voice(quiet=output.quiet, as_json=output.json) as out:
        for name in inputs:
            try:
                _one(name, run, output, job, out, several=len(inputs) > 1)
            except AudiopriorError as error:
                if len(inputs) == 1:
                    raise
                out.note(str(error))
                failed.append(error)
    return AudiopriorError.exit_code if failed else 0


def _one(name: str, run: Run, output: Output, make: "type[Denoising]", out: "Voice", *, several: bool) -> None:
    from audioprior.recording import check_writable, read
    from audioprior.snapshots import Snapshots

    started = time.monotonic()
    out.begin(name)
    recording = read(name)
    encoding = recording.encoding.lossless()
    path = _output_path(name, run, output, encoding, several=several)
    piped = path == Path("-")
    if piped and output.json:
        raise SettingsError("--json and sound would share standard output; name a file with -o.")
    if several and (output.removed or output.report or output.snapshots):
        raise SettingsError("--removed, --report and --snapshots name one file; give one input at a time.")
    encoding = _encoding(path, encoding, output.subtype)
    sidecar = None if piped else path.with_suffix(".json")
    for target in (None if piped else path, sidecar, output.removed, output.report):
        if target is not None:
            check_writable(target, force=output.force)
    job = make(recording, run)
    folder = output.snapshots
    if folder is None and run.method.observation == "image" and not piped:
        folder = path.with_suffix(".steps")  # the seed is its samples on the way
    snapshots = Snapshots(folder, output.every, job) if folder else None
    files = Files(path, sidecar, encoding, output, snapshots, started)
    try:
        for progress in job:
            out.step(progress)
            if snapshots:
                snapshots.take(progress)
    except KeyboardInterrupt:
        if output.keep_partial:
            files.write(job.result(), out)
        raise
    files.write(job.result(), out)


@dataclass(frozen=True)
class Files:
    """Where a result goes."""

    path: Path
    sidecar: Path | None
    encoding: "Encoding"
    output: Output
    snapshots: "Snapshots | None"
    started: float

    def write(self, result: "Result", out: "Voice") -> None:
        """Write all that was asked for, then tell."""
        from audioprior.recording import fit_in_range

        output = self.output
        fitted = fit_in_range(result.restored.samples, self.encoding, output.clip_mode)  # type: ignore[arg-type]
        # What was removed is measured against what is kept as the file holds it, so that the two files add up.
        removed = result.original.samples * fitted.gain - fitted.samples
        result = replace(
            result,
            restored=result.restored.with_samples(fitted.samples),
            removed=result.removed.with_samples(removed),
        )
        path = self.path
        if fitted.encoding.container != self.encoding.container and path != Path("-"):
            path = path.with_suffix(fitted.encoding.extension)
        result.restored.write(path, encoding=fitted.encoding, force=output.force)
        if output.removed:
            result.removed.write(output.removed, encoding=fitted.encoding, force=output.force)
        if output.report:
            result.report(output.report, force=output.force)
        if self.snapshots:
            self.snapshots.write(result)
        if fitted.note:
            out.note(fitted.note)
        seconds = time.monotonic() - self.started
        if self.sidecar:
            self._describe(result, path, self.sidecar, seconds=round(seconds, 3), notes=[fitted.note] if fitted.note else [])
        out.done(
            output=str(path),
            removed=str(output.removed) if output.removed else None,
            report=str(output.report) if output.report else None,
            snapshots=str(self.snapshots.folder) if self.snapshots else None,
            seconds=seconds,
            complete=result.complete,
            stopped=[one.reason for one in result.fits],
        )

    def _describe(self, result: "Result", path: Path, sidecar: Path, **facts: Any) -> None:
        from audioprior.recording import replacing
        from audioprior.sidecar import describe, sha256

        source = Path(result.original.name)
        facts |= {
            "input": {"name": source.name, "sha256": sha256(source) if source.is_file() else None},
            "output": {"name": path.name, "sha256": sha256(path)},
            "complete": result.complete,
            "device": result.device,
            "fits": [asdict(one) for one in result.fits],
        }
        with replacing(sidecar, force=self.output.force) as beside:
            beside.write_text(describe(result.settings, **facts), encoding="utf-8")


def _output_path(name: str, run: Run, output: Output, encoding: "Encoding", *, several: bool) -> Path:
    """Return where an input's result goes; "-" for standard output."""
    if output.out == "-" or (output.out is None and name == "-"):
        if several:
            raise SettingsError("several results cannot share standard output; name a folder with -o.")
        return Path("-")
    stem = "input" if name == "-" else Path(name).stem
    own_name = f"{stem}.{run.task}{encoding.extension}"
    if output.out is None:
        return Path(name).with_name(own_name)
    target = Path(output.out)
    if target.is_dir():
        return target / own_name
    if several or output.out.endswith("/"):
        raise SettingsError(f"the folder {target} does not exist; create it first.")
    return target


def _encoding(path: Path, encoding: "Encoding", subtype: str | None) -> "Encoding":
    """Return how to store the output: the input's own way, as its name and --subtype ask."""
    import soundfile

    from audioprior.recording import Encoding

    target = encoding if path == Path("-") else encoding.for_path(path)
    if subtype is None:
        return target
    wanted = Encoding(target.container, subtype.upper())
    if not soundfile.check_format(wanted.container, wanted.subtype):
        choices = ", ".join(soundfile.available_subtypes(target.container))
        raise SettingsError(f"{target.container} holds no {subtype}; choose one of {choices}.")
    return wanted


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit with its code: 0, or as `errors` says, or 130 when interrupted."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        code = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except KeyboardInterrupt:
        print("audioprior: interrupted.", file=sys.stderr)
        sys.exit(_INTERRUPTED)
    except CycloptsError as error:
        if "--debug" in arguments:
            raise
        print(f"audioprior: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(SettingsError.exit_code)
    except AudiopriorError as error:
        if "--debug" in arguments:
            raise
        print(f"audioprior: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    sys.exit(code or 0)
