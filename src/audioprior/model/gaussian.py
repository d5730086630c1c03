"""The exact solver: missing samples of a sound whose power is known, given the samples that were heard.

The sound has the density p(x) ∝ exp(−½ xᵀQx) with the precision Q = h·Σₜ Wₜᵀ F* diag(1/λₜ) F Wₜ: frame t of the sound,
windowed (W) and transformed (F), has independent bins of power λₜ; h, the hop, normalises overlapping frames (the analysis
form of the local Gaussian model; Turner and Sahani 2014, "Time-frequency analysis as probabilistic inference"). Given the
heard samples o, the missing ones m are Gaussian with mean −Q_mm⁻¹ Q_mo x_o and covariance Q_mm⁻¹.

Samples a window or more apart are not coupled, so in time blocks of one window's length Q_mm is block tridiagonal. Its
Cholesky factor costs at most (number missing) × (missing per window)² and is exact: no iteration, no tolerance. Memory is
bounded by the same blocks, a few times (number missing) × (missing per window) numbers. All is computed in the precision of
the samples: float64 is exact to nine digits; float32 takes half the time and is enough inside an iteration.
"""

import itertools
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

# Of the precision's mean diagonal, added to it: frames of digital silence would make it singular.
_RIDGE = {torch.float64: 1e-9, torch.float32: 1e-7}


@dataclass(frozen=True)
class Frames:
    """The windows of the model, over a sound of `length` samples with silence around it.

    Attributes:
        window: in samples; four hops.
        length: of the sound.
    """

    window: int
    length: int

    @property
    def hop(self) -> int:
        """Samples from frame to frame."""
        return self.window // 4

    @property
    def count(self) -> int:
        """Number of frames; frame t begins at sample (t − 4) · hop."""
        return (self.length + self.window - 1) // self.hop + 1

    @property
    def shape(self) -> Tensor:
        """The window: the square root of Hann's, whose squares add up to a constant."""
        at = (torch.arange(self.window, dtype=torch.float64) + 0.5) / self.window
        return torch.sin(torch.pi * at)

    def cut(self, samples: Tensor) -> Tensor:
        """(..., time) → (..., frame, window), not yet windowed."""
        end = (self.count - 1) * self.hop - self.length
        padded: Tensor = functional.pad(samples, (self.window, end))
        frames: Tensor = padded.unfold(-1, self.window, self.hop)
        return frames

    def join(self, frames: Tensor) -> Tensor:
        """(frame, window) → (time,): the sum of all frames at each sample, the adjoint of `cut`."""
        whole = (1, self.window + (self.count - 1) * self.hop)
        total = functional.fold(frames.mT[None], whole, (1, self.window), stride=(1, self.hop))
        return Tensor.flatten(total)[self.window : self.window + self.length]

    def analyse(self, samples: Tensor) -> Tensor:
        """(..., time) → complex (..., frequency, frame)."""
        spectrum: Tensor = torch.fft.rfft(self.cut(samples) * self.shape.to(samples))
        return spectrum.mT

    def precision_times(self, samples: Tensor, power: Tensor) -> Tensor:
        """Return Q·x for x (time,) and λ (frequency, frame)."""
        return self.hop * self.join(
            torch.fft.irfft((self.analyse(samples) / power).mT, self.window) * self.shape.to(samples)
        )


@dataclass(frozen=True)
class Posterior:
    """What the model knows of the missing samples.

    Attributes:
        mean: (number,).
    """

    mean: Tensor
    _diagonal: list[Tensor]  # L of each time block, lower triangular
    _below: list[Tensor | None]  # what couples a block to the one before it, if anything does

    def deviations(self, count: int, generator: torch.Generator) -> Tensor:
        """Return exact samples of x − mean: (count, number)."""
        noise = torch.randn((len(self.mean), count), generator=generator, dtype=self.mean.dtype)
        return _backward(self._diagonal, self._below, noise).mT

    def variance(self) -> Tensor:
        """Return the exact variance of each sample: (number,).

        The diagonal blocks of the inverse from the last to the first (Takahashi, Fagan, Chin 1973).
        """
        found: list[Tensor] = []
        inner = None  # E Σ Eᵀ + 1 of the block
        for number in reversed(range(len(self._diagonal))):
            factor = self._diagonal[number]
            root = torch.linalg.solve_triangular(factor, torch.eye(len(factor), dtype=factor.dtype), upper=False)
            block = root.mT @ root if inner is None else root.mT @ inner @ root
            found.append(block.diagonal())
            below = self._below[number]
            inner = None if below is None else torch.eye(below.shape[1], dtype=below.dtype) + below.mT @ block @ below
        return torch.cat(found[::-1])


@dataclass(frozen=True)
class Conditional:
    """The distribution of the missing samples given the heard ones, before it is solved: N(Q⁻¹·pull, Q⁻¹).

    It is kept apart from its solution because to put it together costs as much as to solve it, and who moves sites solves it
    again and again.
    """

    _pull: Tensor
    _diagonal: list[Tensor]
    _below: list[Tensor | None]

    def posterior(self, sites: tuple[Tensor, Tensor] | None = None) -> Posterior:
        """Return what is known of the missing samples.

        Args:
            sites: precision τ and precision-times-mean ν of a further Gaussian factor on each missing sample, (number,)
                each.
        """
        ridge = _RIDGE[self._pull.dtype] * torch.cat([block.diagonal() for block in self._diagonal]).mean()
        extra = torch.full_like(self._pull, ridge.item()) if sites is None else sites[0] + ridge
        pull = self._pull if sites is None else self._pull + sites[1]
        diagonal, below = [block.clone() for block in self._diagonal], list(self._below)
        for block, more in zip(diagonal, torch.split(extra, [len(block) for block in diagonal]), strict=True):
            block.diagonal().add_(more)
        _factorise(diagonal, below)
        solved = _backward(diagonal, below, _forward(diagonal, below, pull[:, None]))
        return Posterior(solved[:, 0], diagonal, below)


