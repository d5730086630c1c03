"""What the commands take, as settings: the options of a task made from its knobs, pairs of `--set`, files of marks."""

from collections.abc import Mapping, Sequence
from inspect import Parameter as Place
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from audioprior.errors import SettingsError
from audioprior.tasks import TASKS, Option, Run, Task

Inputs = Annotated[list[str], Parameter(allow_leading_hyphen=True, help='audio files, or "-" for standard input.')]
_FILES = "Audacity labels, a Raven selection table, a CSV with start and end, or a PNG painted over the spectrogram"


def place(name: str, hint: Any, help_: str, *, flags: Sequence[str] = (), default: Any = None) -> Place:
    """Return an option as the signature of a command holds it."""
    about = Parameter(name=list(flags) or [f"--{name.replace('_', '-')}"], help=f"{help_}.")
    return Place(name, Place.KEYWORD_ONLY, default=default, annotation=Annotated[hint, about])


def places(task: type[Task]) -> list[Place]:
    """Return the options of a task: one for each of its settings, and one for a file of marks where it has any."""
    marks = [option for option in task.options() if option.knob.mark in ("span", "region")]
    found: list[Place] = []
    for option in task.options():
        found.append(_place(option))
        if marks and option is marks[-1]:
            text = f"a file that marks what {' and '.join(f'--{mark.flag}' for mark in marks)} would: {_FILES}"
            found.append(place("labels", Path | None, text))
    return found


def _place(option: Option) -> Place:
    flags = (f"--{option.flag}",)
    if option.many:
        kind = list[str] if option.knob.mark else list[option.single]  # type: ignore[name-defined]
        return place(option.name, kind | None, f"{option.help}; may be given many times", flags=flags)
    hint = str | None if option.knob.mark else option.hint
    return place(option.name, hint, option.help, flags=flags, default=option.default)


def settings(task: type[Task], given: Mapping[str, Any], inputs: Sequence[str], labels: Path | None = None) -> Task:
    """Return a task's settings from the options that were given, by the names of their fields.

    Raises:
        SettingsError: one of them makes no sense, or the marks belong to one recording and there are several.
    """
    values = dict(given)
    for option in task.options():
        if option.knob.mark and values.get(option.name) is not None:
            value = values[option.name]
            values[option.name] = tuple(map(option.read, value)) if option.many else option.read(value)
        elif option.many and option.name in values:
            values[option.name] = tuple(values[option.name] or ())
    if labels is not None:
        if len(inputs) > 1:
            raise SettingsError(f"--labels {labels} marks one recording; give one input at a time.")
        _mark(values, task, labels, inputs[0])
    return task(**values)


def _mark(values: dict[str, Any], task: type[Task], labels: Path, recording: str) -> None:
    """Add what a file marks to the values of a task."""
    from audioprior.damage.marks import read_marks

    spans, regions = read_marks(labels, recording)
    for kind, what, marks in (("span", "passages of time", spans), ("region", "regions of time and frequency", regions)):
        option = next((option for option in task.options() if option.knob.mark == kind), None)
        if not marks:
            continue
        if option is None:
            raise SettingsError(f"{labels} marks {what}, of which {task.kind} takes none; leave them out.")
        if option.many:
            values[option.name] = values.get(option.name, ()) + marks
        elif len(marks) > 1 or values.get(option.name) is not None:
            raise SettingsError(
                f"{labels} marks more than the one passage that --{option.flag} takes; leave out the others."
            )
        else:
            values[option.name] = marks[0]


def assigned(kind: str, pairs: Sequence[str]) -> Task:
    """Return a task's settings from NAME=VALUE of each that is not left as it is.

    A setting that holds several, such as marks, may be given many times.

    Raises:
        SettingsError: a pair is none, or names no setting, or its value is out of range.
    """
    task = TASKS[kind]
    known = {option.name: option for option in task.options()}
    values: dict[str, Any] = {}
    for pair in pairs:
        name, sign, text = pair.partition("=")
        if not sign or name not in known:
            raise SettingsError(f"{pair!r} sets nothing of {kind}; give NAME=VALUE with one of {', '.join(known)}.")
        value = known[name].read(text)
        values[name] = (*values.get(name, ()), value) if known[name].many else value
    return task(**values)


def chosen_run(config: Path | None, method: str, task: Task, *, stop: str | None = None, steps: int | None = None) -> Run:
    """Return what the options mean, or what a sidecar file holds."""
    if config is None:
        return Run.of(task, method, stop=stop, steps=steps)
    from audioprior.files.sidecar import read_runs

    if task != type(task)() or task.named(method) != task.method or stop or steps:
        raise SettingsError(f"--config {config} holds all settings; leave the others out.")
    run, *further = read_runs(config)
    if further:
        raise SettingsError(f"{config} is of {len(further) + 1} steps; give it to `audioprior repair`.")
    if run.task.kind != task.kind:
        raise SettingsError(f"{config} is of a run of {run.task.kind}; give it to `audioprior {run.task.kind}`.")
    return run


def check_names(inputs: Sequence[str]) -> None:
    """Refuse an option that nobody knows, which would be taken for a file.

    Raises:
        SettingsError: there is one.
    """
    for name in inputs:
        if name.startswith("-") and name != "-":
            raise SettingsError(f"there is no option {name}; --help lists them, and a file of this name goes after --.")
