"""Copies of a sound that any browser can play, and what a page draws of them.

A copy is a WAV of 32-bit floats: no peak is lost that a repair won back, every place can be jumped to, and the browser needs
to load no more than it plays.
"""

import itertools
import math
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor

from audioprior.sound.encoding import Encoding
from audioprior.sound.source import FileSource, Source, chunks
from audioprior.sound.spectrum import Transform

RANGE_DB = 80.0
_POINTS = 2000  # of a drawn waveform; no screen shows more
_FLOAT = Encoding("WAV", "FLOAT")
_WINDOW_MS = 46.0
_SPARSE = 4  # windows a column, beyond which a few are looked at in place of all
_LOOKS = 2
_MEL_HZ = 700.0  # below, mel is as good as linear


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


def difference(path: Path, one: Source, other: Source) -> Drawn:
    """Write a copy of one recording less another of the same length."""
    pairs = zip(chunks(one), chunks(other), strict=True)
    return copy_to(path, one, (a - b for a, b in pairs))


def levels(source: Source, start_s: float, end_s: float, columns: int, rows: int, *, mel: bool = False) -> np.ndarray:
    """Return a spectrogram in dB re a full-scale sine: (row, column), the lowest frequency first, mean over channels.

    Where many windows fall into a column, a few of them stand for all: an hour costs no more than a minute.

    Args:
        source: the sound.
        start_s: of what is drawn.
        end_s: of it.
        columns: of the picture.
        rows: of it, from 0 Hz to half the sample rate.
        mel: even in mel (O'Shaughnessy 1987) in place of in Hz: as the ear hears distances, and as the page's axis has it.
    """
    rate = source.sample_rate
    start, end = (min(source.length, max(0, round(at * rate))) for at in (start_s, end_s))
    transform = Transform.of(rate, _WINDOW_MS)
    step = (end - start) / columns
    if step > _SPARSE * transform.window:
        power = _sparse(source, transform, start, step, columns)
    else:
        power = _dense(source, transform, start, end, columns)
    level = 10 * np.log10(power / (transform.window / 4) ** 2 + 1e-16)
    return _rows(level, rows, corner=_MEL_HZ / rate * 2 if mel else None)


def drawing(power: Tensor, columns: int, rows: int) -> np.ndarray:
    """Return what a network draws, (channel, frequency, frame), as levels in dB re its loudest: (row, column)."""
    mean = power.double().mean(0).cpu().numpy()
    frames = (np.arange(columns) * mean.shape[1] / columns).astype(int)
    level = 10 * np.log10(mean / mean.max() + 1e-16)
    return _rows(level[:, frames], rows)


def shades(level: np.ndarray, top_db: float) -> bytes:
    """Return levels as bytes, row by row: 0 is `RANGE_DB` below the top, 255 is the top."""
    return (255 * (1 + (level - top_db) / RANGE_DB).clip(0, 1)).round().astype(np.uint8).tobytes()


@contextmanager
def open_copy(path: Path) -> Iterator[FileSource]:
    """Open a copy to be read piece by piece."""
    with soundfile.SoundFile(path) as file:
        yield FileSource(file, path.name, _FLOAT, {})


def _sparse(source: Source, transform: Transform, start: int, step: float, columns: int) -> np.ndarray:
    window = torch.hann_window(transform.window)
    power = np.zeros((transform.bins, columns))
    for column in range(columns):
        for look in range(_LOOKS):
            at = round(start + (column + (look + 0.5) / _LOOKS) * step) - transform.window // 2
            piece = source.read(max(0, at), max(0, at) + transform.window).float()
            piece = torch.nn.functional.pad(piece, (0, transform.window - piece.shape[1]))
            power[:, column] += torch.fft.rfft(piece * window).abs().square().mean(0).numpy() / _LOOKS
    return power


def _dense(source: Source, transform: Transform, start: int, end: int, columns: int) -> np.ndarray:
    hop = max(1, min(transform.hop, (end - start) // columns))
    margin = transform.window
    first = max(0, start - margin)
    samples = source.read(first, min(source.length, end + margin)).float()
    fine = Transform(transform.window, hop, transform.sample_rate)
    power = fine.analyse(samples).abs().square().mean(0).numpy().astype(np.float64)
    edges = (start - first + np.arange(columns + 1) * (end - start) / columns) / hop
    low = np.clip(np.floor(edges[:-1]).astype(int), 0, power.shape[1] - 1)
    high = np.clip(np.ceil(edges[1:]).astype(int), low + 1, power.shape[1])
    total = np.concatenate([np.zeros((len(power), 1)), power.cumsum(1)], 1)
    mean: np.ndarray = (total[:, high] - total[:, low]) / (high - low)
    return mean.clip(0)


def _rows(level: np.ndarray, rows: int, corner: float | None = None) -> np.ndarray:
    """Return the loudest bin of each row: partials are thin, and are what one looks for.

    Args:
        level: (bin, column).
        rows: how many; even in frequency, or in the logarithm of 1 + frequency / corner.
        corner: a share of the highest frequency.
    """
    edges = np.linspace(0, 1, rows + 1)
    if corner:
        edges = corner * np.expm1(edges * np.log1p(1 / corner))
    edges *= len(level)
    return np.stack([level[int(a) : max(int(a) + 1, math.ceil(b))].max(0) for a, b in itertools.pairwise(edges)])
