"""Marks that people set elsewhere: label files of Audacity, selection tables of Raven, CSV, and painted masks."""

import csv
from pathlib import Path

import numpy as np
import torch

from audioprior.damage.findings import true_runs
from audioprior.errors import SettingsError
from audioprior.sound.source import open_source
from audioprior.tasks import Gap, Region

_START = ("start", "begin time (s)", "start_s")
_END = ("end", "end time (s)", "end_s")
_LOW = ("low", "low freq (hz)", "low_hz")
_HIGH = ("high", "high freq (hz)", "high_hz")
_PAINTED = 0.5  # of white


def read_marks(path: Path, recording: str) -> tuple[tuple[Gap, ...], tuple[Region, ...]]:
    """Return the gaps (START, END in seconds) and the regions (with LOW, HIGH in Hz) that a file marks.

    Args:
        path: an Audacity label file (.txt, with spectral selections or without), a Raven selection table (.txt or .tsv), a
            .csv with the columns start, end and perhaps low, high, or a .png as wide as the recording and from 0 Hz
            (bottom) to half the sample rate (top), white where damaged.
        recording: the file that a painted mask belongs to.

    Raises:
        SettingsError: the file cannot be read, or marks nothing.
    """
    try:
        marks = _painted(path, recording) if path.suffix.lower() == ".png" else _written(path)
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({error.strerror}); give a file of labels.") from error
    except (ValueError, KeyError, StopIteration, SyntaxError) as error:
        raise SettingsError(
            f"{path} is no file of marks ({error}); give Audacity labels, a Raven table, a CSV with start and end, or a PNG."
        ) from error
    if not any(marks):
        raise SettingsError(f"{path} marks nothing; leave it out to have gaps found.")
    return marks


def _written(path: Path) -> tuple[tuple[Gap, ...], tuple[Region, ...]]:
    lines = [line for line in path.read_text(encoding="utf-8-sig").splitlines() if line.strip()]
    separator = "," if path.suffix.lower() == ".csv" else "\t"
    head = [cell.strip().lower() for cell in next(csv.reader(lines[:1], delimiter=separator))] if lines else []
    named = any(cell in _START for cell in head)
    rows = _named(head, lines[1:], separator) if named else _labels(lines, separator)
    gaps = tuple((start, end) for start, end, *band in rows if not band)
    return gaps, tuple((row[0], row[1], row[2], row[3]) for row in rows if len(row) == 4)


def _named(head: list[str], lines: list[str], separator: str) -> list[tuple[float, ...]]:
    columns = [next((head.index(name) for name in names if name in head), None) for names in (_START, _END, _LOW, _HIGH)]
    if columns[1] is None:
        raise ValueError("no column with the ends")
    found: dict[tuple[float, ...], None] = {}  # Raven lists a selection once for each view
    for row in csv.reader(lines, delimiter=separator):
        found[tuple(float(row[column]) for column in columns if column is not None and row[column].strip())] = None
    return list(found)


def _labels(lines: list[str], separator: str) -> list[tuple[float, ...]]:
    rows: list[tuple[float, ...]] = []
    for line in lines:
        cells = line.split(separator)
        if cells[0] == "\\" and rows:  # the frequencies of the label before
            low, high = float(cells[1]), float(cells[2])
            rows[-1] = (*rows[-1][:2], low, high)
        else:
            rows.append((float(cells[0]), float(cells[1])))
    return rows


def _painted(path: Path, recording: str) -> tuple[tuple[Gap, ...], tuple[Region, ...]]:
    from matplotlib.image import imread

    picture = np.asarray(imread(path))
    if picture.ndim == 3:
        picture = picture[..., :3].mean(2)  # opaque colours: the mask is what is light
    mask = picture[::-1] > _PAINTED * (255 if picture.dtype == np.uint8 else 1.0)
    with open_source(recording) as sound:
        duration_s, highest_hz = sound.length / sound.sample_rate, sound.sample_rate / 2
    column_s, row_hz = duration_s / mask.shape[1], highest_hz / mask.shape[0]
    open_: dict[tuple[int, int], int] = {}  # rows of a region that goes on: where it began
    regions: list[Region] = []
    for column in range(mask.shape[1] + 1):
        painted = true_runs(torch.from_numpy(mask[:, column].copy())).tolist() if column < mask.shape[1] else []
        here = {(low, high) for low, high in painted}
        for rows in [rows for rows in open_ if rows not in here]:
            start = open_.pop(rows)
            regions.append((start * column_s, column * column_s, rows[0] * row_hz, rows[1] * row_hz))
        for rows in here - open_.keys():
            open_[rows] = column
    regions.sort()
    whole = mask.shape[0] * row_hz
    gaps = tuple((s, e) for s, e, low, high in regions if low == 0 and high == whole)
    return gaps, tuple(r for r in regions if (r[2], r[3]) != (0, whole))
