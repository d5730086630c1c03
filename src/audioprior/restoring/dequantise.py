"""Dequantising: the error of few bits is a noise whose power is known, and that stays within half a step.

The exact solver takes two-sided bounds too, but it stayed 0.5 dB below this at five times the cost (`bench/NOTES.md`): the
error hardly depends on the sound, so the task is denoising, with the bounds kept at the end.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import cast

from torch import Tensor

from audioprior.damage.findings import Finding
from audioprior.damage.steps import find_step
from audioprior.noise.profile import white
from audioprior.restoring.denoise import Denoising
from audioprior.restoring.work import Block, Inputs, Kept, Part, Plan, Work
from audioprior.settings.methods import Method
from audioprior.sound.recording import Recording
from audioprior.sound.source import Source
from audioprior.tasks import Denoise, Dequantise, Run


def parts(inputs: Inputs, run: Run) -> tuple[Part, ...]:  # noqa: ARG001 (as all tasks)
    """Return what will come out: a file of few bits would round the result back."""
    return Part.like(inputs["sound"], finer=True), Part.like(inputs["sound"], "removed", finer=True)


def work(inputs: Inputs, run: Run) -> Work:
    """Return the task at work."""
    return Dequantising(inputs, run, cast(Dequantise, run.task))


def look(recording: Recording) -> str | None:
    """Return whether a recording has coarse steps."""
    found = "The samples use few of their possible values: it was once stored in few bits."
    return found if find_step(recording) else None


class Dequantising:
    """Dequantising at work, as a denoising: see `Work`."""

    def __init__(self, inputs: Inputs, run: Run, task: Dequantise) -> None:
        """Find the steps; where there are none, there is nothing to do."""
        self._sound = inputs["sound"]
        step = 2.0 ** (1 - task.bits) if task.bits else find_step(self._sound)
        self._half = (step or 0.0) / 2
        # The error is uniform over a step: variance step²/12.
        error = white(self._sound, self._half**2 / 3)
        self._denoising = Denoising(inputs, run, Denoise(seed=task.seed, device=task.device), known=error)
        duration_s = self._sound.length / self._sound.sample_rate
        found = Finding("steps", 0.0, duration_s, note=f"{step:.3g} of full scale") if step else None
        self.plan = replace(self._denoising.plan, findings=(found,)) if found else Plan(inputs, self._denoising.plan.device)

    def begin(self, number: int, method: Method, kept: Kept) -> Block:
        """Return what is fitted in a block, of whose sound no sample is further from what was stored than half a step."""
        block, stored = self._denoising.begin(number, method, kept), self._sound.read(*self.plan.spans[number - 1])
        return replace(block, merge=lambda powers: block.merge(powers).clamp(stored - self._half, stored + self._half))

    def end(self, number: int, sounds: Sequence[Callable[[], Tensor]]) -> list[Tensor]:
        """Return the block's sound, faded in and out."""
        return self._denoising.end(number, sounds)

    def sounds(self, kept: Kept) -> Mapping[str, Source]:
        """Return the restored sound, and what was removed of it."""
        return self._denoising.sounds(kept if self.plan.spans else lambda _: None)
