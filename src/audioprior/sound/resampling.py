"""Another sample rate: soxr's best filter, on pieces whose borders do not depend on how the sound is read.

Of the band that the lower rate holds, the lowest fifth is kept within 1e-8, nine tenths within 0.01 dB; over the last tenth
the sound is faded out, and nothing is left or made beyond. Before its beginning and after its end a sound is silence. A
stream through soxr would give other last digits for other passages, makes a beginning of its own, and for odd pairs of rates
its clock drifts by millionths: so each of the fixed pieces, with a margin, is begun anew.
"""

import math
from collections.abc import Callable, Mapping

import soxr
import torch
from torch import Tensor
from torch.nn import functional

from audioprior.errors import SettingsError
from audioprior.sound.encoding import Encoding
from audioprior.sound.source import Source

_PIECE = 1 << 16  # samples at the lower rate, or a little more
_MARGIN = 512  # samples at the lower rate, beyond which the filter reaches nothing: measured, 128 is too few for some rates


def resampled(samples: Tensor, old: int, new: int) -> Tensor:
    """Return (channel, time) at another rate, float64, without delay.

    Args:
        samples: (channel, time).
        old: their rate in Hz.
        new: in Hz. Samples come back as they are if it is `old`.

    Returns:
        (channel, ⌈time · new / old⌉): the same samples as `Resampled` gives, in whatever passages they are read from it.

    Raises:
        SettingsError: a rate is not positive.
    """
    _check(old, new)
    if old == new:
        return samples
    whole = samples.to("cpu", torch.float64)
    grid = _Grid(old, new)
    length = samples.shape[1]
    made = whole.new_empty(len(whole), grid.length(length))
    for number in range(-(-length // grid.inputs)):
        room = made[:, number * grid.outputs : (number + 1) * grid.outputs]
        room.copy_(grid.piece(lambda start, end: whole[:, start:end], length, number)[:, : room.shape[1]])
    return made


class Resampled:
    """A view of a sound at another rate: reads and resamples only what is asked for, and any passages fit together."""

    def __init__(self, source: Source, rate: int) -> None:
        """Look at a sound.

        Args:
            source: the sound.
            rate: in Hz.

        Raises:
            SettingsError: the rate is not positive.
        """
        _check(source.sample_rate, rate)
        self._source, self._rate = source, rate
        self._grid = _Grid(source.sample_rate, rate)
        self._latest: tuple[int, Tensor] | None = None  # short passages in a row lie in one piece

    @property
    def name(self) -> str:
        """What to call it in messages."""
        return self._source.name

    @property
    def sample_rate(self) -> int:
        """In Hz."""
        return self._rate

    @property
    def channels(self) -> int:
        """How many channels."""
        return self._source.channels

    @property
    def length(self) -> int:
        """In samples at the new rate."""
        return self._grid.length(self._source.length)

    @property
    def encoding(self) -> Encoding:
        """How the file that it came from stores samples."""
        return self._source.encoding

    @property
    def tags(self) -> Mapping[str, str]:
        """Text tags, by libsndfile's names."""
        return self._source.tags

    def read(self, start: int, end: int) -> Tensor:
        """Return a passage: (channel, time), float64.

        Raises:
            AudioError: the sound holds samples that are no numbers.
        """
        if self._rate == self._source.sample_rate:
            return self._source.read(start, end)
        size, end = self._grid.outputs, min(end, self.length)
        found = [self._source.read(0, 0).to(torch.float64)]
        for number in range(start // size, -(-end // size) if start < end else 0):
            found.append(self._piece(number)[:, max(0, start - number * size) : end - number * size])
        return torch.cat(found, 1)

    def _piece(self, number: int) -> Tensor:
        latest = self._latest
        if latest is None or latest[0] != number:
            latest = self._latest = (number, self._grid.piece(self._source.read, self._source.length, number))
        return latest[1]


class _Grid:
    """Where the pieces begin: at places that are whole samples at both rates."""

    def __init__(self, old: int, new: int) -> None:
        self.old, self.new = old, new
        common = math.gcd(old, new)
        step = old // common  # input samples in which a whole number of output samples fits
        slower = max(1.0, old / new)
        self.inputs = math.ceil(_PIECE * slower / step) * step
        self.outputs = self.inputs * new // old
        self.margin = math.ceil(_MARGIN * slower / step) * step

    def length(self, inputs: int) -> int:
        """Return how many output samples so many input samples make."""
        return -(-inputs * self.new // self.old)

    def piece(self, read: Callable[[int, int], Tensor], length: int, number: int) -> Tensor:
        """Return a piece's output: (channel, time); the last one's goes on beyond the end of the sound."""
        start, end = number * self.inputs - self.margin, (number + 1) * self.inputs + self.margin
        held = read(max(0, start), min(length, end)).to(torch.float64)
        if start < 0 or end > length:
            held = functional.pad(held, (max(0, -start), max(0, end - length)))
        made = torch.from_numpy(soxr.resample(held.T.contiguous().numpy(), self.old, self.new, "VHQ")).T
        skipped = self.margin * self.new // self.old
        return made[:, skipped : skipped + self.outputs]


def _check(old: int, new: int) -> None:
    for rate in (old, new):
        if rate <= 0:
            raise SettingsError(f"the sample rate is {rate} Hz; give a positive one.")
