"""What the page asks for, as settings, and as the command line that does the same."""

import shlex
from dataclasses import fields, replace
from typing import Any

from audioprior.errors import SettingsError
from audioprior.settings.methods import decode, encode
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


def asked(wish: Any) -> Run:
    """Return the settings that a page's request means: {"task": ..., "method": ..., "settings": {...}}.

    Raises:
        SettingsError: something in it makes no sense, or is not for visitors to decide.
    """
    task, settings = (wish.get("task"), wish.get("settings", {})) if isinstance(wish, dict) else (None, None)
    if task not in _ALLOWED or not isinstance(settings, dict):
        raise SettingsError(f"there is no task {task!r}; choose one of {', '.join(_ALLOWED)}.")
    for name, value in settings.items():
        if name not in _ALLOWED[task] or (name == "noise" and isinstance(value, str)):
            raise SettingsError(f"the page cannot set {name} of {task}; use the command line for it.")
    name = TASKS[task].named(str(wish.get("method") or "default"))
    chosen = decode({"kind": task, **settings}, TASKS[task])
    return Run(name=name, method=TASKS[task].preset(name), task=chosen)


def adjusted(run: Run, wish: Any) -> Run:
    """Return settings with another strength and stopping point, which need no new fit.

    Raises:
        SettingsError: the task has none, or they are out of range.
    """
    if not isinstance(run.task, Denoise) or not isinstance(wish, dict) or not wish.keys() <= {"strength", "stop_at"}:
        raise SettingsError(f"only strength and stop_at of a denoising can be moved afterwards; run {run.task.kind} again.")
    return replace(run, task=decode(encode(run.task) | wish, Denoise))


def command_line(run: Run, name: str) -> str:
    """Return the command that gives the same bytes as a run of a file."""
    task = run.task
    words = ["audioprior", task.kind, f"./{name}" if name.startswith("-") else name]
    if run.name != task.method:
        words += ["-m", run.name]
    usual = type(task)()
    for field in fields(TASKS[task.kind]):  # type: ignore[arg-type]
        value = getattr(task, field.name)
        if field.name in ("kind", "device") or value == getattr(usual, field.name):
            continue
        if field.name in _REPEATED:
            words += [word for one in value for word in (f"--{_REPEATED[field.name]}", _spelt(one))]
        else:
            words += [f"--{_SPELLING.get(field.name, field.name)}", _spelt(value)]
    return shlex.join(words)


def _spelt(value: Any) -> str:
    if not isinstance(value, tuple):
        return str(value)
    span = f"{value[0]!r}-{value[1]!r}"
    return span if len(value) == 2 else f"{span}:{value[2]!r}-{value[3]!r}"
