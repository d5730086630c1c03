"""Copies of a sound that any browser can play, and what a page has to know of them.

A copy is a WAV of 32-bit floats: no peak is lost that a repair won back, every place can be jumped to, and the browser needs
to load no more than it plays.
"""

import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from torch import Tensor

from audioprior.sound.encoding import Encoding
from audioprior.sound.source import FileSource, Source, chunks

_POINTS = 2000  # of a drawn waveform; no screen shows more
_FLOAT = Encoding("WAV", "FLOAT")


@dataclass(frozen=True)
class Drawn:
    """What a page knows of a copy without loading it.

    Attributes:
        peaks: the largest magnitude in each of up to 2000 even parts.
        rms: over all channels.
        peak: the largest magnitude of all.
    """

    peaks: list[float]
    rms: float
    peak: float


def copy_to(path: Path, like: Source, pieces: Iterable[Tensor]) -> Drawn:
    """Write a copy of a sound that comes in pieces, (channel, time) each, and return what to draw of it."""
    size = max(1, -(-like.length // _POINTS))
    energy, largest, place = 0.0, np.zeros(-(-like.length // size)), 0
    with soundfile.SoundFile(path, "w", like.sample_rate, like.channels, "FLOAT", format="RF64") as file:
        for piece in pieces:
            samples = piece.float().numpy()
            file.write(samples.T)
            energy += float(np.square(samples, dtype=np.float64).sum())
            magnitude = np.abs(samples).max(0)
            np.maximum.at(largest, (place + np.arange(len(magnitude))) // size, magnitude)
            place += len(magnitude)
    rms = math.sqrt(energy / max(1, place * like.channels))
    return Drawn([round(float(peak), 5) for peak in largest], rms, float(largest.max(initial=0.0)))


def draw(path: Path, source: Source) -> Drawn:
    """Write a copy of a whole recording."""
    return copy_to(path, source, chunks(source))


def overwrite(path: Path, start: int, samples: Tensor) -> None:
    """Put samples, (channel, time), in their place in a copy."""
    with soundfile.SoundFile(path, "r+") as file:
        file.seek(start)
        file.write(samples.float().numpy().T)


def difference(path: Path, whole: Source, part: Source) -> Drawn:
    """Write a copy of one recording less another of the same length."""
    pairs = zip(chunks(whole), chunks(part), strict=True)
    return copy_to(path, whole, (a - b for a, b in pairs))


@contextmanager
def open_copy(path: Path) -> Iterator[FileSource]:
    """Open a copy to be read piece by piece."""
    with soundfile.SoundFile(path) as file:
        yield FileSource(file, path.name, _FLOAT, {})
