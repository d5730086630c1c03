"""What a report reads of a result: a set of named sounds with an account, and what is known of how they came about."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from audioprior.damage.findings import Finding
from audioprior.sound.source import Source
from audioprior.tasks import Run


class Fitted(Protocol):
    """What one fit did."""

    @property
    def block(self) -> int:
        """The block that was fitted, from 1."""
        ...

    @property
    def window_ms(self) -> float:
        """Length of its window."""
        ...

    @property
    def steps(self) -> int:
        """How many were taken."""
        ...

    @property
    def chosen(self) -> int:
        """The step that was kept."""
        ...

    @property
    def reason(self) -> str:
        """Why it stopped."""
        ...

    @property
    def losses(self) -> Sequence[float]:
        """Misfit at each step."""
        ...


class Accounted(Protocol):
    """Which sounds add up to which, sample for sample."""

    @property
    def inputs(self) -> Sequence[str]:
        """By role: these together."""
        ...

    @property
    def parts(self) -> Sequence[str]:
        """By role: are these together."""
        ...


class Reported(Protocol):
    """A result, as a report reads it."""

    @property
    def inputs(self) -> Mapping[str, Source]:
        """By role: "sound" first, and what else the task took."""
        ...

    @property
    def sounds(self) -> Mapping[str, Source]:
        """What came out, by role: "restored", "removed", "restored.2", ...; of any rate and length."""
        ...

    @property
    def run(self) -> Run:
        """Everything that decided the result."""
        ...

    @property
    def fits(self) -> Sequence[Fitted]:
        """What each fit did; none where nothing was fitted."""
        ...

    @property
    def findings(self) -> Sequence[Finding]:
        """What was found damaged, where the task looks for damage."""
        ...

    @property
    def complete(self) -> bool:
        """False if it was stopped early."""
        ...

    @property
    def account(self) -> Accounted | None:
        """Which sounds add up; None for an invention."""
        ...
