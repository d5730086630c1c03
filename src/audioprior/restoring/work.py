"""The seam of a task at work: what it makes of its inputs, block by block.

A task is one file here with three functions, which `AtWork` lists, and a line in `registry`. Nothing here, and nothing that
it reaches, can take in a clean reference.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from audioprior.damage.findings import Finding
from audioprior.errors import SettingsError
from audioprior.model.observation import Observation
from audioprior.settings.methods import Method
from audioprior.sound.recording import Recording
from audioprior.sound.source import Source
from audioprior.sound.views import Pieces, Span
from audioprior.tasks import Run

Inputs = Mapping[str, Source]
"""What a task works on, by role: "sound", and what else it takes."""
Kept = Callable[[int], Sequence[Tensor] | None]
"""Gives what is kept of a block by its number, from 1; None of one that is not there yet."""


@dataclass(frozen=True)
class Part:
    """A sound that will come out, known before the work starts, so that what cannot be written is refused first.

    Attributes:
        role: "restored", "removed", ...
        sample_rate: in Hz.
        channels: how many.
        length: in samples.
        tags: text tags.
        finer: whether it holds values between those of a coarse input.
        beyond: whether its peaks are expected beyond full scale.
    """

    role: str
    sample_rate: int
    channels: int
    length: int
    tags: Mapping[str, str]
    finer: bool = False
    beyond: bool = False

    @classmethod
    def like(cls, sound: Source, role: str = "restored", *, finer: bool = False, beyond: bool = False) -> "Part":
        """Return a part of the shape of a sound."""
        return cls(role, sound.sample_rate, sound.channels, sound.length, sound.tags, finer, beyond)


@dataclass(frozen=True)
class Account:
    """Which sounds add up to which: the inputs' sum is the parts' sum, sample for sample.

    Attributes:
        inputs: by role.
        parts: by role.
    """

    inputs: tuple[str, ...] = ("sound",)
    parts: tuple[str, ...] = ("restored", "removed")


@dataclass(frozen=True)
class Seat:
    """Where a prior is fitted: what was heard, and the source of the fit's random numbers."""

    observation: Observation
    numbers: torch.Generator


@dataclass(frozen=True)
class Block:
    """A part of a recording that is fitted at once.

    Attributes:
        seats: one for each window, by its length in milliseconds; none where there is nothing to fit.
        merge: gives the block's sound, (channel, time), from each seat's λ.
    """

    seats: Mapping[float, Seat]
    merge: Callable[[list[Tensor]], Tensor]


def pieces(kept: Kept, place: int = 0) -> Pieces:
    """Return what gives the sound of a block that is kept at a place, (channel, time), or None of one that is not there."""

    def piece(number: int) -> Tensor | None:
        sounds = kept(number)
        return None if sounds is None else sounds[place]

    return piece


@dataclass
class Plan:
    """What there is to do, and how its blocks go.

    Attributes:
        inputs: by role.
        device: what it is computed on.
        spans: first sample and end of each block; none where there is nothing to do.
        findings: the damage that is going to be repaired, where the task is a repair.
        account: which sounds add up, or None for an invention.
        moments: shares of the steps of a block after which its sound is kept, in rising order.
        carries: whether blocks start from what the last block before their batch has learned. The first one is then alone.
        together: how many blocks of one length are fitted as one batch.
        found: gives the findings with what is known of them at the end, where that is more.
    """

    inputs: Inputs
    device: torch.device
    spans: Sequence[Span] = ()
    findings: tuple[Finding, ...] = ()
    account: Account | None = field(default_factory=Account)
    moments: tuple[float, ...] = (1.0,)
    carries: bool = False
    together: int = 1
    found: Callable[[Kept], tuple[Finding, ...]] | None = None


class Work(Protocol):
    """A task at work on its inputs.

    Attributes:
        plan: what there is to do.
    """

    plan: Plan

    def begin(self, number: int, method: Method, kept: Kept) -> Block:
        """Return what is fitted in a block, counted from 1.

        Args:
            number: of the block.
            method: the run's, or the shorter one of a block that starts from what was learned.
            kept: what is kept of the blocks before.
        """
        ...

    def end(self, number: int, sounds: Sequence[Callable[[], Tensor]]) -> list[Tensor]:
        """Return what is to be kept of a finished block.

        Args:
            number: of the block.
            sounds: the block's sound after each of the plan's moments, (channel, time); the last gives another one each
                time where samples are drawn.
        """
        ...

    def sounds(self, kept: Kept) -> Mapping[str, Source]:
        """Return what comes out, by role, made of what is kept of the blocks."""
        ...


class AtWork(Protocol):
    """What the file of a task has."""

    def parts(self, inputs: Inputs, run: Run) -> tuple[Part, ...]:
        """Return what will come out, without any work."""
        ...

    def work(self, inputs: Inputs, run: Run) -> Work:
        """Return the task at work; it looks for damage and checks the settings, and has fitted nothing yet."""
        ...

    def look(self, recording: Recording) -> str | None:
        """Return what in a recording suggests the task, a sentence, or None."""
        ...


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


def processor(name: str, kind: str) -> torch.device:
    """Return the device of a task whose small exact systems of equations are solved on the processor.

    Raises:
        SettingsError: another device was asked for by its name.
    """
    if name not in ("auto", "cpu"):
        raise SettingsError(f"the device is {name!r}, and {kind} computes on the processor; use --device auto.")
    return torch.device("cpu")
