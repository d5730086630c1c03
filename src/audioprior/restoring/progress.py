"""How far a restoration is, told at each step."""

import math
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Progress:
    """How far a restoration is.

    Attributes:
        block: the block that is being fitted, from 1.
        blocks: how many there are.
        step: within the block, from 1.
        steps: the most steps that a block can take.
        loss: mean misfit over the windows; None where nothing is fitted.
        estimate: gives this block's sound as it is now, (channel, time), while it is worked on; costs time, and a repair
            that is asked goes another way from there.
        power: gives what the network draws of this block now, for the middle window, while it is worked on: λ, (channel,
            frequency, frame).
        start: first sample of the block.
        together: how many blocks are fitted as one batch, this one the first.
    """

    block: int
    blocks: int
    step: int
    steps: int
    loss: float | None
    estimate: Callable[[], Tensor]
    power: Callable[[], Tensor]
    start: int
    together: int = 1

    @property
    def done(self) -> float:
        """The share of all steps that are taken, from 0 to 1."""
        return (self.block - 1 + self.step / self.steps * self.together) / self.blocks

    def completes(self, share: float) -> bool:
        """Whether a share of the block's steps is taken with this one."""
        return self.step == math.ceil(share * self.steps)
