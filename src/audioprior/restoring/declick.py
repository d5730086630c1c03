"""Declicking: clicks are found, and what they cover is inferred."""

from typing import cast

from audioprior.damage.clicks import find_clicks
from audioprior.errors import SettingsError
from audioprior.restoring.repair import Repairing, silence
from audioprior.restoring.work import Inputs, Part, Work
from audioprior.sound.recording import Recording
from audioprior.sound.source import excerpt
from audioprior.tasks import Declick, Run

_LOOKED_AT_S = 15.0
_CLICKS_A_S = 1.0  # fewer are as likely to belong to the sound


def parts(inputs: Inputs, run: Run) -> tuple[Part, ...]:  # noqa: ARG001 (as all tasks)
    """Return what will come out."""
    return Part.like(inputs["sound"]), Part.like(inputs["sound"], "removed")


def work(inputs: Inputs, run: Run) -> Work:
    """Return the task at work.

    Raises:
        SettingsError: a finding to leave alone was not found.
    """
    task = cast(Declick, run.task)
    damage = find_clicks(inputs["sound"], task.sensitivity, task.keep)
    if max(task.keep, default=0) > len(damage.findings):
        raise SettingsError(
            f"keep names finding {max(task.keep)}, but {len(damage.findings)} were found; keep numbers as they are listed."
        )
    return Repairing(inputs, run, damage, silence)


def look(recording: Recording) -> str | None:
    """Return how many clicks a recording has, where there are many."""
    short, _ = excerpt(recording, _LOOKED_AT_S)
    clicks = find_clicks(short).findings
    if len(clicks) <= _CLICKS_A_S * short.duration_s:
        return None
    return f"About {60 * len(clicks) / short.duration_s:.0f} clicks a minute."
