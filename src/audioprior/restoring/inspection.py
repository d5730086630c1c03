"""What a recording seems to lack: which tasks could help it."""

from dataclasses import dataclass

from audioprior.restoring.registry import AT_WORK
from audioprior.sound.source import Source, excerpt


@dataclass(frozen=True)
class Suggestion:
    """A task that could help a recording.

    Attributes:
        task: which.
        reason: what was found, in a sentence.
    """

    task: str
    reason: str


def suggest(source: Source) -> list[Suggestion]:
    """Return what could help a recording, the most certain first; looked for in a minute of it."""
    recording, _ = excerpt(source)
    if not recording.samples.any():
        return []
    reasons = {task: at_work.look(recording) for task, at_work in AT_WORK.items()}
    return [Suggestion(task, reason) for task, reason in reasons.items() if reason]
