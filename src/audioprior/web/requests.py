"""What the page asks for, as settings, and as the command line that does the same."""

import reprlib
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

from pydantic import BaseModel, ConfigDict

from audioprior.errors import SettingsError
from audioprior.settings import presets
from audioprior.settings.json import decode, encode
from audioprior.tasks import TASKS, Denoise, Run

# What a visitor decides. Not everything that a task has: a path in a setting would open any file of this machine.
_ALLOWED: dict[str, tuple[str, ...]] = {
    "denoise": ("strength", "max_reduction_db", "noise", "protect", "stop_at", "seed"),
    "inpaint": ("gaps", "regions", "fill", "seed"),
    "declip": ("level", "seed"),
    "declick": ("sensitivity", "keep", "seed"),
    "dequantise": ("bits", "seed"),
    "extend": ("cutoff_hz",),
}
_SPELLING = {"cutoff_hz": "cutoff", "stop_at": "stop-at", "max_reduction_db": "max-reduction-db"}
_REPEATED = {"gaps": "gap", "regions": "region", "protect": "protect", "keep": "keep"}


class Wish(BaseModel):
    """What a visitor wants done with a recording.

    Attributes:
        task: its name.
        method: a preset's name; the task's own without it.
        settings: of the task, as its dataclass names them.
    """

    model_config = ConfigDict(extra="forbid", strict=True)
    task: str
    method: str | None = None
    settings: dict[str, Any] = {}


class Adjustment(BaseModel):
    """What can be moved after a denoising without another fit; the settings say what each may be."""

    model_config = ConfigDict(extra="forbid", strict=True)
    strength: float | None = None
    stop_at: float | None = None


def asked(wish: Wish) -> Run:
    """Return the settings that a visitor's wish means.

    Raises:
        SettingsError: something in it makes no sense, or is not for visitors to decide.
    """
    if wish.task not in _ALLOWED:
        raise SettingsError(f"there is no task {wish.task!r}; choose one of {', '.join(_ALLOWED)}.")
    for name, value in wish.settings.items():
        if name not in _ALLOWED[wish.task] or (name == "noise" and isinstance(value, str)):
            raise SettingsError(f"the page cannot set {name} of {wish.task}; use the command line for it.")
    name = presets.named(wish.method or "default", wish.task)
    chosen = decode({"kind": wish.task, **wish.settings}, TASKS[wish.task])
    return Run(name=name, method=presets.method(name, wish.task), task=chosen)


def adjusted(run: Run, adjustment: Adjustment) -> Run:
    """Return settings with another strength and stopping point, which need no new fit.

    Raises:
        SettingsError: the task has none, or they are out of range.
    """
    if not isinstance(run.task, Denoise):
        raise SettingsError(f"only strength and stop_at of a denoising can be moved afterwards; run {run.task.kind} again.")
    return replace(run, task=decode(encode(run.task) | adjustment.model_dump(exclude_none=True), Denoise))


def refusal(errors: Sequence[Mapping[str, Any]]) -> str:
    """Return one sentence on what is wrong with a request: the first of FastAPI's errors, with the value and the cure.

    Args:
        errors: as `RequestValidationError.errors()` gives them: where ("loc"), what ("type", "msg") and the value ("input").
    """
    first = errors[0]
    name = first["loc"][-1] if len(first["loc"]) > 1 else "the request"
    value, message = reprlib.repr(first.get("input")), first["msg"]
    if first["type"] == "json_invalid":
        return f"the request is no JSON ({first['ctx']['error']}); reload the page."
    if first["type"] == "missing":
        return f"{name} is missing; give it."
    if first["type"] == "extra_forbidden":
        return f"{name} is {value}, and cannot be set here; leave it out."
    return f"{name} is {value}; it must be {message.removeprefix('Input should be ')}."


def command_line(run: Run, name: str) -> str:
    """Return the command that gives the same bytes as a run of a file."""
    task = run.task
    words = ["audioprior", task.kind, f"./{name}" if name.startswith("-") else name]
    if run.name != presets.DEFAULTS[task.kind]:
        words += ["-m", run.name]
    usual = type(task)()
    for field in fields(TASKS[task.kind]):  # type: ignore[arg-type]
        value = getattr(task, field.name)
        if field.name in ("kind", "device") or value == getattr(usual, field.name):
            continue
        if field.name in _REPEATED:
            words += [word for part in value for word in (f"--{_REPEATED[field.name]}", _spelt(part))]
        else:
            words += [f"--{_SPELLING.get(field.name, field.name)}", _spelt(value)]
    return shlex.join(words)


def _spelt(value: Any) -> str:
    if not isinstance(value, tuple):
        return str(value)
    span = f"{value[0]!r}-{value[1]!r}"
    return span if len(value) == 2 else f"{span}:{value[2]!r}-{value[3]!r}"
