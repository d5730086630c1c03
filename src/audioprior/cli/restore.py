"""The commands that restore: one for each task, made from its dataclass."""

from collections.abc import Callable
from inspect import Parameter as Place
from inspect import Signature
from pathlib import Path
from typing import Any

from audioprior.cli.app import app
from audioprior.cli.arguments import Inputs, check_names, chosen_run, place, places, settings
from audioprior.files.options import Output
from audioprior.settings import presets
from audioprior.tasks import TASKS, Task

_OUTPUT = Output()


def command(task: type[Task]) -> Callable[..., int]:
    """Return the command of a task: its settings, how it is run, and what is written."""

    def restore(
        inputs: list[str],
        *,
        method: str = "default",
        stop: str | None = None,
        steps: int | None = None,
        config: Path | None = None,
        dry_run: bool = False,
        labels: Path | None = None,
        output: Output = _OUTPUT,
        **given: Any,
    ) -> int:
        from audioprior.files.runner import restore_each  # it needs torch, for which help does not wait

        check_names(inputs)
        run = chosen_run(config, method, settings(task, given, inputs, labels), stop=stop, steps=steps)
        return restore_each(inputs, [run], output, dry_run=dry_run)

    restore.__name__ = task.kind
    restore.__doc__ = f"{task.words.summary}\n\n{task.words.more}".strip()
    options = [*places(task), *_ways(task), Place("output", Place.KEYWORD_ONLY, default=_OUTPUT, annotation=Output)]
    inputs = Place("inputs", Place.POSITIONAL_ONLY, annotation=Inputs)
    # The command is read from these in place of its own.
    restore.__annotations__ = {option.name: option.annotation for option in (inputs, *options)}
    restore.__signature__ = Signature([inputs, *options], return_annotation=int)  # type: ignore[attr-defined]
    return restore


def _ways(task: type[Task]) -> list[Place]:
    """Return the options that say how a task is done."""
    found = [
        place("config", Path | None, "take all settings from the .json that an earlier run left beside its result"),
        place("dry_run", bool, f"only list what would be {task.words.listed}", default=False),
    ]
    if not task.fits:
        return found
    rules = ", ".join(presets.RULES)
    return [
        place("method", str, "how; `audioprior methods` lists them", flags=("--method", "-m"), default=task.method),
        place("stop", str | None, f"when to stop: {rules}; the method's own rule without it"),
        place("steps", int | None, "the most steps to take; the method's own number without it"),
        *found,
    ]


for _task in TASKS.values():
    app.command(command(_task), name=_task.kind)
