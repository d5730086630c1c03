"""What a user decides about each task, once, as frozen dataclasses, one a file; and the run, all that decides a result.

Nothing here imports torch, so that `audioprior --help` is quick.
"""

from audioprior.tasks.declick import Declick
from audioprior.tasks.declip import Declip
from audioprior.tasks.denoise import Denoise
from audioprior.tasks.dequantise import Dequantise
from audioprior.tasks.extend import Extend
from audioprior.tasks.inpaint import Inpaint
from audioprior.tasks.knob import Knob, Option
from audioprior.tasks.run import Chain, Run, word_of
from audioprior.tasks.task import Gap, Region, Task, Words

__all__ = [
    "TASKS",
    "Chain",
    "Declick",
    "Declip",
    "Denoise",
    "Dequantise",
    "Extend",
    "Gap",
    "Inpaint",
    "Knob",
    "Option",
    "Region",
    "Run",
    "Task",
    "Words",
    "word_of",
]  # fmt: skip

TASKS: dict[str, type[Task]] = {
    task.kind: task
    for task in (
        Denoise,
        Inpaint,
        Declip,
        Declick,
        Dequantise,
        Extend,
    )
}
