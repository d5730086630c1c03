"""What was compared: the recording, a row for each system, and the best of each score."""

from collections.abc import Sequence
from dataclasses import dataclass

from audioprior.compare.measure import SCORES, Measured
from audioprior.compare.systems import System
from audioprior.sound.recording import Recording


@dataclass(frozen=True)
class Row:
    """What became of a recording by one system.

    Attributes:
        system: which.
        measured: its result, or None where it failed.
        failure: why it failed, a sentence; "" if it did not.
    """

    system: System
    measured: Measured | None
    failure: str = ""


@dataclass(frozen=True)
class Rows:
    """All rows of one recording.

    Attributes:
        recording: as it is.
        clean: the reference, if there is one.
        task: what was done.
        rows: one of each system, in the order that was asked for.
        scores: of the recording as it is; empty without a reference.
        unscored: why some of those are not there.
    """

    recording: Recording
    clean: Recording | None
    task: str
    rows: tuple[Row, ...]
    scores: dict[str, float]
    unscored: dict[str, str]


def best(rows: Sequence[Row]) -> dict[str, float]:
    """Return the best value of each score over the systems."""
    found = {}
    for name, score in SCORES.items():
        values = [row.measured.scores[name] for row in rows if row.measured and name in row.measured.scores]
        if values:
            found[name] = max(values) if score.higher else min(values)
    return found
