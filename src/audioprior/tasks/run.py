"""Everything that decides a result."""

from dataclasses import dataclass, field
from typing import ClassVar

from audioprior.settings.methods import Method
from audioprior.settings.presets import method as chosen
from audioprior.settings.presets import named
from audioprior.tasks.denoise import Denoise
from audioprior.tasks.task import TaskSettings


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
    task: TaskSettings = field(default_factory=Denoise)

    FILE_VERSION: ClassVar[int] = 3

    @classmethod
    def of(cls, task: TaskSettings, method: str | Method = "default") -> "Run":
        """Return the run of a task by a method's name, or by a method.

        Raises:
            SettingsError: there is no such method, or it cannot do the task.
        """
        if isinstance(method, str):
            return cls(name=named(method, task.kind), method=chosen(method, task.kind), task=task)
        return cls(name="custom", method=method, task=task)
