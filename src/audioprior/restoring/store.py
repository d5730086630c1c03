"""Where finished blocks are kept until all are there: in memory, or in a folder that outlives a process."""

import json
import os
import shutil
import zipfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from audioprior.errors import SettingsError
from audioprior.model.prior import Learned

_MARK = "audioprior.json"  # in a folder of blocks: what they are blocks of


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
class Finished:
    """A finished block.

    Attributes:
        sounds: (channel, time) each, as the task keeps them.
        fits: what the block's fits did.
        learned: for each window, what the next block starts from.
    """

    sounds: Sequence[Tensor]
    fits: tuple[FitSummary, ...] = ()
    learned: Sequence[Learned] = field(default_factory=list)


class Store(Protocol):
    """Finished blocks, by their numbers from 1, without a hole.

    Attributes:
        finished: how many there are.
    """

    finished: int

    def keep(self, number: int, block: Finished) -> None:
        """Keep the next block."""
        ...

    def load(self, number: int) -> Finished:
        """Return a block."""
        ...


class Memory:
    """Finished blocks in memory."""

    def __init__(self) -> None:
        self._blocks: list[Finished] = []

    @property
    def finished(self) -> int:
        """How many there are."""
        return len(self._blocks)

    def keep(self, number: int, block: Finished) -> None:  # noqa: ARG002 (it is the next one)
        """Keep the next block; of what was learned only the newest is of use."""
        if self._blocks:
            last = self._blocks[-1]
            self._blocks[-1] = Finished(last.sounds, last.fits)
        self._blocks.append(block)

    def load(self, number: int) -> Finished:
        """Return a block."""
        return self._blocks[number - 1]


class Folder:
    """Finished blocks in a folder, one file each, written whole or not at all.

    Attributes:
        folder: where they are.
        finished: how many there are, without a hole.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        """Take up the blocks of an earlier run of the same identity, or begin anew.

        Args:
            folder: where they are; it is made with the first block.
            identity: of the run: its inputs' content, its settings, the versions.

        Raises:
            SettingsError: the folder holds something else.
        """
        self.folder, self.finished = folder, 0
        self._identity, self._mark = identity, folder / _MARK
        if folder.exists() and not self._mark.is_file() and any(folder.iterdir()):
            raise SettingsError(f"{folder} holds other files, and finished blocks go there; move it away.")
        if self._mark.is_file() and self._mark.read_text(encoding="utf-8") != identity:
            shutil.rmtree(folder)
        while zipfile.is_zipfile(self._path(self.finished + 1)):  # one that was cut short is computed anew
            self.finished += 1

    def keep(self, number: int, block: Finished) -> None:
        """Write a block."""
        fits = json.dumps([asdict(fit) for fit in block.fits])
        learned = [[weights.cpu() for weights in window] for window in block.learned]
        if not self.finished:
            self.folder.mkdir(exist_ok=True)
            self._mark.write_text(self._identity, encoding="utf-8")
        beside = self._path(number).with_suffix(f".{os.getpid()}.tmp")
        torch.save({"sounds": list(block.sounds), "fits": fits, "learned": learned}, beside)
        os.replace(beside, self._path(number))
        self.finished = number

    def load(self, number: int) -> Finished:
        """Read a block."""
        content: dict[str, Any] = torch.load(self._path(number), mmap=True, weights_only=True)
        fits = tuple(FitSummary(**{**fit, "losses": tuple(fit["losses"])}) for fit in json.loads(content["fits"]))
        return Finished(content["sounds"], fits, content["learned"])

    def remove(self) -> None:
        """Remove the folder: the output is whole."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:06}.pt"
