"""What the page asks for, as settings, and as the command line that does the same; what it may ask for, as forms."""

import reprlib
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from pydantic import BaseModel, ConfigDict

from audioprior.errors import SettingsError
from audioprior.settings import presets
from audioprior.settings.json import decode, encode
from audioprior.tasks import TASKS, Option, Run, Task


def forms() -> list[dict[str, Any]]:
    """Return a form for each task, for JSON: what is said of it, its methods, and a control for each of its settings."""
    return [_form(task) for task in TASKS.values()]


def _form(task: type[Task]) -> dict[str, Any]:
    words = task.words
    return {
        "name": task.kind,
        "offer": words.offer,
        "done": words.done,
        "nothing": words.nothing,
        "difference": words.difference,
        "finds": task.finds,
        "whole": bool(words.found),
        "methods": {name: presets.DESCRIPTIONS[name] for name in task.methods},
        "method": task.method,
        "controls": [_control(option) for option in task.options() if option.knob.page is True],
        "later": [option.name for option in task.options() if option.knob.page == "later"],
    }


def _control(option: Option) -> dict[str, Any]:
    knob = option.knob
    kind = "marks" if knob.mark else "choice" if option.choices else "bool" if option.types == (bool,) else "number"
    return {
        "name": option.name,
        "flag": option.flag,
        "title": option.title,
        "help": option.help,
        "control": kind,
        "whole": int in option.types,
        "least": knob.least if knob.least is not None else knob.above,
        "most": knob.most,
        "default": option.default,
        "choices": {name: knob.choices.get(name, name) for name in option.choices},
        "mark": knob.mark,
        "label": knob.label,
        "many": option.many,
    }


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


def asked(wish: Wish) -> Run:
    """Return the settings that a visitor's wish means.

    Not everything that a task has is for visitors: a path in a setting would open any file of this machine.

    Raises:
        SettingsError: something in it makes no sense, or is not for visitors to decide.
    """
    if wish.task not in TASKS:
        raise SettingsError(f"there is no task {wish.task!r}; choose one of {', '.join(TASKS)}.")
    task = TASKS[wish.task]
    known = {option.name: option for option in task.options() if option.knob.page}
    for name, value in wish.settings.items():
        if name not in known or (str in known[name].types and (isinstance(value, str) or known[name].many)):
            raise SettingsError(f"the page cannot set {name} of {wish.task}; use the command line for it.")
    return Run.of(decode({"kind": wish.task, **wish.settings}, task), wish.method or "default")


def adjusted(run: Run, values: Mapping[str, float]) -> Run:
    """Return settings with other values of those that need no new fit.

    Raises:
        SettingsError: the task has none, or they are out of range.
    """
    later = [option.name for option in run.task.options() if option.knob.page == "later"]
    if not later or not values.keys() <= set(later):
        which = f"only {' and '.join(later)}" if later else "nothing"
        raise SettingsError(f"{which} of {run.task.kind} can be moved afterwards; run {run.task.kind} again.")
    return replace(run, task=decode(encode(run.task) | {**values}, type(run.task)))


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
    if run.name != task.method:
        words += ["-m", run.name]
    for option in task.options():
        value = getattr(task, option.name)
        if value != option.default:
            words += option.written(value)
    return shlex.join(words)
