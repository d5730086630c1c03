"""Everything that decides a result."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

from audioprior.settings.methods import Method
from audioprior.tasks.denoise import Denoise
from audioprior.tasks.task import Task


@dataclass(frozen=True, kw_only=True)
class Run:
    """Everything that decides the bytes of a result, as the sidecar file holds it.

    Attributes:
        name: the method's name.
        method: the method, whole.
        task: what was done, and what the user decided about it.
    """

    name: str = "consensus"
    method: Method = field(default_factory=Method)
    task: Task = field(default_factory=Denoise)

    @classmethod
    def of(cls, task: Task, method: str | Method = "default", *, stop: str | None = None, steps: int | None = None) -> Self:
        """Return the run of a task by a method.

        Args:
            task: what to do.
            method: its name, or one of your own.
            stop: the stopping rule to use in place of the named method's own.
            steps: the most steps to take, in place of the rule's own.

        Raises:
            SettingsError: there is no such method or rule, or it cannot do this task.
        """
        if isinstance(method, Method):
            return cls(name="custom", method=method, task=task)
        return cls(name=task.named(method), method=task.preset(method, stop=stop, steps=steps), task=task)


Chain = Sequence[Run]
"""What is done, one step after the other; mostly one."""


def word_of(chain: Chain) -> str:
    """Return what stands in a result's name: the task's, or "repair" for several steps."""
    return chain[0].task.kind if len(chain) == 1 else "repair"
