"""Spectrograms for the eye: levels in dB, on one scale of 80 dB, for pages and reports alike."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor

from audioprior.sound.source import Source
from audioprior.sound.spectrum import Transform

RANGE_DB = 80.0  # from the darkest colour to the brightest
_WINDOW_MS = 46.0  # narrow enough for partials of speech and music, short enough for onsets
_COLUMNS = 1600  # no screen shows more
_PIECE = 1 << 21  # samples of a long sound that are looked at together
_SPARSE = 4  # windows a column, beyond which a few are looked at in place of all
_LOOKS = 2
_MEL_HZ = 700.0  # below, mel is as good as linear


def levels_db(samples: Tensor, sample_rate: int) -> tuple[np.ndarray, Transform]:
    """Return the spectrogram, mean over channels, in dB re a full-scale sine: (frequency, frame), and its transform."""
    return _levels_db(lambda start, end: samples[:, start:end], samples.shape[1], sample_rate)


def levels_of(sound: Source) -> tuple[np.ndarray, Transform]:
    """Return the spectrogram of a sound as `levels_db` does, read piece by piece."""
    return _levels_db(sound.read, sound.length, sound.sample_rate)


def _levels_db(read: Callable[[int, int], Tensor], length: int, sample_rate: int) -> tuple[np.ndarray, Transform]:
    """Return the spectrogram of what is read piece by piece: `read` gives a passage, (channel, time)."""
    transform = Transform.of(sample_rate, _WINDOW_MS)
    transform = Transform(transform.window, max(transform.hop, length // _COLUMNS), sample_rate)
    hop, frames, powers = transform.hop, transform.frames(length), []
    around = -(-transform.window // (2 * hop))  # frames on each side of a piece that a cut would reach
    for first in range(0, frames, at_once := max(1, _PIECE // hop)):
        start, last = max(0, first - around), min(frames, first + at_once)
        piece = read(start * hop, min(length, (last + around) * hop))
        powers.append(transform.analyse(piece.float()).abs().square().mean(0)[:, first - start : last - start])
    full_scale = (transform.window / 4) ** 2
    return (10 * (torch.cat(powers, 1) / full_scale + 1e-16).log10()).numpy(), transform


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
    start, end = (round(min(source.length, max(0, at * rate))) for at in (start_s, end_s))
    transform = Transform.of(rate, _WINDOW_MS)
    step = (end - start) / columns
    if step > _SPARSE * transform.window:
        power = _sparse(source, transform, start, step, columns)
    else:
        power = _dense(source, transform, start, end, columns)
    level = 10 * np.log10(power / (transform.window / 4) ** 2 + 1e-16)
    return _rows(level, rows, corner=_MEL_HZ / rate * 2 if mel else None)


def drawing(power: Tensor, columns: int, rows: int) -> np.ndarray:
    """Return what a prior draws, (channel, frequency, frame), as levels in dB re its loudest: (row, column)."""
    mean = power.double().mean(0).cpu().numpy()
    frames = (np.arange(columns) * mean.shape[1] / columns).astype(int)
    level = 10 * np.log10(mean / mean.max() + 1e-16)
    return _rows(level[:, frames], rows)


def shades(level: np.ndarray, top_db: float) -> bytes:
    """Return levels as bytes, row by row: 0 is `RANGE_DB` below the top, 255 is the top."""
    return (255 * (1 + (level - top_db) / RANGE_DB).clip(0, 1)).round().astype(np.uint8).tobytes()


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
