"""The commands that restore: one for each task."""

from dataclasses import fields
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from audioprior.cli.app import app
from audioprior.cli.arguments import DenoiseFlags, Inputs, Repair, band, chosen_run, span
from audioprior.errors import SettingsError
from audioprior.files.output import Output
from audioprior.files.runner import restore_each
from audioprior.settings import presets
from audioprior.tasks import Declick, Declip, Denoise, Dequantise, Extend, Inpaint, Task

_FLAGS, _REPAIR, _OUTPUT = DenoiseFlags(), Repair(), Output()


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
    run = chosen_run(config, method, chosen, stop=stop, steps=steps)
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
        from audioprior.damage.marks import read_marks

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
    return restore_each(inputs, chosen_run(config, "default", chosen), output, dry_run=dry_run)


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


def _check_names(inputs: list[str]) -> None:
    for name in inputs:
        if name.startswith("-") and name != "-":
            raise SettingsError(f"there is no option {name}; --help lists them.")


def _repaired(inputs: list[str], task: Task, repair: Repair, output: Output) -> int:
    run = chosen_run(repair.config, repair.method or "default", task, steps=repair.steps)
    return restore_each(inputs, run, output, dry_run=repair.dry_run)