def condition(samples: Tensor, missing: Tensor, frames: Frames, power: Tensor) -> Conditional:
    """Return the distribution of missing samples.

    Args:
        samples: (time,), float64 or float32; values at missing places are not read.
        missing: (number,) places in rising order, at least one.
        frames: the model's windows.
        power: λ, (frequency, frame), positive.
    """
    heard = samples.clone()
    heard[missing] = 0
    pull = -frames.precision_times(heard, power)[missing]
    return Conditional(pull, *_precision(missing, frames, power))


def _precision(missing: Tensor, frames: Frames, power: Tensor) -> tuple[list[Tensor], list[Tensor | None]]:
    """Return the blocks of Q_mm on the diagonal, and those that couple each to the one before."""
    place = missing + frames.window  # in padded time, where frame t begins at t·hop
    correlations = torch.fft.irfft((1 / power).mT, frames.window)  # (frame, lag): F* diag(1/λ) F is circulant
    _, counts = torch.unique_consecutive(place // frames.window, return_counts=True)
    blocks = torch.split(place, counts.tolist())
    diagonal = [_coupling(block, block, frames, correlations) for block in blocks]
    below: list[Tensor | None] = [None]
    for before, block in itertools.pairwise(blocks):
        coupled = block[0] - before[-1] < frames.window
        below.append(_coupling(block, before, frames, correlations) if coupled else None)
    return diagonal, below


def _coupling(rows: Tensor, columns: Tensor, frames: Frames, correlations: Tensor) -> Tensor:
    """Return the precision between two groups of places."""
    total = torch.zeros(len(rows), len(columns), dtype=correlations.dtype)
    # Frames that hold the first place of the later group, or a later one, and the last place of the earlier group.
    first = max(0, int(rows[0] - frames.window) // frames.hop + 1)
    last = min(frames.count - 1, int(columns[-1]) // frames.hop)
    shape = frames.hop**0.5 * frames.shape.to(correlations)
    starts = torch.arange(first, last + 1) * frames.hop
    insides = [torch.searchsorted(places, torch.stack([starts, starts + frames.window])).mT for places in (rows, columns)]
    lags = None if _whole(rows) and _whole(columns) else (rows[:, None] - columns[None, :]).abs_()
    for frame, start, (a, b), (c, d) in zip(
        range(first, last + 1), starts.tolist(), insides[0].tolist(), insides[1].tolist(), strict=True
    ):
        if a == b or c == d:
            continue
        i, j = rows[a:b] - start, columns[c:d] - start
        block = _toeplitz(correlations[frame], i, j) if lags is None else correlations[frame][lags[a:b, c:d]]
        total[a:b, c:d] += block.mul_(shape[j][None, :]).mul_(shape[i][:, None])
    return total


def _whole(places: Tensor) -> bool:
    """Whether places in rising order are a run without holes."""
    return len(places) > int(places[-1] - places[0])


def _toeplitz(correlation: Tensor, i: Tensor, j: Tensor) -> Tensor:
    """Return correlation[|i − j|] for runs without holes: (number of i, number of j), new memory.

    Each row is a stretch of one mirrored line, which is many times faster than to gather.
    """
    first, number = int(i[0] - j[-1]), len(i) + len(j) - 1
    line = correlation[torch.arange(first, first + number).abs_()].flip(0)  # from the largest lag i − j down
    return line.unfold(0, len(j), 1).flip(0)


def _factorise(diagonal: list[Tensor], below: list[Tensor | None]) -> None:
    """Replace the blocks of a symmetric block-tridiagonal matrix by those of its Cholesky factor."""
    for number, block in enumerate(diagonal):
        coupling = below[number]
        if coupling is not None:
            # From the right, which is twice as fast as to transpose the system.
            factor = torch.linalg.solve_triangular(diagonal[number - 1].mT, coupling, upper=True, left=False)
            below[number] = factor
            block.addmm_(factor, factor.mT, alpha=-1)
        diagonal[number] = torch.linalg.cholesky(block)


def _forward(diagonal: list[Tensor], below: list[Tensor | None], right: Tensor) -> Tensor:
    """Return L⁻¹·right."""
    solved: list[Tensor] = []
    for number, part in enumerate(torch.split(right, [len(block) for block in diagonal])):
        coupling = below[number]
        rest = part if coupling is None else part - coupling @ solved[-1]
        solved.append(torch.linalg.solve_triangular(diagonal[number], rest, upper=False))
    return torch.cat(solved)


def _backward(diagonal: list[Tensor], below: list[Tensor | None], right: Tensor) -> Tensor:
    """Return L⁻ᵀ·right."""
    parts = list(torch.split(right, [len(block) for block in diagonal]))
    for number in reversed(range(len(diagonal))):
        coupling = below[number + 1] if number + 1 < len(diagonal) else None
        if coupling is not None:
            parts[number] = parts[number] - coupling.mT @ parts[number + 1]
        parts[number] = torch.linalg.solve_triangular(diagonal[number].mT, parts[number], upper=True)
    return torch.cat(parts)
