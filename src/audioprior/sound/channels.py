"""A recording's channels in their principal axes.

Sound that stands anywhere between two loudspeakers is correlated between the channels; tape hiss is not. An orthonormal
rotation onto the principal axes of the channels' covariance (for a centred stereo image: mid and side) gathers the sound in
few axes and spreads uncorrelated noise evenly, so that each axis is easier to restore and the image cannot wander:
what a gain does to one axis it does to all channels at once.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Axes:
    """An invertible map between channels and principal axes.

    Attributes:
        rotation: (axis, distinct channel), orthonormal.
        sources: for each channel, which distinct channel it repeats: equal channels are restored once.
    """

    rotation: Tensor
    sources: tuple[int, ...]

    @property
    def distinct(self) -> list[int]:
        """The first channel of each set of equal ones."""
        return [self.sources.index(i) for i in range(len(self.rotation))]

    def analyse(self, samples: Tensor) -> Tensor:
        """(channel, time) → (axis, time)."""
        return self.rotation @ samples[self.distinct]

    def synthesise(self, axes: Tensor) -> Tensor:
        """(axis, time) → (channel, time), the inverse of `analyse`."""
        return (self.rotation.T @ axes)[list(self.sources)]


def principal_axes(chunks: Iterable[Tensor]) -> tuple[Axes, float]:
    """Return the principal axes of a recording's channels, and the root mean square of all its samples.

    Args:
        chunks: the recording, piece by piece: (channel, time) each, float64.
    """
    total, covariance, twins = 0, torch.zeros(()), torch.ones(())
    for samples in chunks:
        total += samples.numel()
        covariance = covariance + samples @ samples.T
        twins = twins * torch.tensor([[torch.equal(a, b) for b in samples] for a in samples])
    sources: list[int] = []
    distinct: list[int] = []
    for channel, same in enumerate(twins.bool()):
        twin = next((i for i, d in enumerate(distinct) if same[d]), len(distinct))
        if twin == len(distinct):
            distinct.append(channel)
        sources.append(twin)
    _, vectors = torch.linalg.eigh(covariance[distinct][:, distinct])
    # The sign of an eigenvector is arbitrary: fix it, so that every machine and block agrees.
    vectors = vectors.flip(1).T
    signs = torch.where(vectors.sum(1, keepdim=True) < 0, -1.0, 1.0).to(vectors)
    level = float(covariance.diagonal().sum() / total) ** 0.5
    return Axes(vectors * signs, tuple(sources)), level
