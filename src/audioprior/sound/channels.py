"""A recording's channels in their principal axes.

Sound that stands anywhere between two loudspeakers is correlated between the channels; tape hiss is not. An orthonormal
rotation onto the principal axes of the channels' covariance (for a centred stereo image: mid and side) gathers the sound in
few axes and spreads uncorrelated noise evenly, so that each axis is easier to restore and the image cannot wander:
what a gain does to one axis it does to all channels at once.

A constant offset, as poor converters leave it, is no sound: it would turn the axes, and whoever restores it lets it wander.
It is taken off before all else, and added back to what comes out.

Where the channels' noises are not alike, no rotation of all frequencies will do (`noise/apart.py`): `BandAxes` has another
map at each frequency.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

_OFFSET = 0.01  # of a channel's root mean square: a mean that is smaller is left where it is, and does no harm there
_CONSTANT = 1e-13  # of the power: what is left of a constant when its mean is taken off is rounding
_AT_ONCE = 1 << 16  # frequencies, so that their maps take little memory


@dataclass(frozen=True)
class Axes:
    """An invertible map between channels and principal axes.

    Attributes:
        rotation: (axis, distinct channel), orthonormal.
        sources: for each channel, which distinct channel it repeats: equal channels are restored once.
        offset: (channel, 1), the mean of each channel where it is notable, else 0.
        covariance: of the distinct channels without it, summed over time: (channel, channel).
    """

    rotation: Tensor
    sources: tuple[int, ...]
    offset: Tensor
    covariance: Tensor

    @property
    def distinct(self) -> list[int]:
        """The first channel of each set of equal ones."""
        return [self.sources.index(i) for i in range(len(self.rotation))]

    def analyse(self, samples: Tensor) -> Tensor:
        """(channel, time) without offset → (axis, time)."""
        return self.rotation @ samples[self.distinct]

    def synthesise(self, axes: Tensor) -> Tensor:
        """(axis, time) → (channel, time), the inverse of `analyse`."""
        return (self.rotation.T @ axes)[list(self.sources)]

    def power(self, covariance: Tensor) -> Tensor:
        """Return the power on each axis, (axis, frequency).

        Args:
            covariance: of the distinct channels, (frequency, channel, channel), at frequencies that run evenly from 0 to
                half the sample rate.
        """
        return torch.einsum("ac,fcd,ad->af", self.rotation, covariance, self.rotation)


@dataclass(frozen=True)
class BandAxes(Axes):
    """An invertible map between channels and axes that is another one at each frequency.

    It is made in the spectrum of all samples at once, and undone there: exactly so, whatever the map.

    Attributes:
        maps: (frequency, axis, distinct channel), at frequencies that run evenly from 0 to half the sample rate; between
            them it goes in straight lines. The smoother it is over frequency, the less an axis holds echoes of the sound.
    """

    maps: Tensor

    def analyse(self, samples: Tensor) -> Tensor:
        """(channel, time) without offset → (axis, time)."""
        return self._filtered(samples[self.distinct], lambda maps, spectrum: maps @ spectrum)

    def synthesise(self, axes: Tensor) -> Tensor:
        """(axis, time) → (channel, time), the inverse of `analyse`."""
        return self._filtered(axes, torch.linalg.solve)[list(self.sources)]

    def power(self, covariance: Tensor) -> Tensor:
        """Return the power on each axis, (axis, frequency)."""
        maps = self._at(torch.linspace(0, 1, len(covariance), dtype=torch.float64))
        return torch.einsum("fac,fcd,fad->af", maps, covariance, maps)

    def _at(self, place: Tensor) -> Tensor:
        """Return the map at some frequencies, from 0 to 1, half the sample rate."""
        at = place * (len(self.maps) - 1)
        low = at.long().clamp_max(len(self.maps) - 2)
        return torch.lerp(self.maps[low], self.maps[low + 1], (at - low)[:, None, None])

    def _filtered(self, samples: Tensor, do: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
        """Return (row, time) with something done to it at each frequency, a few frequencies at a time."""
        spectrum = torch.fft.rfft(samples.double())
        place = torch.linspace(0, 1, spectrum.shape[1], dtype=torch.float64)
        for some, at in zip(torch.split(spectrum, _AT_ONCE, 1), torch.split(place, _AT_ONCE), strict=True):
            parts = torch.view_as_real(some.T.contiguous())  # (frequency, row, 2): the map is real
            some.copy_(torch.view_as_complex(do(self._at(at), parts).contiguous()).T)
        made: Tensor = torch.fft.irfft(spectrum, samples.shape[1])
        return made


def principal_axes(chunks: Iterable[Tensor]) -> tuple[Axes, float]:
    """Return the principal axes of a recording's channels, and the root mean square of all its samples without offset.

    Args:
        chunks: the recording, piece by piece: (channel, time) each, float64.
    """
    total, sums, both, covariance, twins = 0, torch.zeros(()), torch.zeros(()), torch.zeros(()), torch.ones(())
    for samples in chunks:
        total += samples.numel()
        sums = sums + samples.sum(1, keepdim=True)
        heard = (samples != 0).to(samples)  # what a gate has closed has no offset either
        both = both + heard @ heard.T
        covariance = covariance + samples @ samples.T
        twins = twins * torch.tensor([[torch.equal(a, b) for b in samples] for a in samples])
    heard_for = both.diagonal()[:, None].clamp_min(1)
    mean = sums / heard_for
    offset = notable_offset(mean, covariance.diagonal()[:, None] / heard_for)
    covariance = _without(covariance, mean, offset != 0, both)
    sources: list[int] = []
    distinct: list[int] = []
    for channel, same in enumerate(twins.bool()):
        twin = next((i for i, d in enumerate(distinct) if same[d]), len(distinct))
        if twin == len(distinct):
            distinct.append(channel)
        sources.append(twin)
    level = float(covariance.diagonal().sum() / total) ** 0.5
    covariance = covariance[distinct][:, distinct]
    return Axes(rotation(covariance), tuple(sources), offset, covariance), level


def rotation(covariance: Tensor) -> Tensor:
    """Return the orthonormal rotation onto the principal axes of a covariance, the strongest first: (axis, channel)."""
    vectors: Tensor = torch.linalg.eigh(covariance)[1].flip(1).T
    # The sign of an eigenvector is arbitrary: fix it, so that every machine and block agrees.
    return vectors * torch.where(vectors.sum(1, keepdim=True) < 0, -1.0, 1.0).to(vectors)


def notable_offset(mean: Tensor, power: Tensor) -> Tensor:
    """Return the mean of each channel where it is notable beside what the channel holds, else 0.

    Args:
        mean: of each channel's samples.
        power: their mean square, of the same shape.
    """
    return torch.where(mean.square() > _OFFSET**2 * power, mean, 0.0)


def _without(covariance: Tensor, mean: Tensor, taken: Tensor, both: Tensor) -> Tensor:
    """Return the channels' summed products without the means that are taken off; of a constant nothing is left.

    Args:
        covariance: (channel, channel).
        mean: (channel, 1).
        taken: which of them are taken off, likewise.
        both: (channel, channel), in how many samples neither of two is zero.
    """
    rest = covariance - torch.where(taken | taken.T, both * (mean @ mean.T), 0.0)
    left = (rest.diagonal() > _CONSTANT * covariance.diagonal()).to(rest)
    return rest * left[:, None] * left
