"""A comparison: one recording, each system's result, and what it is worth where there is a clean reference."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import Tensor

from audioprior.compare import systems as known
from audioprior.compare.folder import write_folder
from audioprior.compare.measure import kind_and_text, measure, scored
from audioprior.compare.rows import Row, Rows
from audioprior.compare.systems import System
from audioprior.errors import AudiopriorError, SettingsError
from audioprior.sound.recording import Recording
from audioprior.sound.source import as_recording


@dataclass(frozen=True)
class Comparison(Rows):
    """All rows of one recording, and a way to write them."""

    def write(self, folder: str | Path, *, blind: bool = False, force: bool = False) -> None:
        """Write the listening page, the sounds and the scores.

        Args:
            folder: where to; it is made, whole or not at all.
            blind: whether the page begins with the names hidden.
            force: whether an earlier comparison there may be replaced.

        Raises:
            SettingsError: the folder holds something, or cannot be made there.
            AudioError: it cannot be written.
        """
        write_folder(self, Path(folder), blind=blind, force=force)


def compare(
    sound: "str | Path | Recording | Tensor | np.ndarray",
    *,
    clean: "str | Path | Recording | Tensor | np.ndarray | None" = None,
    sample_rate: int | None = None,
    task: str = "denoise",
    systems: Sequence[str | System] | None = None,
    each: Callable[[Row], None] | None = None,
) -> Comparison:
    """Restore one recording by many systems and score the results. Each gets the recording and its rate, nothing else.

    Args:
        sound: a file's path, a recording, or samples, (time,) or (channel, time), full scale 1.0.
        clean: a reference of the same rate, channels and length, in any of these forms; no scores without it.
        sample_rate: in Hz, for samples.
        task: denoise, declip or inpaint.
        systems: names, as `systems.names` lists them, or systems of your own; all quick ones that are installed by default.
        each: is called with each row as it is done.

    Returns:
        The rows. A system that fails has a row that says so, and does not stop the rest.

    Raises:
        SettingsError: there is no such system, its package is missing, the reference does not fit, or there is nothing
            to repair.
        AudioError: a file cannot be read.
    """
    recording = as_recording(sound, sample_rate)
    reference = None if clean is None else as_recording(clean, sample_rate)
    wanted = known.installed(task) if systems is None else systems
    chosen = [known.system(asked, task) if isinstance(asked, str) else asked for asked in dict.fromkeys(wanted)]
    _check(recording, reference, task)
    rows = []
    for system in chosen:
        rows.append(_row(system, recording, reference))
        if each:
            each(rows[-1])
    scores, unscored = scored(reference.samples, recording.samples, recording.sample_rate) if reference else ({}, {})
    return Comparison(recording, reference, task, tuple(rows), scores, unscored)


def _check(recording: Recording, clean: Recording | None, task: str) -> None:
    """Refuse early what cannot be compared.

    Raises:
        SettingsError: the reference does not fit, or there is nothing to repair.
    """
    if clean is not None and (clean.sample_rate, clean.samples.shape) != (recording.sample_rate, recording.samples.shape):
        raise SettingsError(f"the reference {_described(clean)}, but {_described(recording)}; give one that is the same.")
    if known.nothing_to_do(recording, task):
        raise SettingsError(f"nothing to {task} was found in {recording.name}; give a recording that needs it.")


def _row(system: System, recording: Recording, clean: Recording | None) -> Row:
    """Return what a system makes of a recording; the reference it is not given."""
    try:
        reference = clean.samples if clean else None
        return Row(system, measure(system, recording.samples, recording.sample_rate, clean=reference))
    except AudiopriorError as error:
        return Row(system, None, str(error))
    except Exception as error:  # other people's code raises what it likes
        return Row(system, None, f"{system.name} failed: {kind_and_text(error)}.")


def _described(recording: Recording) -> str:
    channels = f"{recording.channels} channel{'s' if recording.channels > 1 else ''}"
    return f"{recording.name} has {channels}, {recording.length} samples at {recording.sample_rate} Hz"
