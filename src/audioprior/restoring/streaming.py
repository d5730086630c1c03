"""Long recordings: denoised block by block from file to file, in constant memory, and resumed where they stopped."""

import contextlib
import ctypes
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from audioprior.errors import SettingsError
from audioprior.model.prior import Learned
from audioprior.restoring.denoise import BlockDenoising
from audioprior.restoring.job import FitSummary, on_grid
from audioprior.settings.identity import sha256, versions
from audioprior.settings.json import encode
from audioprior.sound.encoding import Encoding, Excess, clamped
from audioprior.sound.recording import encoder, write_samples
from audioprior.sound.source import Source
from audioprior.sound.writing import replacing
from audioprior.tasks import Run

_MARK = "audioprior.json"  # in a folder of parts: what they are parts of


@dataclass(frozen=True)
class Part:
    """A finished block.

    Attributes:
        sounds: (channel, time) each, the block's sound after each share of its steps that is kept, faded in and out.
        fits: what the block's fits did.
        learned: for each window, what the next block starts from.
    """

    sounds: list[Tensor]
    fits: tuple[FitSummary, ...]
    learned: list[Learned] = field(default_factory=list)


class Parts:
    """Finished blocks in a folder, one file each, written whole or not at all.

    Attributes:
        folder: where they are.
        finished: how many there are, without a hole.
    """

    def __init__(self, folder: Path, identity: str) -> None:
        """Take up the parts of an earlier run of the same identity, or begin anew.

        Raises:
            SettingsError: the folder holds something else.
        """
        self.folder, self.finished = folder, 0
        self._identity, self._mark = identity, folder / _MARK
        if folder.exists() and not self._mark.is_file() and any(folder.iterdir()):
            raise SettingsError(f"{folder} holds other files, and finished blocks go there; move it away.")
        if self._mark.is_file() and self._mark.read_text(encoding="utf-8") != identity:
            shutil.rmtree(folder)
        while self._path(self.finished + 1).exists():
            self.finished += 1

    def keep(self, number: int, part: Part) -> None:
        """Write a block's part."""
        fits = json.dumps([asdict(one) for one in part.fits])
        learned = [[one.cpu() for one in window] for window in part.learned]
        if not self.finished:
            self.folder.mkdir(exist_ok=True)
            self._mark.write_text(self._identity, encoding="utf-8")
        beside = self._path(number).with_suffix(f".{os.getpid()}.tmp")
        torch.save({"sounds": part.sounds, "fits": fits, "learned": learned}, beside)
        os.replace(beside, self._path(number))
        self.finished = number

    def load(self, number: int) -> Part:
        """Read a block's part."""
        content: dict[str, Any] = torch.load(self._path(number), mmap=True)
        fits = tuple(FitSummary(**{**one, "losses": tuple(one["losses"])}) for one in json.loads(content["fits"]))
        return Part(content["sounds"], fits, content["learned"])

    def remove(self) -> None:
        """Remove the folder: the output is whole."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _path(self, number: int) -> Path:
        return self.folder / f"{number:06}.pt"


class LongDenoising(BlockDenoising):
    """A denoising from file to file: iterate over it, then `write`. Parts of earlier runs are not computed again."""

    def __init__(self, source: Source, run: Run, parts: Parts, encoding: Encoding) -> None:
        """Check the settings against the recording; the work begins with the iteration.

        Args:
            source: what is restored.
            run: the settings.
            parts: where finished blocks go.
            encoding: how the output will store samples; those beyond full scale are clamped.
        """
        super().__init__(source, run)
        self._parts, self._encoding = parts, encoding
        if not self.silent:
            self._reached = parts.finished
        if parts.finished:
            self._learned = parts.load(parts.finished).learned

    @property
    def silent(self) -> bool:
        """Whether the recording is digital silence, of which nothing can be removed."""
        return not self._level

    def end(self, number: int, sound: Callable[[], Tensor]) -> None:
        """Keep a finished block."""
        fade = self.fade(number)
        fits = tuple(one for one in self._fits if one.block == number)
        self._parts.keep(number, Part([one * fade for one in self.sounds(number, sound)], fits, self._learned))
        _give_back()

    @property
    def finished(self) -> int:
        """How many blocks are finished, in this run or an earlier one."""
        return len(self.blocks) if self.silent else self._parts.finished

    def piece(self, number: int) -> tuple[Tensor, Tensor]:
        """Return a block up to where the next one begins: as it came in, and restored; alike while it is not finished."""
        start, until = self._span(number)
        original = self.recording.read(start, until)
        if number > self.finished or self.silent:
            return original, original
        place = self.shares.index(self._task.stop_at)
        whole = self._parts.load(number).sounds[place][:, : until - start].clone()
        if number > 1:  # the end of the block before fades out in this one
            tail = self._parts.load(number - 1).sounds[place][:, start - self.blocks[number - 2][0] :]
            whole[:, : tail.shape[1]] += tail
        return original, original - on_grid(self._task.strength * (original - whole))

    def pieces(self) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield the recording piece by piece, in order."""
        return map(self.piece, range(1, len(self.blocks) + 1))

    def write(self, path: Path, removed: Path | None, *, force: bool) -> Excess:
        """Write the restored file, and what was removed from it; return what was clamped.

        Raises:
            SettingsError: a file exists and `force` is not set.
            AudioError: a file cannot be written.
        """
        excess = Excess()
        with replacing(path, force=force) as beside, encoder(beside, self.recording, self._encoding) as file:
            for _, restored in self.pieces():
                write_samples(file, clamped(restored, self._encoding))
                excess += Excess.of(restored, self._encoding)
        if removed:
            encoding = self._encoding.for_path(removed)
            with replacing(removed, force=force) as beside, encoder(beside, self.recording, encoding) as file:
                for original, restored in self.pieces():
                    write_samples(file, clamped(original - clamped(restored, self._encoding), encoding))
        return excess

    @property
    def fits(self) -> tuple[FitSummary, ...]:
        """What the fits of all finished blocks did, in this run or an earlier one."""
        if self.silent:
            return ()
        return tuple(fit for number in range(1, self._parts.finished + 1) for fit in self._parts.load(number).fits)

    def _span(self, number: int) -> tuple[int, int]:
        """Return the first sample of a block, and where the next one begins."""
        start, end = self.blocks[number - 1]
        return start, self.blocks[number][0] if number < len(self.blocks) else end


def _give_back() -> None:
    """Return free memory to the system: from block to block, glibc's heap would otherwise grow holes, to a third more."""
    with contextlib.suppress(OSError, AttributeError, TypeError):  # other systems have no such call, nor the need
        ctypes.CDLL(None).malloc_trim(0)


def identity(path: Path, run: Run, encoding: Encoding) -> str:
    """Return what decides the bytes of a long denoising's parts, as text."""
    facts = {
        "input": sha256(path),
        "run": encode(run),
        "encoding": asdict(encoding),
        "versions": versions(),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()
