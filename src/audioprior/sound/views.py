"""Sounds that are made of others when they are read: as long as one likes, and never whole in memory.

A view has all that a `Source` has, and reading it in odd pieces gives the samples of reading it at once.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from audioprior.sound.encoding import Encoding
from audioprior.sound.source import Source

GRID = 2.0**-32  # what is removed is a multiple of this, so that adding it back is exact in float64

Span = tuple[int, int]
"""First sample, and the one after the last."""
Pieces = Callable[[int], Tensor | None]
"""Gives the sound of a block by its number, from 1: (channel, time); None where it is not there yet."""


def on_grid(removed: Tensor) -> Tensor:
    """Round what is removed so that adding it back is exact."""
    return (removed / GRID).round() * GRID


@dataclass(frozen=True)
class View:
    """What a view has from a sound that it is like.

    Attributes:
        like: the sound whose rate, channels, length, encoding, tags and name it has.
    """

    like: Source

    @property
    def name(self) -> str:
        """What to call it in messages."""
        return self.like.name

    @property
    def sample_rate(self) -> int:
        """In Hz."""
        return self.like.sample_rate

    @property
    def channels(self) -> int:
        """How many channels."""
        return self.like.channels

    @property
    def length(self) -> int:
        """In samples."""
        return self.like.length

    @property
    def encoding(self) -> Encoding:
        """How the file that it came from stores samples."""
        return self.like.encoding

    @property
    def tags(self) -> Mapping[str, str]:
        """Text tags."""
        return self.like.tags


@dataclass(frozen=True)
class Assembled(View):
    """Overlapping blocks, faded in and out, added up; where there is none yet, `like` stands in their place.

    Attributes:
        spans: of the blocks, in rising order.
        fade: gives the weight of each sample of a block, by its number.
        pieces: give each block with its fade applied.
    """

    spans: Sequence[Span]
    fade: Callable[[int], Tensor]
    pieces: Pieces

    def read(self, start: int, end: int) -> Tensor:
        """Return a passage: (channel, time)."""
        end = min(end, self.length)
        sound = torch.zeros(self.channels, end - start, dtype=torch.float64)
        open_ = torch.ones(end - start, dtype=torch.float64)
        whole = True
        for number, (first, last) in enumerate(self.spans, 1):
            if first >= end or last <= start:
                continue
            piece = self.pieces(number)
            if piece is None:
                whole = False
                continue
            here, there = (
                slice(max(first, start) - start, min(last, end) - start),
                slice(max(first, start) - first, min(last, end) - first),
            )
            sound[:, here] += piece[:, there]
            open_[here] -= self.fade(number)[there]
        return sound if whole else sound + open_ * self.like.read(start, end)


@dataclass(frozen=True)
class Patched(View):
    """A sound, some passages of which are replaced, one after the other.

    Attributes:
        spans: of the passages.
        pieces: give what stands in their place.
    """

    spans: Sequence[Span]
    pieces: Pieces

    def read(self, start: int, end: int) -> Tensor:
        """Return a passage: (channel, time)."""
        sound = self.like.read(start, min(end, self.length)).clone()
        end = start + sound.shape[1]
        for number, (first, last) in enumerate(self.spans, 1):
            if first < end and last > start and (piece := self.pieces(number)) is not None:
                a, b = max(first, start), min(last, end)
                sound[:, a - start : b - start] = piece[:, a - first : b - first]
        return sound


@dataclass(frozen=True)
class Removed(View):
    """What a change takes out of a sound, or a share of it, rounded so that adding it back is exact.

    Attributes:
        changed: the sound after the change.
        share: how much of the change is made, from 0 to 1.
    """

    changed: Source
    share: float = 1.0

    def read(self, start: int, end: int) -> Tensor:
        """Return a passage: (channel, time)."""
        return on_grid(self.share * (self.like.read(start, end) - self.changed.read(start, end)))


@dataclass(frozen=True)
class Difference(View):
    """One sound less another of its length."""

    other: Source

    def read(self, start: int, end: int) -> Tensor:
        """Return a passage: (channel, time)."""
        return self.like.read(start, end) - self.other.read(start, end)


@dataclass(frozen=True)
class Sum(View):
    """One sound and another of its length, together."""

    other: Source

    def read(self, start: int, end: int) -> Tensor:
        """Return a passage: (channel, time)."""
        return self.like.read(start, end) + self.other.read(start, end)


@dataclass(frozen=True)
class Negative(View):
    """A sound upside down."""

    def read(self, start: int, end: int) -> Tensor:
        """Return a passage: (channel, time)."""
        return -self.like.read(start, end)


@dataclass(frozen=True)
class Silent(View):
    """Silence as long as a sound."""

    def read(self, start: int, end: int) -> Tensor:
        """Return a passage of zeros: (channel, time)."""
        return torch.zeros(self.channels, min(end, self.length) - start, dtype=torch.float64)
