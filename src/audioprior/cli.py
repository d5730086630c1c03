"""The command."""

import sys
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, CycloptsError, Parameter

from audioprior import __version__, presets
from audioprior.arguments import DenoiseFlags, Inputs, Repair, Workers, assigned, band, span
from audioprior.errors import AudiopriorError, SettingsError
from audioprior.output import Output
from audioprior.runner import restore_each
from audioprior.tasks import Declick, Declip, Denoise, Dequantise, Extend, Inpaint, Run, TaskSettings

_INTERRUPTED = 130


_FLAGS, _REPAIR, _OUTPUT, _WORKERS = DenoiseFlags(), Repair(), Output(), Workers()

app = App(
    name="audioprior",
    help="Training-free audio restoration: an untrained network is fitted to the one damaged recording.",
    version=__version__,
    default_parameter=Parameter(negative=()),
    suppress_keyboard_interrupt=False,  # main() says that it was interrupted
)


@app.command
def denoise(
    inputs: Inputs,
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

    _check_names(inputs)
    chosen = Denoise(**{f.name: getattr(settings, f.name) for f in fields(Denoise)})
    run = _run(config, method, chosen, stop=stop, steps=steps)
    return restore_each(inputs, run, output)


@app.command
def inpaint(
    inputs: Inputs,
    /,
    *,
    gap: list[str] | None = None,
    region: list[str] | None = None,
    labels: Path | None = None,
    fill: Literal["mean", "sample"] = "mean",
    samples: int = 1,
    repair: Repair = _REPAIR,
    output: Output = _OUTPUT,
) -> int:
    """Fill gaps, or take a cough, a ring or a whistle out of a part of the spectrum.

    Args:
        inputs: audio files, or "-" for standard input.
        gap: START-END of a gap in seconds; may be given many times. Without gaps, regions and labels, gaps are looked for.
        region: START-END:LOW-HIGH of what to take out, in seconds and Hz; may be given many times.
        labels: a file that marks gaps and regions: Audacity labels, a Raven selection table, a CSV with start and end, or a
            PNG painted over the spectrogram.
        fill: mean, the most faithful, or sample, one plausible sound, which keeps its energy in long gaps.
        samples: how many plausible sounds to write, with --fill sample: x.inpaint.wav, x.inpaint.2.wav, x.inpaint.3.wav ...
        repair: how to run it.
        output: what to write.
    """
    _check_names(inputs)
    gaps, regions = tuple(span(text) for text in gap or ()), tuple(band(text) for text in region or ())
    if labels is not None:
        from audioprior.marks import read_marks

        if len(inputs) > 1:
            raise SettingsError(f"--labels {labels} marks one recording; give one input at a time.")
        more_gaps, more_regions = read_marks(labels, inputs[0])
        gaps, regions = gaps + more_gaps, regions + more_regions
    chosen = Inpaint(gaps=gaps, regions=regions, fill=fill, samples=samples, seed=repair.seed, device=repair.device)
    return _repaired(inputs, chosen, repair, output)


@app.command
def declip(
    inputs: Inputs,
    /,
    *,
    level: float | None = None,
    repair: Repair = _REPAIR,
    output: Output = _OUTPUT,
) -> int:
    """Infer the peaks that clipping cut off.

    Peaks beyond full scale need a home: without --clip-mode the result is stored as float, and every other sample is exact.

    Args:
        inputs: audio files, or "-" for standard input.
        level: of clipping, in dBFS; found for each channel and polarity without it.
        repair: how to run it.
        output: what to write.
    """
    _check_names(inputs)
    chosen = Declip(level=level, seed=repair.seed, device=repair.device)
    return _repaired(inputs, chosen, repair, output)


@app.command
def declick(
    inputs: Inputs,
    /,
    *,
    sensitivity: float = 0.5,
    keep: list[int] | None = None,
    repair: Repair = _REPAIR,
    output: Output = _OUTPUT,
) -> int:
    """Take out clicks and crackle.

    Args:
        inputs: audio files, or "-" for standard input.
        sensitivity: from 0 to 1; what is surer to be a click than 1 less this is repaired.
        keep: the number of a finding to leave alone, as --dry-run lists them; may be given many times.
        repair: how to run it.
        output: what to write.
    """
    _check_names(inputs)
    chosen = Declick(sensitivity=sensitivity, keep=tuple(keep or ()), seed=repair.seed, device=repair.device)
    return _repaired(inputs, chosen, repair, output)


@app.command
def extend(
    inputs: Inputs,
    /,
    *,
    cutoff: float | None = None,
    rate: int | None = None,
    like: str | None = None,
    dry_run: bool = False,
    config: Path | None = None,
    output: Output = _OUTPUT,
) -> int:
    """Invent a missing high band; all below the cutoff stays as it is.

    Args:
        inputs: audio files, or "-" for standard input.
        cutoff: in Hz, above which nothing was recorded; found without it.
        rate: sample rate of the result in Hz; the input's own without it.
        like: an excerpt of something alike that has the high band.
        dry_run: only list what would be invented.
        config: take all settings from the .json that an earlier run left beside its result.
        output: what to write.
    """
    _check_names(inputs)
    chosen = Extend(cutoff_hz=cutoff, rate_hz=rate, like=like)
    return restore_each(inputs, _run(config, presets.DEFAULTS["extend"], chosen), output, dry_run=dry_run)


@app.command
def dequantise(
    inputs: Inputs,
    /,
    *,
    bits: int | None = None,
    repair: Repair = _REPAIR,
    output: Output = _OUTPUT,
) -> int:
    """Take the steps out of a recording that was once stored in few bits.

    No sample moves by more than half a step. Where the file holds no finer values, the result is stored in 24 bits.

    Args:
        inputs: audio files, or "-" for standard input.
        bits: that each sample had at full scale; the steps are found without it.
        repair: how to run it.
        output: what to write.
    """
    _check_names(inputs)
    chosen = Dequantise(bits=bits, seed=repair.seed, device=repair.device)
    return _repaired(inputs, chosen, repair, output)


@app.command
def batch(
    inputs: Inputs,
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])],
    task: Literal["denoise", "inpaint", "declip", "declick", "dequantise", "extend"] = "denoise",
    method: Annotated[str | None, Parameter(name=["--method", "-m"])] = None,
    set_: Annotated[list[str] | None, Parameter(name="--set")] = None,
    config: Path | None = None,
    workers: Workers = _WORKERS,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False,
    json: bool = False,
) -> int:
    """Restore many files, on this machine or on many.

    What is done is known by its sidecar and is not done again, so that the same command goes on after an interruption. One
    bad file does not stop the rest.

    Args:
        inputs: files, folders, patterns, or "-" for a list on standard input.
        out: the folder for outputs; files of a folder keep their places below it.
        task: what to do.
        method: how; `audioprior methods` lists them.
        set_: NAME=VALUE of a setting of the task, such as strength=0.8; may be given many times.
        config: take all settings from the .json that an earlier run left beside its result.
        workers: who does it.
        quiet: say nothing but what failed.
        json: one JSON object a line on standard output for each file.
    """
    from audioprior.batch.run import run_batch

    run = _run(config, method or presets.DEFAULTS[task], assigned(task, set_ or ()))
    return run_batch(inputs, out, run, workers, quiet=quiet, as_json=json)


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


def _check_names(inputs: list[str]) -> None:
    for name in inputs:
        if name.startswith("-") and name != "-":
            raise SettingsError(f"there is no option {name}; --help lists them.")


def _repaired(inputs: list[str], task: TaskSettings, repair: Repair, output: Output) -> int:
    run = _run(repair.config, repair.method or presets.DEFAULTS[task.kind], task, steps=repair.steps)
    return restore_each(inputs, run, output, dry_run=repair.dry_run)


def _run(config: Path | None, method: str, task: TaskSettings, *, stop: str | None = None, steps: int | None = None) -> Run:
    """Return what the options mean, or what a sidecar file holds."""
    if config is None:
        return Run(name=method, method=presets.method(method, task.kind, stop=stop, steps=steps), task=task)
    from audioprior.sidecar import read_run

    if task != type(task)() or method != presets.DEFAULTS[task.kind] or stop or steps:
        raise SettingsError(f"--config {config} holds all settings; leave the others out.")
    run = read_run(config)
    if run.task.kind != task.kind:
        raise SettingsError(f"{config} is of a run of {run.task.kind}; give it to `audioprior {run.task.kind}`.")
    return run


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
