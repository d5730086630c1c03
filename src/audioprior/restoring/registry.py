"""Which file does which task: a line each, in the order in which tasks are suggested."""

from collections.abc import Mapping

from audioprior.errors import SettingsError
from audioprior.restoring import declick, declip, denoise, dequantise, extend, inpaint
from audioprior.restoring.work import AtWork, Inputs
from audioprior.sound.source import Source, read
from audioprior.tasks import Run

AT_WORK: Mapping[str, AtWork] = {
    "declip": declip,
    "inpaint": inpaint,
    "dequantise": dequantise,
    "declick": declick,
    "denoise": denoise,
    "extend": extend,
}


def at_work(run: Run) -> AtWork:
    """Return what does the task of a run.

    Raises:
        SettingsError: nothing does.
    """
    if run.task.kind not in AT_WORK:
        raise SettingsError(f"{run.task.kind} is no known task; choose one of {', '.join(AT_WORK)}.")
    return AT_WORK[run.task.kind]


def inputs_of(sound: Source, run: Run) -> Inputs:
    """Return a run's inputs by role: the recording, and what its settings name."""
    inputs = [role.rstrip("?") for role in type(run.task).inputs[1:]]
    return {"sound": sound} | {role: read(run.task.files()[role]) for role in inputs if role in run.task.files()}
