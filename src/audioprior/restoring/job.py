"""The one loop, for memory and for files, for all tasks, and its result: the fits of a block go in lock-step.

Nothing here, and nothing that it reaches, can take in a clean reference.
"""

import itertools
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path

import torch
from torch import Tensor

from audioprior.damage.findings import Finding
from audioprior.errors import FitError, SettingsError
from audioprior.model.fit import Fit, fit
from audioprior.model.observation import Together
from audioprior.model.prior import Carrying, Learned
from audioprior.restoring.machine import on_one_thread, one_thread, return_free_memory
from audioprior.restoring.progress import Progress
from audioprior.restoring.registry import at_work, inputs_of
from audioprior.restoring.store import Finished, FitSummary, Memory, Store
from audioprior.restoring.work import Account, Block, Seat, Work
from audioprior.settings.methods import Method
from audioprior.sound.recording import Recording
from audioprior.sound.source import Source, whole
from audioprior.sound.views import Span
from audioprior.tasks import Run, Task


@dataclass(frozen=True)
class Result:
    """What a run made of its inputs.

    Attributes:
        inputs: by role: "sound", and what else the task took.
        sounds: what came out, by role: "restored", "removed", and further ones as plausible as "restored" ("restored.2").
            They are made when they are read, piece by piece if one likes.
        run: everything that decided the result.
        fits: what each fit did.
        findings: what was found damaged, where the task looks for damage.
        complete: False if it was stopped early: blocks that were not reached are as they came in.
        device: what it was computed on.
        account: which sounds add up, sample for sample, or None for an invention. (Exactly so for all integer formats and
            32-bit floats down to −175 dBFS; finer samples may round in the last bit of 64.)
        before: of the step before this one in a chain, whose restored sound is this one's input.
    """

    inputs: Mapping[str, Source]
    sounds: Mapping[str, Source]
    run: Run
    fits: tuple[FitSummary, ...] = ()
    findings: tuple[Finding, ...] = ()
    complete: bool = True
    device: str = "cpu"
    account: Account | None = field(default_factory=Account)
    before: "Result | None" = None

    @cached_property
    def original(self) -> Recording:
        """The recording as it came in, whole in memory."""
        return whole(self.inputs["sound"])

    @cached_property
    def restored(self) -> Recording:
        """The result, whole in memory."""
        return whole(self.sounds["restored"])

    @cached_property
    def removed(self) -> Recording:
        """What was taken away, whole in memory: what `account` says adds up, sample for sample."""
        return whole(self.sounds["removed"])

    @property
    def others(self) -> tuple[Recording, ...]:
        """Further results as plausible as `restored`, where the task was asked for several."""
        return tuple(whole(sound) for role, sound in self.sounds.items() if role.startswith("restored."))

    @property
    def settings(self) -> Run:
        """Everything that decided the result; the same as `run`."""
        return self.run

    @property
    def chain(self) -> "tuple[Result, ...]":
        """The results of all steps, the first one first, this one last."""
        return (*(self.before.chain if self.before else ()), self)

    def then(self, task: Task, method: str | Method = "default") -> "Result":
        """Return the result of a further task on what this one restored; each step keeps what it removed.

        Args:
            task: what to do, and what is decided about it.
            method: how: a method's name, or one of your own.

        Raises:
            AudiopriorError: as the task's own function.
        """
        return finish(start(self.sounds["restored"], Run.of(task, method), before=self))

    def without(self, number: int) -> "Result":
        """Return the result of the chain without a step: those before it stay, those after it are done anew.

        Args:
            number: of the step, from 1.

        Raises:
            SettingsError: there is no such step, or it is the only one.
        """
        steps = self.chain
        if not 1 <= number <= len(steps) or len(steps) == 1:
            raise SettingsError(f"step {number} of {len(steps)} cannot be taken out; give one of a chain of at least two.")
        result, sound = steps[number - 1].before, steps[number - 1].inputs["sound"]
        for step in steps[number:]:
            result = finish(start(sound, step.run, before=result))
            sound = result.sounds["restored"]
        assert result is not None
        return result

    @property
    def steps(self) -> int:
        """Steps taken, over all fits."""
        return sum(fit.steps for fit in self.fits)

    def report(self, path: str | Path, *, force: bool = False) -> None:
        """Write a self-contained HTML report: players, spectrograms, the fit's curve, the settings."""
        from audioprior.report.page import write_report

        write_report(self, Path(path), force=force)


