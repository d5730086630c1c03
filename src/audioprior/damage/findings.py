"""What is damaged in a recording: which samples, what is still known of them, and what to tell about it."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
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
class Bounds:
    """What is known of each sample of a passage.

    Attributes:
        low: (channel, time), the least that each sample can be; the sample itself where it is whole.
        high: (channel, time), the most.
    """

    low: Tensor
    high: Tensor

    @classmethod
    def of(cls, samples: Tensor, missing: Tensor) -> "Bounds":
        """Return the bounds where nothing is known of the missing samples: (channel, time) both."""
        infinite = torch.full_like(samples, torch.inf)
        return cls(torch.where(missing, -infinite, samples), torch.where(missing, infinite, samples))

    @property
    def missing(self) -> Tensor:
        """(channel, time): true where a sample is not exact."""
        return self.low < self.high

    @property
    def bounded(self) -> bool:
        """Whether anything is known of any missing sample."""
        return bool((self.missing & (self.low.isfinite() | self.high.isfinite())).any())

    def scaled(self, factor: float) -> "Bounds":
        """Return the bounds of the passage times a positive factor."""
        return Bounds(self.low * factor, self.high * factor)


@dataclass(frozen=True)
class Damage:
    """What is damaged in a recording: spots, not samples, so that it is small however long the recording is.

    Attributes:
        spots: of each channel, (number, 2) int64: start and end of each run of damaged samples, in samples, rising and
            apart.
        findings: what to tell.
        levels: of each channel the clip levels of its positive and of its negative peaks, infinite where there is none: a
            sample at or beyond one is at least as far out as it is. Without levels, nothing is known of a damaged sample.
    """

    spots: tuple[Tensor, ...]
    findings: tuple[Finding, ...] = ()
    levels: tuple[tuple[float, float], ...] = ()

    @property
    def runs(self) -> Tensor:
        """(number, 2) int64: start and end of each run in which any channel is damaged, rising and apart."""
        return merged(torch.cat(self.spots))

    def covers(self, length: int) -> bool:
        """Return whether each of the recording's `length` samples is damaged in all channels."""
        return all(spots.tolist() == [[0, length]] for spots in self.spots)

    def at(self, start: int, samples: Tensor) -> Bounds:
        """Return what is known of a passage's samples.

        Args:
            start: the passage's first sample.
            samples: the passage as it was read from the recording, (channel, time).
        """
        if not self.levels:
            return Bounds.of(samples, torch.stack([_inside(spots, start, samples.shape[1]) for spots in self.spots]))
        positive, negative = samples.new_tensor(self.levels).mT[..., None]
        low = samples.masked_fill(-samples >= negative, -torch.inf)
        return Bounds(low, samples.masked_fill(samples >= positive, torch.inf))


def true_runs(mask: Tensor) -> Tensor:
    """Return start and end of each run of true in (time,): (number, 2) int64, rising and apart."""
    edge = torch.diff(torch.nn.functional.pad(mask.to(torch.int8), (1, 1)))
    return torch.stack([(edge == 1).nonzero()[:, 0], (edge == -1).nonzero()[:, 0]], 1)


def merged(runs: Tensor) -> Tensor:
    """Return runs, (number, 2) int64 in any order, rising and apart: those that touch or overlap are one."""
    if not len(runs):
        return runs.new_zeros(0, 2)
    runs = runs[runs[:, 0].argsort()]
    reached = runs[:, 1].cummax(0).values
    first = torch.nn.functional.pad(runs[1:, 0] > reached[:-1], (1, 0), value=True)
    last = torch.nn.functional.pad(first[1:], (0, 1), value=True)
    return torch.stack([runs[first, 0], reached[last]], 1)


def listed(spots: Sequence[Tensor], sample_rate: int, kind: str) -> tuple[Finding, ...]:
    """Return each spot in each channel as a finding, in order of time; what all channels share is listed once.

    Args:
        spots: of each channel, (number, 2), as in `Damage`.
        sample_rate: in Hz.
        kind: as in `Finding`.
    """
    same = all(torch.equal(spots[0], other) for other in spots[1:])
    found = [
        Finding(kind, start / sample_rate, end / sample_rate, None if same else channel)
        for channel, runs in enumerate(spots[:1] if same else spots)
        for start, end in runs.tolist()
    ]
    return tuple(sorted(found, key=lambda spot: spot.start_s))


def _inside(runs: Tensor, start: int, length: int) -> Tensor:
    """Return which samples of a passage lie in runs that are rising and apart: (length,)."""
    starts, ends = runs.numpy().T  # torch would copy a column before it searches it
    first, last = int(ends.searchsorted(start, "right")), int(starts.searchsorted(start + length))
    edge = torch.zeros(length + 1, dtype=torch.int8)
    here = (runs[first:last] - start).clamp(0, length)
    edge[here[:, 0]] += 1  # apart: no two runs begin, or end, at one sample
    edge[here[:, 1]] -= 1
    return edge[:-1].cumsum(0) > 0
