"""A restoration in progress, and what comes out of it: the same for every task.

Nothing here, and nothing that it reaches, can take in a clean reference.
"""

import itertools
import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from audioprior.damage.findings import Finding
from audioprior.errors import FitError, SettingsError
from audioprior.model.fit import Fit, fit
from audioprior.model.observation import Observation, Together
from audioprior.model.prior import Carrying, Learned
from audioprior.settings.methods import Method
from audioprior.sound.recording import Recording
from audioprior.sound.source import Source
from audioprior.tasks import Run

GRID = 2.0**-32  # what is removed is a multiple of this, so that adding it back is exact in float64


@dataclass(frozen=True)
class FitSummary:
    """What one fit did: which block and window it was, how far it went, which step was kept and why it stopped."""

    block: int
    window_ms: float
    steps: int
    chosen: int
    reason: str
    losses: tuple[float, ...]


@dataclass(frozen=True)
class Progress:
    """How far a restoration is.

    Attributes:
        block: the block that is being fitted, from 1.
        blocks: how many there are.
        step: within the block, from 1.
        steps: the most steps that a block can take.
        loss: mean misfit over the windows.
        estimate: gives this block's sound as it is now, (channel, time), while it is worked on; costs time, and a repair
            that is asked goes another way from there.
        power: gives what the network draws of this block now, for the middle window, while it is worked on: λ, (channel,
            frequency, frame).
        start: first sample of the block.
        together: how many blocks are fitted as one batch, this one the first.
    """

    block: int
    blocks: int
    step: int
    steps: int
    loss: float
    estimate: Callable[[], Tensor]
    power: Callable[[], Tensor]
    start: int
    together: int = 1

    @property
    def done(self) -> float:
        """The share of all steps that are taken, from 0 to 1."""
        return (self.block - 1 + self.step / self.steps * self.together) / self.blocks

    def completes(self, share: float) -> bool:
        """Whether a share of the block's steps is taken with this one."""
        return self.step == math.ceil(share * self.steps)


@dataclass(frozen=True)
class Result:
    """A restored recording.

    Attributes:
        original: as it came in.
        restored: the result.
        removed: what was taken away; restored + removed == original, sample for sample. (Exactly so for all integer formats
            and 32-bit floats down to −175 dBFS; finer samples may round in the last bit of 64.)
        settings: everything that decided the result.
        fits: what each fit did.
        complete: False if it was stopped early: blocks that were not reached are as they came in.
        device: what it was computed on.
        findings: what was found damaged, where the task looks for damage.
        others: further results as plausible as `restored`, where the task was asked for several.
    """

    original: Recording
    restored: Recording
    removed: Recording
    settings: Run
    fits: tuple[FitSummary, ...] = ()
    complete: bool = True
    device: str = "cpu"
    findings: tuple[Finding, ...] = ()
    others: tuple[Recording, ...] = ()

    @property
    def steps(self) -> int:
        """Steps taken, over all fits."""
        return sum(one.steps for one in self.fits)

    def report(self, path: str | Path, *, force: bool = False) -> None:
        """Write a self-contained HTML report: players, spectrograms, the fit's curve, the settings."""
        from audioprior.report.page import write_report

        write_report(self, Path(path), force=force)


@dataclass(frozen=True)
class Seat:
    """Where a prior is fitted: what was heard, and the source of the fit's random numbers."""

    observation: Observation
    numbers: torch.Generator


@dataclass(frozen=True)
class Block:
    """A part of a recording that is fitted at once.

    Attributes:
        seats: one for each window, by its length in milliseconds.
        merge: gives the block's sound, (channel, time), from each seat's λ.
    """

    seats: Mapping[float, Seat]
    merge: Callable[[list[Tensor]], Tensor]


