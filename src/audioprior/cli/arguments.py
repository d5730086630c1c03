"""What the commands take: passages, regions, and the options that several of them share."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter, Token

from audioprior.errors import SettingsError
from audioprior.tasks import TASKS, Denoise, Region, Run, Task

Inputs = Annotated[list[str], Parameter(allow_leading_hyphen=True)]


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


def band(text: str) -> tuple[float, float, float, float]:
    """Read START-END:LOW-HIGH, in seconds and Hz."""
    try:
        (start, end), (low, high) = (span(part) for part in text.split(":"))
    except (ValueError, SettingsError):
        raise SettingsError(f"{text!r} is no region; give START-END:LOW-HIGH, such as 1.2-1.5:2000-4000.") from None
    return start, end, low, high


def bands(_: Any, tokens: Sequence[Token]) -> tuple[Region, ...]:
    """Read START-END:LOW-HIGH of each region, in seconds and Hz."""
    return tuple(band(token.value) for token in tokens)


def assigned(kind: str, pairs: Sequence[str]) -> Task:
    """Return a task's settings from NAME=VALUE of each that is not left as it is.

    Raises:
        SettingsError: a pair is none, or names no setting, or its value is out of range.
    """
    import msgspec

    task = TASKS[kind]
    known = [one.name for one in fields(task) if one.name != "kind"]  # type: ignore[arg-type]
    values = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or name not in known:
            raise SettingsError(f"{pair!r} sets nothing of {kind}; give NAME=VALUE with one of {', '.join(known)}.")
        values[name] = value
    try:
        return msgspec.convert(values, type=task, strict=False)
    except msgspec.ValidationError as error:
        raise SettingsError(f"the settings of {kind} are not valid ({error}); see audioprior {kind} --help.") from error


def chosen_run(config: Path | None, method: str, task: Task, *, stop: str | None = None, steps: int | None = None) -> Run:
    """Return what the options mean, or what a sidecar file holds."""
    method = task.named(method)
    if config is None:
        return Run.of(task, method, stop=stop, steps=steps)
    from audioprior.files.sidecar import read_run

    if task != type(task)() or method != task.method or stop or steps:
        raise SettingsError(f"--config {config} holds all settings; leave the others out.")
    run = read_run(config)
    if run.task.kind != task.kind:
        raise SettingsError(f"{config} is of a run of {run.task.kind}; give it to `audioprior {run.task.kind}`.")
    return run


@dataclass(frozen=True, kw_only=True)
class DenoiseFlags(Denoise):  # noqa: D101 (the text of `Denoise` is its help)
    noise: Annotated[tuple[float, float] | str | None, Parameter(converter=passage, n_tokens=1, accepts_keys=False)] = None
    protect: Annotated[
        tuple[Region, ...], Parameter(converter=bands, n_tokens=1, accepts_keys=False, show_default=False)
    ] = ()


DenoiseFlags.__doc__ = Denoise.__doc__


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Repair:
    """How a repair is run.

    Attributes:
        dry_run: only list what would be repaired.
        method: how; `audioprior methods` lists them.
        steps: the most steps to take; the method's own number without it.
        config: take all settings from the .json that an earlier run left beside its result.
        seed: of all random numbers.
        device: auto, cpu, cuda, cuda:N or mps.
    """

    dry_run: bool = False
    method: Annotated[str | None, Parameter(name=["--method", "-m"])] = None
    steps: int | None = None
    config: Path | None = None
    seed: int = 0
    device: str = "auto"
