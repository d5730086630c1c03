"""What a user decides about each task, once, as frozen dataclasses, one a file; and the run, all that decides a result.

Nothing here imports torch, so that `audioprior --help` is quick.
"""

from audioprior.tasks.declick import Declick
from audioprior.tasks.declip import Declip
from audioprior.tasks.denoise import Denoise
from audioprior.tasks.dequantise import Dequantise
from audioprior.tasks.extend import Extend
from audioprior.tasks.inpaint import Inpaint
from audioprior.tasks.run import Run
from audioprior.tasks.task import Gap, Region, TaskSettings

__all__ = [
    "TASKS", "Declick", "Declip", "Denoise", "Dequantise", "Extend", "Gap", "Inpaint", "Region", "Run", "TaskSettings",
]  # fmt: skip

TASKS: dict[str, type[TaskSettings]] = {
    "denoise": Denoise,
    "inpaint": Inpaint,
    "declip": Declip,
    "declick": Declick,
    "dequantise": Dequantise,
    "extend": Extend,
}
