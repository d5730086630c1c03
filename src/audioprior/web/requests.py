"""What the page asks for, as settings, and as the command line that does the same; what it may ask for, as forms."""

import shlex
from dataclasses import replace
from typing import Any

from audioprior.errors import SettingsError
from audioprior.settings import presets
from audioprior.settings.methods import decode, encode
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


def asked(wish: Any) -> Run:
    """Return the settings that a page's request means: {"task": ..., "method": ..., "settings": {...}}.

    Not everything that a task has is for visitors: a path in a setting would open any file of this machine.

    Raises:
        SettingsError: something in it makes no sense, or is not for visitors to decide.
    """
    kind, settings = (wish.get("task"), wish.get("settings", {})) if isinstance(wish, dict) else (None, None)
    if not isinstance(kind, str) or kind not in TASKS or not isinstance(settings, dict):
        raise SettingsError(f"there is no task {kind!r}; choose one of {', '.join(TASKS)}.")
    task = TASKS[kind]
    known = {option.name: option for option in task.options() if option.knob.page}
    for name, value in settings.items():
        if name not in known or (str in known[name].types and (isinstance(value, str) or known[name].many)):
            raise SettingsError(f"the page cannot set {name} of {kind}; use the command line for it.")
    return Run.of(decode({"kind": kind, **settings}, task), str(wish.get("method") or "default"))


def adjusted(run: Run, wish: Any) -> Run:
    """Return settings with other values of those that need no new fit.

    Raises:
        SettingsError: the task has none, or they are out of range.
    """
    later = [option.name for option in run.task.options() if option.knob.page == "later"]
    if not later or not isinstance(wish, dict) or not wish.keys() <= set(later):
        which = f"only {' and '.join(later)}" if later else "nothing"
        raise SettingsError(f"{which} of {run.task.kind} can be moved afterwards; run {run.task.kind} again.")
    return replace(run, task=decode(encode(run.task) | wish, type(run.task)))


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
