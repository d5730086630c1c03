"""Declipping: the peaks that were cut off are inferred from what lies around, and from their being at least as high."""

from typing import cast

import torch
from torch import Tensor

from audioprior.classical import spade
from audioprior.damage.clipping import find_clipping
from audioprior.damage.findings import Bounds
from audioprior.restoring.repair import Repairing
from audioprior.restoring.work import Inputs, Part, Work
from audioprior.sound.recording import Recording
from audioprior.sound.spectrum import Transform
from audioprior.tasks import Declip, Run

_SPADE_MS = 64.0


def parts(inputs: Inputs, run: Run) -> tuple[Part, ...]:
    """Return what will come out: peaks that were won back are not to be clipped again."""
    beyond = run.task.beyond
    return Part.like(inputs["sound"], beyond=beyond), Part.like(inputs["sound"], "removed", beyond=beyond)


def work(inputs: Inputs, run: Run) -> Work:
    """Return the task at work.

    Raises:
        SettingsError: all samples are clipped.
    """
    level_dbfs = cast(Declip, run.task).level
    level = None if level_dbfs is None else 10 ** (level_dbfs / 20)
    return Repairing(inputs, run, find_clipping(inputs["sound"], level), _sparse)


def look(recording: Recording) -> str | None:
    """Return whether a recording is clipped."""
    clipped = find_clipping(recording).findings
    return f"{len(clipped)} peaks are cut off at one level: the recording is clipped." if clipped else None


def _sparse(samples: Tensor, bounds: Bounds, sample_rate: int) -> Tensor:
    """Guess by sparsity: where a third of all samples is cut off, the cut recording itself would mislead the first fit."""
    window = Transform.of(sample_rate, _SPADE_MS).window
    known = samples.clamp(bounds.low, bounds.high)
    return torch.stack([spade.declip(*channel, window) for channel in zip(known, bounds.low, bounds.high, strict=True)])
