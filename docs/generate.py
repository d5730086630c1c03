"""Writes what the documentation says of settings, methods and commands from the code itself: `python docs/generate.py`.

docs/settings.md is written whole; in other pages, what stands between a pair of marks. A test fails
where a committed page differs from what this would write.
"""

import re
import sys
from dataclasses import MISSING, Field, fields, is_dataclass
from inspect import getdoc
from pathlib import Path
from types import UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints
from unittest.mock import patch

from audioprior.cli import restore  # noqa: F401 (the package adds its commands)
from audioprior.cli.app import app
from audioprior.settings import presets
from audioprior.settings.json import encode
from audioprior.settings.methods import Method
from audioprior.settings.priors import PriorSettings
from audioprior.tasks import TASKS, Task

ROOT = Path(__file__).parent.parent
_MADE = "<!-- Written by docs/generate.py from the code; do not edit. -->"


def attributes(cls: type) -> tuple[str, dict[str, str]]:
    """Return a dataclass's first sentences, and what its docstring says of each attribute."""
    head, _, tail = (getdoc(cls) or "").partition("\nAttributes:\n")
    said: dict[str, str] = {}
    for line in tail.splitlines():
        if match := re.match(r" {4}(\w+): (.*)", line):
            name = match[1]
            said[name] = match[2]
        elif line.startswith(" " * 8):
            said[name] += " " + line.strip()
    return head.strip(), said


def default(field: "Field[Any]") -> str:
    """Return a field's default as one writes it."""
    if field.default is not MISSING:
        value = field.default
    elif field.default_factory is not MISSING:
        value = field.default_factory()
    else:
        return ""
    return f"`{type(value).__name__}()`" if is_dataclass(value) else f"`{value!r}`"


def kind(hint: Any) -> str:
    """Return a type as one writes it, the choices of a literal one by one."""
    if get_origin(hint) is Literal:
        return ", ".join(f"`{one!r}`" for one in get_args(hint))
    if isinstance(hint, UnionType) or (get_origin(hint) is not None and "Union" in str(get_origin(hint))):
        return " or ".join(kind(one) for one in get_args(hint))
    if hint is type(None):
        return "`None`"
    return f"`{hint.__name__ if isinstance(hint, type) and not get_args(hint) else hint}`"


def ours(base: type[Any]) -> list[type[Any]]:
    """Return the dataclasses below one that are the package's: not those of an example or a test."""
    return [cls for cls in base.__subclasses__() if cls.__module__.startswith("audioprior.")]


def section(cls: type, title: str, level: int = 3) -> str:
    """Return the section of one dataclass: what it is, and a table of its settings."""
    head, said = attributes(cls)
    hints = get_type_hints(cls)
    rows = [
        f"| `{one.name}` | {said[one.name]} | {kind(hints[one.name])} | {default(one)} |"
        for one in fields(cls)
        if one.name != "kind"
    ]
    table = ["| setting | what it is | type | default |", "|---|---|---|---|", *rows] if rows else ["No settings."]
    return "\n".join([f"{'#' * level} {title}", "", head, "", *table, ""])


def task_section(task: type[Task]) -> str:
    """Return the section of a task: what it does, and a table of its settings, from their knobs."""
    head = ["| setting | option | what it is | allowed | type | default |", "|---|---|---|---|---|---|"]
    rows = [
        f"| `{option.name}` | `--{option.flag}` | {option.help} | {option.knob.allowed} | {kind(option.hint)} "
        f"| `{option.default!r}` |"
        for option in task.options()
    ]
    said = f"{task.words.summary} {task.words.more}".strip()
    return "\n".join([f"### {task.kind}: `{task.__name__}`", "", said, "", *head, *rows, ""])


def tasks_table() -> str:
    """Return the table of what one hears and which task mends it."""
    rows = [f"| {task.words.heard} | [`{name}`](tutorials/{name}.md) |" for name, task in TASKS.items()]
    return "\n".join(["| what you hear | task |", "|---|---|", *rows])


def task_functions() -> str:
    """Return the functions of the tasks, as the reference includes them, and the names of their settings."""
    names = [f"`{task.__name__}`" for task in TASKS.values()]
    functions = "\n".join(f"::: audioprior.restore.{name}" for name in TASKS)
    return (
        f"{functions}\n\nTheir settings, {', '.join(names[:-1])} and {names[-1]}, are on [a page of their own](settings.md)."
    )


def settings_page() -> str:
    """Return docs/settings.md."""
    parts = [
        _MADE,
        "# Settings",
        "Every setting, once: the library, the command, the `.json` beside a result (`--config`) and `--set` mean these.",
        "## Tasks",
        *map(task_section, TASKS.values()),
        "## Methods",
        section(Method, "`Method`"),
        "The named methods are values of it:",
        methods_table(),
        "## Priors",
        *(section(cls, f"`{cls.__name__}`") for cls in ours(PriorSettings)),
        "## Stopping rules",
        *(section(cls, f"{name}: `{cls.__name__}`") for name, cls in presets.RULES.items()),
    ]
    return "\n\n".join(part.strip() for part in parts) + "\n"


def methods_table() -> str:
    """Return the table of methods."""
    rows = []
    for name, said in presets.DESCRIPTIONS.items():
        method = presets.METHODS[name]
        windows = ", ".join(f"{window:g}" for window in method.windows_ms)
        prior, rule = type(method.prior).__name__, encode(method.stopping)["kind"]
        rows.append(f"| `{name}` | {said} | `{prior}` | {windows} | {rule}, {method.stopping.max_steps} |")
    head = ["| method | what it is | prior | windows (ms) | stops: rule, most steps |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows])


def commands() -> str:
    """Return the help of every command."""
    # cyclopts begins a usage with the running program's name and takes its first word away again, of "python -m pytest" too.
    with patch.object(sys, "argv", ["audioprior"]):
        help_ = app.generate_docs(output_format="markdown", recursive=True, heading_level=2)
    help_ = help_[help_.index("\n### ") + 1 :]  # the page's own beginning is written by hand
    return re.sub(r"\*\[(.*?)\]\*", r"(\1)", help_).strip()


def between(page: str, **parts: str) -> str:
    """Return a page's text with what stands between pairs of marks replaced, by the marks' names."""
    text = (ROOT / page).read_text(encoding="utf-8")
    for mark, new in parts.items():
        begin, end = f"<!-- {mark} -->\n", f"\n<!-- /{mark} -->"
        assert begin in text, f"{page} has no {begin}"
        text = text[: text.index(begin) + len(begin)] + new + text[text.index(end) :]
    return text


def pages() -> dict[str, str]:
    """Return every page that is written here, and what it is to hold."""
    examples = {
        path.stem: f"```python\n{path.read_text(encoding='utf-8')}```" for path in (ROOT / "examples").glob("own_prior*.py")
    }
    return {
        "docs/settings.md": settings_page(),
        "docs/command.md": between("docs/command.md", commands=commands()),
        "docs/choosing.md": between("docs/choosing.md", methods=methods_table(), tasks=tasks_table()),
        "docs/reference.md": between("docs/reference.md", tasks=task_functions()),
        "docs/extending.md": between("docs/extending.md", **examples),
    }


if __name__ == "__main__":
    for page, text in pages().items():
        (ROOT / page).write_text(text, encoding="utf-8")
