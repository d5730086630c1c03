"""The command."""

import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from cyclopts import App, CycloptsError, Parameter, Token

from audioprior import __version__, presets
from audioprior.errors import AudiopriorError, SettingsError
from audioprior.output import Files, Output, output_encoding, output_path
from audioprior.tasks import Denoise, Run

if TYPE_CHECKING:
    from audioprior.console import Voice
    from audioprior.denoising import Denoising

_INTERRUPTED = 130


def passage(_: Any, tokens: Sequence[Token]) -> tuple[float, float] | str:
    """Read START-END in seconds, or a noise profile's file."""
    text = tokens[0].value
    if text.endswith(".json"):
        return text
    return span(text)


def span(text: str) -> tuple[float, float]:
    """Read START-END, in seconds."""
    try:
        start, end = (float(part) for part in text.split("-"))
    except ValueError:
        raise SettingsError(f"{text!r} is no passage; give START-END in seconds, such as 0.5-1.2.") from None
    return start, end


@dataclass(frozen=True, kw_only=True)
class DenoiseFlags(Denoise):  # noqa: D101 (the text of `Denoise` is its help)
    noise: Annotated[tuple[float, float] | str | None, Parameter(converter=passage, n_tokens=1, accepts_keys=False)] = None


DenoiseFlags.__doc__ = Denoise.__doc__


_FLAGS, _OUTPUT = DenoiseFlags(), Output()

app = App(
    name="audioprior",
    help="Training-free audio restoration: an untrained network is fitted to the one damaged recording.",
    version=__version__,
    default_parameter=Parameter(negative=()),
    suppress_keyboard_interrupt=False,  # main() says that it was interrupted
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
    settings: Annotated[DenoiseFlags, Parameter(name="*")] = _FLAGS,
    output: Output = _OUTPUT,
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
    from audioprior.denoising import Denoising

    for name in inputs:
        if name.startswith("-") and name != "-":
            raise SettingsError(f"there is no option {name}; `audioprior denoise --help` lists them.")
    chosen = Denoise(**{f.name: getattr(settings, f.name) for f in fields(Denoise)})
    if config is None:
        run = Run(name=method, method=presets.method(method, stop=stop, steps=steps), task=chosen)
    else:
        from audioprior.sidecar import read_run

        if chosen != Denoise() or method != presets.DEFAULT or stop or steps:
            raise SettingsError(f"--config {config} holds all settings; leave the others out.")
        run = read_run(config)
    return _each(inputs, run, output, Denoising)


@app.command
def profile(
    recording: Annotated[str, Parameter(allow_leading_hyphen=True)],
    span_s: Annotated[str, Parameter(name="START-END")],
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])],
    force: bool = False,
) -> None:
    """Learn the noise of a passage, for `audioprior denoise --noise FILE`.

    Args:
        recording: an audio file.
        span_s: a passage in it that holds noise only, in seconds.
        out: the profile to write, a .json file.
        force: replace a file that exists.
    """
    from audioprior.profile import learn
    from audioprior.recording import read

    if out.suffix != ".json":
        raise SettingsError(f"{out} is no .json file; name one with -o.")
    learn(read(recording), span(span_s)).write(out, force=force)


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
    from audioprior.recording import check_encodable, check_writable, read
    from audioprior.snapshots import Snapshots

    started = time.monotonic()
    out.begin(name)
    recording = read(name)
    encoding = recording.encoding.lossless()
    path = output_path(name, run.task.kind, output, encoding, several=several)
    piped = path == Path("-")
    if piped and output.json:
        raise SettingsError("--json and sound would share standard output; name a file with -o.")
    if several and (output.removed or output.report or output.snapshots):
        raise SettingsError("--removed, --report and --snapshots name one file; give one input at a time.")
    encoding = output_encoding(path, encoding, output.subtype)
    sidecar = None if piped else path.with_suffix(".json")
    for target in (None if piped else path, sidecar, output.removed, output.report):
        if target is not None:
            check_writable(target, force=output.force)
    check_encodable(recording, encoding)
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
    except Exception as error:
        if "--debug" in arguments:
            raise
        what = " ".join(str(error).split())
        print(
            f"audioprior: unexpected {type(error).__name__} ({what}); run again with --debug and report it.", file=sys.stderr
        )
        sys.exit(AudiopriorError.exit_code)
    sys.exit(code or 0)