class Blocks(ABC):
    """Fits in progress, block by block: iterate over it.

    The fits of a block, one a window length, go in lock-step, so that a whole estimate exists at each step.

    Attributes:
        recording: what is restored.
        blocks: first sample and end of each.
        together: how many blocks of one length are fitted as one batch.
        carries: whether blocks start from what the last block before their batch has learned. The first one is then alone.
        findings: the damage that is going to be repaired, where the task is a repair.
    """

    findings: tuple[Finding, ...] = ()

    def __init__(self, recording: Source, run: Run, blocks: list[tuple[int, int]]) -> None:
        """Check the settings against the recording; the work begins with the iteration."""
        self.recording, self.blocks = recording, blocks
        self._run, self._device = run, pick_device(run.task.device)
        self.together = 1
        self.carries = False
        self._learned: list[Learned] = []  # by the last finished block, for each window
        self._reached = 0  # blocks that are finished
        self._live: dict[int, Callable[[], Tensor]] = {}  # gives the sound of the blocks that are being worked on
        self._drawing: Fit | None = None  # the middle window's, of those blocks
        self._fits: list[FitSummary] = []

    def __iter__(self) -> Iterator[Progress]:
        """Yield progress until all blocks are restored.

        Raises:
            FitError: a single block needs more memory than the device has.
        """
        while not self.complete:
            try:
                yield from self._batch(self._next())
            except torch.OutOfMemoryError as error:
                if self.together == 1:
                    raise FitError(f"a block does not fit into the memory of {self._device}; use --device cpu.") from error
                self.together //= 2
                self._live, self._fits = {}, [one for one in self._fits if one.block <= self._reached]

    def _next(self) -> range:
        """Return the numbers of the blocks that are fitted next: neighbours of one length, counted from 1."""
        together = 1 if self.carries and not self._reached else self.together
        first, *rest = self.blocks[self._reached : self._reached + together]
        alike = itertools.takewhile(lambda block: block[1] - block[0] == first[1] - first[0], rest)
        return range(self._reached + 1, self._reached + 2 + len(list(alike)))

    def _batch(self, numbers: range) -> Iterator[Progress]:
        blocks = [self.begin(number) for number in numbers]
        windows = list(blocks[0].seats)
        starts: Sequence[Learned | None] = self._learned or [None] * len(windows)
        fits = [
            self._fit([block.seats[window] for block in blocks], start)
            for window, start in zip(windows, starts, strict=True)
        ]
        estimates: dict[int, Callable[[], Tensor]] = {
            number: partial(_estimate, block, fits, place)
            for place, (number, block) in enumerate(zip(numbers, blocks, strict=True))
        }
        first = numbers[0]
        for steps in itertools.zip_longest(*fits):
            live = [step for step in steps if step is not None]
            self._live, self._drawing = estimates, fits[len(fits) // 2]
            yield Progress(
                first,
                len(self.blocks),
                max(step.index for step in live),
                self._method.stopping.max_steps,
                sum(step.loss for step in live) / len(live),
                partial(self.now, first),
                self.drawn,
                self.blocks[first - 1][0],
                len(numbers),
            )
        for place, number in enumerate(numbers):
            if self.carries:
                self._learned = [one.prior.learned(place) for one in fits if isinstance(one.prior, Carrying)]
            self._fits += [_summary(number, window_ms, one) for window_ms, one in zip(windows, fits, strict=True)]
            self.end(number, estimates[number])
            self._reached = number
        self._live, self._drawing = {}, None

    def now(self, number: int) -> Tensor:
        """Return the sound of a block that is being worked on. Whoever keeps a `Progress` does not keep the block by it."""
        return self._live[number]()

    def drawn(self) -> Tensor:
        """Return what the network draws of the first block that is being worked on: λ, (channel, frequency, frame)."""
        if self._drawing is None:
            raise FitError("no block is being worked on; ask for what is drawn while the job is iterated over.")
        return self._drawing.power()[0]

    @abstractmethod
    def begin(self, number: int) -> Block:
        """Return what is fitted in a block, counted from 1."""

    @abstractmethod
    def end(self, number: int, sound: Callable[[], Tensor]) -> None:
        """Take in a finished block; `sound` gives it, (channel, time), and another one each time where samples are drawn."""

    def _fit(self, seats: list[Seat], start: Learned | None) -> Fit:
        """Return the fit of the method's prior in some seats at once, stopped by the method's rule."""
        method, numbers = self._method, [seat.numbers for seat in seats]
        prior = method.prior.build(planned_steps=method.stopping.max_steps, generators=numbers, start=start)
        return fit(Together([seat.observation for seat in seats]), prior, method.stopping.build(numbers[0]))

    @property
    def _method(self) -> Method:
        """The method of the blocks that are being worked on."""
        return self._run.method.later() if self._learned else self._run.method

    @property
    def settings(self) -> Run:
        """Everything that decides the result."""
        return self._run

    @property
    def device(self) -> str:
        """What it is computed on."""
        return str(self._device)

    @property
    def complete(self) -> bool:
        """Whether all blocks are finished."""
        return self._reached == len(self.blocks)


class Job(Blocks):
    """A restoration in progress: iterate over it, and ask for `result()` at the end or earlier."""

    @abstractmethod
    def result(self) -> Result:
        """Return what is restored so far: finished blocks, the present one as far as it came, the rest as it was."""

    def _result_of(self, recording: Recording, removed: Tensor) -> Result:
        """Return the result of taking `removed`, (channel, time), out of a recording: two parts that add up exactly."""
        removed = on_grid(removed)
        return Result(
            recording,
            recording.with_samples(recording.samples - removed),
            recording.with_samples(removed),
            self._run,
            tuple(self._fits),
            self.complete,
            self.device,
            self.findings,
        )


def on_grid(removed: Tensor) -> Tensor:
    """Round what is removed so that adding it back is exact."""
    return (removed / GRID).round() * GRID


def pick_device(name: str) -> torch.device:
    """Return the device that a name means; "auto" is the best there is.

    Raises:
        SettingsError: there is no such device here.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "mps" if torch.backends.mps.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise SettingsError(f"the device {name!r} is not available here; use --device auto.") from error
    return device


def _estimate(block: Block, fits: list[Fit], place: int) -> Tensor:
    return block.merge([one.power()[place : place + 1] for one in fits])


def _summary(block: int, window_ms: float, one: Fit) -> FitSummary:
    return FitSummary(block, window_ms, len(one.losses), one.chosen, one.reason, tuple(one.losses))
