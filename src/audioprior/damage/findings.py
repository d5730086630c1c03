"""What is damaged in a recording: which samples, what is still known of them, and what to tell about it."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace

import torch
from torch import Tensor


@dataclass(frozen=True)
class Finding:
    """One damaged spot.

    Attributes:
        kind: "gap", "clipping", "click", "region" or "band".
        start_s: where it begins.
        end_s: where it ends.
        channel: from 0, or None for all.
        low_hz: the lowest frequency, where not all are damaged.
        high_hz: the highest.
        confidence: from 0 to 1, how sure the finding is; 1 where the user marked it.
        note: what else to know, in words.
    """

    kind: str
    start_s: float
    end_s: float
    channel: int | None = None
    low_hz: float | None = None
    high_hz: float | None = None
    confidence: float = 1.0
    note: str = ""

    def facts(self) -> dict[str, object]:
        """Return what is known, for JSON."""
        return {name: value for name, value in asdict(self).items() if value not in (None, "")}

    def line(self, number: int) -> str:
        """Return one line for people: number, kind, time, length, and what else is known."""
        length_ms = 1000 * (self.end_s - self.start_s)
        parts = [f"{number:5}  {self.kind:8}  {self.start_s:11.4f} s  {length_ms:9.2f} ms"]
        if self.channel is not None:
            parts.append(f"channel {self.channel + 1}")
        if self.low_hz is not None and self.high_hz is not None:
            parts.append(f"{self.low_hz:g}-{self.high_hz:g} Hz")
        if self.confidence < 1:
            parts.append(f"confidence {self.confidence:.2f}")
        return "  ".join([*parts, self.note]).rstrip()


@dataclass(frozen=True)
class Damage:
    """Damaged samples.

    Attributes:
        low: (channel, time), the least that each sample can be; the sample itself where it is whole.
        high: (channel, time), the most.
        findings: what to tell.
    """

    low: Tensor
    high: Tensor
    findings: tuple[Finding, ...] = ()

    @classmethod
    def of(cls, samples: Tensor, missing: Tensor, findings: Iterable[Finding] = ()) -> "Damage":
        """Return damage in which nothing is known of the missing samples: (channel, time) both."""
        infinite = torch.full_like(samples, torch.inf)
        return cls(torch.where(missing, -infinite, samples), torch.where(missing, infinite, samples), tuple(findings))

    @property
    def missing(self) -> Tensor:
        """(channel, time): true where a sample is not exact."""
        return self.low < self.high

    @property
    def bounded(self) -> bool:
        """Whether anything is known of any missing sample."""
        return bool((self.missing & (self.low.isfinite() | self.high.isfinite())).any())

    def part(self, start: int, end: int) -> "Damage":
        """Return the damage from sample `start` to `end`."""
        return replace(self, low=self.low[:, start:end], high=self.high[:, start:end])

    def scaled(self, factor: float) -> "Damage":
        """Return the damage of the recording times a positive factor."""
        return replace(self, low=self.low * factor, high=self.high * factor)


def runs(mask: Tensor) -> list[tuple[int, int]]:
    """Return start and end of each run of true in (time,)."""
    edge = torch.diff(torch.nn.functional.pad(mask.to(torch.int8), (1, 1)))
    starts, ends = (edge == 1).nonzero()[:, 0].tolist(), (edge == -1).nonzero()[:, 0].tolist()
    return list(zip(starts, ends, strict=True))
