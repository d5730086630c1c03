"""A recording piece by piece, each with a little of the sound beside it: what is looked for in one is as whole as in all."""

from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor

from audioprior.sound.source import Source

_PIECE = 1 << 20  # samples that are looked at a time


@dataclass(frozen=True)
class Piece:
    """A passage of a recording, as it was read.

    Attributes:
        samples: (channel, time), the piece and the sound beside it.
        low: where the samples begin, in samples of the recording.
        start: where the piece begins; what lies before belongs to the one before.
        end: where it ends.
    """

    samples: Tensor
    low: int
    start: int
    end: int

    @property
    def own(self) -> Tensor:
        """(channel, time): the piece without the sound beside it."""
        return self.samples[:, self.start - self.low : self.end - self.low]


def pieces(source: Source, before: int = 0, after: int = 0, size: int | None = None) -> Iterator[Piece]:
    """Yield all of a recording in order.

    Args:
        source: the recording.
        before: samples of sound to read before each piece, as far as there are any.
        after: the same behind it.
        size: of a piece, in samples; so many that a piece takes some megabytes, without it.
    """
    size = size or _PIECE
    for start in range(0, source.length, size):
        end, low = min(source.length, start + size), max(0, start - before)
        yield Piece(source.read(low, min(source.length, end + after)), low, start, end)
