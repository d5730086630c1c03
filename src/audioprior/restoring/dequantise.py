"""Dequantising: the error of few bits is a noise whose power is known, and that stays within half a step.

The exact solver takes two-sided bounds too, but it stayed 0.5 dB below this at five times the cost (`bench/NOTES.md`): the
error hardly depends on the sound, so the task is denoising, with the bounds kept at the end.
"""

from dataclasses import replace

from torch import Tensor

from audioprior.damage.findings import Finding
from audioprior.damage.steps import find_step
from audioprior.noise.profile import white
from audioprior.restoring.denoise import Denoising
from audioprior.restoring.job import Block
from audioprior.sound.recording import Recording
from audioprior.sound.spectrum import Transform
from audioprior.tasks import Denoise, Dequantise, Run


class Dequantising(Denoising):
    """Dequantising in progress: iterate over it, and ask for `result()` at the end or earlier."""

    def __init__(self, recording: Recording, run: Run, task: Dequantise) -> None:
        """Find the steps; where there are none, there is nothing to do."""
        step = 2.0 ** (1 - task.bits) if task.bits else find_step(recording)
        self._half = (step or 0.0) / 2
        # The error is uniform over a step: variance step²/12.
        self._error = white(recording, self._half**2 / 3)
        super().__init__(recording, run, task=Denoise(seed=task.seed, device=task.device), profile=self._error)
        if step is None:
            self.blocks, self._reached = [], 0
        else:
            self.findings = (Finding("steps", 0.0, recording.duration_s, note=f"{step:.3g} of full scale"),)

    def _noise_power(self, transform: Transform, samples: Tensor, noises: dict[Transform, Tensor]) -> Tensor:  # noqa: ARG002
        """Return ν as it is: exact, and the same at all times."""
        return self._error.power(transform, self._axes, self._level).to(samples)

    def begin(self, number: int) -> Block:
        """Return what is fitted in a block, of whose sound no sample is further from what was stored than half a step."""
        block, (start, end) = super().begin(number), self.blocks[number - 1]
        stored = self.recording.samples[:, start:end]
        return replace(block, merge=lambda powers: block.merge(powers).clamp(stored - self._half, stored + self._half))
