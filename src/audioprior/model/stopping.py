"""When to stop, seeing only the recording.

A rule judges each step; it says whether the output of that step is the one to keep so far, and why to stop, once it is time.
To add one: a class here with the two verbs of `Rule`, which knows of no settings and takes its numbers, and a dataclass in
the room above, `settings/rules.py`, that says what they are and hands them over in `build`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

from audioprior.model.evidence import Evidence


@dataclass(frozen=True)
class Verdict:
    """What a rule says of a step.

    Attributes:
        keep: whether this step's λ is the best so far.
        reason: a sentence, if it is time to stop.
    """

    keep: bool
    reason: str | None = None


class Rule(Protocol):
    """When to stop."""

    def prepare(self, evidence: Evidence) -> Evidence:
        """Return the evidence that the prior may see."""
        ...

    def judge(self, index: int, evidence: Evidence, draw: Callable[[], Tensor]) -> Verdict:
        """Judge step `index` (from 1), given the whole evidence and a way to draw λ, which costs time."""
        ...


class _Open:
    """A rule that hides nothing."""

    def prepare(self, evidence: Evidence) -> Evidence:
        return evidence


class Fixed(_Open):
    """Stop after a number of steps: for priors that do not take up noise, and for study."""

    def __init__(self, max_steps: int) -> None:
        self._steps = max_steps

    def judge(self, index: int, evidence: Evidence, draw: Callable[[], Tensor]) -> Verdict:  # noqa: ARG002
        """Keep the last step."""
        last = index >= self._steps
        return Verdict(last, f"all {self._steps} steps were taken" if last else None)


class _Patience:
    """Keeps the step with the lowest score and stops when no lower one came for a while."""

    def __init__(self, max_steps: int, patience: int, what: str) -> None:
        self._max_steps, self._patience, self._what = max_steps, patience, what
        self._lowest, self._best = float("inf"), 0

    def forget(self, index: int) -> None:
        self._lowest, self._best = float("inf"), index

    def judge(self, index: int, score: float) -> Verdict:
        keep = score < self._lowest
        if keep:
            self._lowest, self._best = score, index
        if index - self._best >= self._patience:
            return Verdict(keep, f"{self._what} was lowest at step {self._best} and rose for {self._patience} steps")
        if index >= self._max_steps:
            return Verdict(keep, f"all {self._max_steps} steps were taken; {self._what} was lowest at step {self._best}")
        return Verdict(keep)


class HeldOutBins:
    """Stop when bins that the fit never saw are no longer guessed better.

    The bins around each, which share its noise through the window's leakage and overlap, are hidden as well: otherwise the
    held-out bins are not really unseen. (Cross-validation as in self-validation, Li et al. 2021, "Self-validation: early
    stopping for single-instance deep generative priors", here without a second network.)
    """

    _REACH = (1, 3)  # frequencies and frames around a held-out bin that share its noise, at hop window/4

    def __init__(self, *, max_steps: int, share: float, patience: int, generator: torch.Generator) -> None:
        self._share, self._generator = share, generator
        self._patience = _Patience(max_steps, patience, "the misfit of held-out bins")
        self._held: Tensor | None = None

    def prepare(self, evidence: Evidence) -> Evidence:
        """Hide random bins and the bins around them."""
        if self._held is None:
            shape = evidence.power.shape
            held = torch.rand(shape, generator=self._generator) < self._share
            held.view(-1)[int(torch.randint(held.numel(), (1,), generator=self._generator))] = True  # never none
            self._held = held.to(evidence.power)
            reach_f, reach_t = self._REACH
            near = functional.max_pool2d(self._held, (2 * reach_f + 1, 2 * reach_t + 1), 1, (reach_f, reach_t))
            self._keep = 1 - near
        return evidence.masked(self._keep)

    def judge(self, index: int, evidence: Evidence, draw: Callable[[], Tensor]) -> Verdict:
        """Score the held-out bins."""
        assert self._held is not None
        score = float((evidence.misfit(draw()) * self._held).sum() / self._held.sum())
        return self._patience.judge(index, score)


class LeastVariance(_Open):
    """Stop where successive outputs vary least.

    An untrained network's outputs settle when they hold the sound and wander again when they take up noise: the running
    variance of the outputs has its minimum there (Wang et al. 2023, "Early stopping for deep image prior", ES-EMV). A first
    plateau, before anything was learned, is guarded against: whenever the variance rises to a new height, the minima before
    it are forgotten, and a new one counts only below half of that height.
    """

    def __init__(self, *, max_steps: int, forgetting: float, patience: int) -> None:
        self._forgetting = forgetting
        self._patience = _Patience(max_steps, patience, "the variance of outputs")
        self._max_steps = max_steps
        self._mean: Tensor | None = None
        self._variance = self._highest = 0.0

    def judge(self, index: int, evidence: Evidence, draw: Callable[[], Tensor]) -> Verdict:  # noqa: ARG002
        """Update the running variance of log λ."""
        picture = draw().log()
        if self._mean is None:
            self._mean = picture
        change = picture - self._mean
        a = self._forgetting
        self._mean = self._mean + a * change
        self._variance = (1 - a) * (self._variance + a * float(change.square().mean()))
        if self._variance >= self._highest and index < self._max_steps:
            self._highest = self._variance
            self._patience.forget(index)
        if self._variance > 0.5 * self._highest and index < self._max_steps:
            return Verdict(keep=False)
        return self._patience.judge(index, self._variance)


class NoiseFloor(_Open):
    """Stop when the misfit has come down to what noise alone explains (Morozov's discrepancy principle).

    With the true λ the divergence from P to λ + ν is on average Euler's constant, whatever the recording; a fit that is
    closer has begun to copy noise.
    """

    def __init__(self, max_steps: int) -> None:
        self._max_steps = max_steps

    def judge(self, index: int, evidence: Evidence, draw: Callable[[], Tensor]) -> Verdict:
        """Compare the divergence with what the truth would have."""
        divergence = evidence.divergence(draw())
        if divergence <= evidence.expected_divergence:
            return Verdict(True, f"the misfit reached the noise floor ({divergence:.3f}) at step {index}")
        if index >= self._max_steps:
            return Verdict(True, f"all {index} steps were taken; the misfit {divergence:.3f} stayed above the noise floor")
        return Verdict(keep=True)
