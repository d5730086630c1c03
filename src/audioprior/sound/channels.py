"""A recording's channels in their principal axes.

Sound that stands anywhere between two loudspeakers is correlated between the channels; tape hiss is not. An orthonormal
rotation onto the principal axes of the channels' covariance (for a centred stereo image: mid and side) gathers the sound in
few axes and spreads uncorrelated noise evenly, so that each axis is easier to restore and the image cannot wander:
what a gain does to one axis it does to all channels at once.

A constant offset, as poor converters leave it, is no sound: it would turn the axes, and whoever restores it lets it wander.
It is taken off before all else, and added back to what comes out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

_OFFSET = 0.01  # of a channel's root mean square: a mean that is smaller is left where it is, and does no harm there
_CONSTANT = 1e-13  # of the power: what is left of a constant when its mean is taken off is rounding


@dataclass(frozen=True)
class Axes:
    """An invertible map between channels and principal axes.

    Attributes:
        rotation: (axis, distinct channel), orthonormal.
        sources: for each channel, which distinct channel it repeats: equal channels are restored once.
        offset: (channel, 1), the mean of each channel where it is notable, else 0.
    """

    rotation: Tensor
    sources: tuple[int, ...]
    offset: Tensor

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


def principal_axes(chunks: Iterable[Tensor], groups: Sequence[int] | None = None) -> tuple[Axes, float]:
    """Return the principal axes of a recording's channels, and the root mean square of all its samples without offset.

    Args:
        chunks: the recording, piece by piece: (channel, time) each, float64.
        groups: for each channel a number: only channels of one number are mixed; all of them without it.
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
    vectors = torch.zeros(len(distinct), len(distinct)).to(covariance)
    of = [groups[channel] if groups else 0 for channel in distinct]
    for group in set(of):
        rows = [row for row, its in enumerate(of) if its == group]
        mixed = [distinct[row] for row in rows]
        _, found = torch.linalg.eigh(covariance[mixed][:, mixed])
        vectors[torch.tensor(rows)[:, None], torch.tensor(rows)] = found.flip(1).T
    # The sign of an eigenvector is arbitrary: fix it, so that every machine and block agrees.
    signs = torch.where(vectors.sum(1, keepdim=True) < 0, -1.0, 1.0).to(vectors)
    level = float(covariance.diagonal().sum() / total) ** 0.5
    return Axes(vectors * signs, tuple(sources), offset), level


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
