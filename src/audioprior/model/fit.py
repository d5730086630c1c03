"""The one loop: expect, fit, judge, repeat."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor

from audioprior.errors import FitError
from audioprior.model.observation import Expecting
from audioprior.model.prior import Prior
from audioprior.model.stopping import Rule


@dataclass(frozen=True)
class Step:
    """One step of a fit.

    Attributes:
        index: from 1.
        loss: mean misfit before the step.
        draw: gives λ as it is now: (batch, channel, frequency, frame). Costs time; call it before the next step.
        reason: why the fit stops here, or None.
    """

    index: int
    loss: float
    draw: Callable[[], Tensor]
    reason: str | None = None


@dataclass
class Fit:
    """An iterator of steps that fits a prior to an observation until a rule says stop.

    Progress bars, snapshots and checkpoints consume it; whoever stops early still has `power()`.

    Attributes:
        losses: the loss of each step so far.
        chosen: the step whose λ is kept, 0 before there is one.
        reason: why it stopped, "" before.
    """

    observation: Expecting
    prior: Prior
    rule: Rule
    losses: list[float] = field(default_factory=list, init=False)
    chosen: int = field(default=0, init=False)
    reason: str = field(default="", init=False)
    _kept: Tensor | None = field(default=None, init=False, repr=False)

    def __iter__(self) -> Iterator[Step]:
        """Yield steps until the rule says stop.

        Raises:
            FitError: the loss is no longer a number.
        """
        whole = self.observation.expect(None)
        seen = self.rule.prepare(whole)
        renew_every = self.observation.renew_every
        while not self.reason:
            index = len(self.losses) + 1
            if renew_every and index > 1 and (index - 1) % renew_every == 0:
                whole = self.observation.expect(self.prior.draw())
                seen = self.rule.prepare(whole)
            loss = self.prior.fit(seen)
            if loss != loss or loss in (float("inf"), float("-inf")):
                raise FitError(f"the loss became {loss} at step {index}; choose another method, or report this recording.")
            self.losses.append(loss)
            verdict = self.rule.judge(index, whole, self.prior.draw)
            if verdict.keep:
                self.chosen, self._kept = index, self.prior.draw()
            self.reason = verdict.reason or ""
            yield Step(index, loss, self.prior.draw, verdict.reason)

    def power(self) -> Tensor:
        """Return λ of the chosen step, or of the newest if none was chosen yet."""
        return self.prior.draw() if self._kept is None else self._kept


def fit(observation: Expecting, prior: Prior, rule: Rule) -> Fit:
    """Return the fit of a prior to an observation, to be iterated over."""
    return Fit(observation, prior, rule)


def generator(seed: int, *parts: int) -> torch.Generator:
    """Return a source of random numbers for one part of a run; parts never share numbers."""
    value = seed
    for part in parts:
        # Knuth's multiplicative hash spreads neighbouring seeds and parts over the whole range.
        value = (value * 6364136223846793005 + part + 1442695040888963407) % 2**63
    return torch.Generator().manual_seed(value)