class Job:
    """A task in progress: iterate over it, and ask for `result()` at the end or earlier.

    Attributes:
        work: the task at work.
        run: the settings.
        store: where finished blocks are.
        together: how many blocks of one length are fitted as one batch.
        early: a block's sound after each of the work's moments but the end, by block and share, until it is finished.
    """

    def __init__(self, work: Work, run: Run, store: Store | None = None, before: "Result | None" = None) -> None:
        """Take up what the store has of an earlier process; the work begins with the iteration."""
        self.work, self.run, self.store, self._before = work, run, store or Memory(), before
        self.together = work.plan.together
        self.early: dict[tuple[int, float], Tensor] = {}
        self._reached = min(self.store.finished, len(work.plan.spans))
        self._learned = list(self.store.load(self._reached).learned) if self._reached and work.plan.carries else []
        self._live: dict[int, Callable[[], Tensor]] = {}  # gives the sound of the blocks that are being worked on
        self._drawing: Fit | None = None  # the middle window's, of those blocks

    def __iter__(self) -> Iterator[Progress]:
        """Yield progress until all blocks are finished; the same bytes come of it with however many threads.

        Raises:
            FitError: a single block needs more memory than the device has.
        """
        return on_one_thread(self._steps())

    def _steps(self) -> Generator[Progress, None, None]:
        while not self.complete:
            try:
                yield from self._batch(self._next())
            except torch.OutOfMemoryError as error:
                if self.together == 1:
                    raise FitError(f"a block does not fit into the memory of {self.device}; use --device cpu.") from error
                self.together //= 2
                self._live, self.early = {}, {}

    @property
    def spans(self) -> Sequence[Span]:
        """First sample and end of each block."""
        return self.work.plan.spans

    @property
    def device(self) -> str:
        """What it is computed on."""
        return str(self.work.plan.device)

    @property
    def complete(self) -> bool:
        """Whether all blocks are finished."""
        return self._reached == len(self.spans)

    def result(self) -> Result:
        """Return what there is so far: finished blocks, the present ones as far as they came, the rest as it was."""
        plan = self.work.plan
        fits = tuple(fit for number in range(1, self._reached + 1) for fit in self.store.load(number).fits)
        return Result(
            plan.inputs,
            self.sounds(),
            self.run,
            fits,
            plan.found(self.kept) if plan.found else plan.findings,
            self.complete,
            self.device,
            plan.account,
            self._before,
        )

    def sounds(self) -> Mapping[str, Source]:
        """Return what comes out so far, by role."""
        return self.work.sounds(self.kept)

    def kept(self, number: int) -> Sequence[Tensor] | None:
        """Return what is kept of a block, of one that is worked on what would be if it ended now; None of later ones."""
        if number <= self._reached:
            return self.store.load(number).sounds
        if number in self._live:
            return self.work.end(number, [self._live[number]] * len(self.work.plan.moments))
        return None

    def _next(self) -> range:
        """Return the numbers of the blocks that are fitted next: neighbours of one length, counted from 1."""
        together = 1 if self.work.plan.carries and not self._reached else self.together
        first, *rest = self.spans[self._reached : self._reached + together]
        alike = itertools.takewhile(lambda span: span[1] - span[0] == first[1] - first[0], rest)
        return range(self._reached + 1, self._reached + 2 + len(list(alike)))

    def _batch(self, numbers: range) -> Iterator[Progress]:
        method = self.run.method.later() if self._learned else self.run.method
        blocks = [self.work.begin(number, method, self.kept) for number in numbers]
        windows = list(blocks[0].seats)
        starts: Sequence[Learned | None] = self._learned or [None] * len(windows)
        fits = [
            self._fit([block.seats[window] for block in blocks], method, start)
            for window, start in zip(windows, starts, strict=True)
        ]
        self._live = {
            number: partial(_estimate, block, fits, place)
            for place, (number, block) in enumerate(zip(numbers, blocks, strict=True))
        }
        self._drawing = fits[len(fits) // 2] if fits else None
        for steps in itertools.zip_longest(*fits):
            live = [step for step in steps if step is not None]
            index, loss = max(step.index for step in live), sum(step.loss for step in live) / len(live)
            progress = self._progress(numbers, index, method.stopping.max_steps, loss)
            for share in self.work.plan.moments:
                if share < 1 and progress.completes(share):
                    self.early |= {(number, share): self._live[number]() for number in numbers}
            yield progress
        if not fits:
            yield self._progress(numbers, 1, 1, None)
        for place, number in enumerate(numbers):
            if self.work.plan.carries:
                self._learned = [one.prior.learned(place) for one in fits if isinstance(one.prior, Carrying)]
            summaries = [_summary(number, window_ms, one) for window_ms, one in zip(windows, fits, strict=True)]
            sounds = [self._sound(number, share) for share in self.work.plan.moments]
            self.store.keep(number, Finished(self.work.end(number, sounds), tuple(summaries), self._learned))
            self._reached = number
        self._live, self._drawing = {}, None
        return_free_memory()

    def _progress(self, numbers: range, step: int, steps: int, loss: float | None) -> Progress:
        first, together = numbers[0], len(numbers)
        start, count = self.spans[first - 1][0], len(self.spans)
        return Progress(first, count, step, steps, loss, partial(self.now, first), self.drawn, start, together)

    def _sound(self, number: int, share: float) -> Callable[[], Tensor]:
        """Return what gives a finished block's sound after a share of its steps; where it had stopped by then, its end."""
        early = self.early.pop((number, share), None)
        return self._live[number] if early is None else lambda: early

    def now(self, number: int) -> Tensor:
        """Return the sound of a block that is being worked on. Whoever keeps a `Progress` does not keep the block by it."""
        return self._live[number]()

    def drawn(self) -> Tensor:
        """Return what the network draws of the first block that is being worked on: λ, (channel, frequency, frame).

        Raises:
            FitError: no block is being fitted.
        """
        if self._drawing is None:
            raise FitError("no block is being fitted; ask for what is drawn while the job is iterated over.")
        return self._drawing.power()[0]

    def _fit(self, seats: list[Seat], method: Method, start: Learned | None) -> Fit:
        """Return the fit of the method's prior in some seats at once, stopped by the method's rule."""
        numbers = [seat.numbers for seat in seats]
        prior = method.prior.build(planned_steps=method.stopping.max_steps, generators=numbers, start=start)
        return fit(Together([seat.observation for seat in seats]), prior, method.stopping.build(numbers[0]))


def start(sound: Source, run: Run, *, store: Store | None = None, before: Result | None = None) -> Job:
    """Return the job that a run means for a recording: iterate over it, and ask for its result at the end or earlier.

    Args:
        sound: the recording, in memory or in a file.
        run: the settings; further inputs that they name are read.
        store: where finished blocks are kept; in memory without it.
        before: the result of the step before it in a chain, whose restored sound is `sound`.

    Raises:
        SettingsError: the settings make no sense for this recording.
        AudioError: a further input cannot be read.
    """
    with one_thread():
        return Job(at_work(run).work(inputs_of(sound, run), run), run, store, before)


def finish(job: Job) -> Result:
    """Return the result of a job that is gone through to its end."""
    for _ in job:
        pass
    return job.result()


def _estimate(block: Block, fits: list[Fit], place: int) -> Tensor:
    with one_thread():
        return block.merge([one.power()[place : place + 1] for one in fits])


def _summary(block: int, window_ms: float, one: Fit) -> FitSummary:
    return FitSummary(block, window_ms, len(one.losses), one.chosen, one.reason, tuple(one.losses))
