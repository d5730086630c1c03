"""Restoring: a recording and settings in, a restored recording and what was removed out.

Nothing here, and nothing that it reaches, can take in a clean reference.
"""

from pathlib import Path

import numpy as np
from torch import Tensor

from audioprior.errors import SettingsError
from audioprior.restoring import repair as repairing
from audioprior.restoring.denoise import Denoising
from audioprior.restoring.dequantise import Dequantising
from audioprior.restoring.extend import Extending
from audioprior.restoring.job import Job, Result
from audioprior.restoring.region import Uncovering
from audioprior.settings.methods import Method
from audioprior.sound.recording import Recording, as_recording
from audioprior.tasks import TASKS, Declick, Declip, Denoise, Dequantise, Extend, Inpaint, Run, Task

Sound = str | Path | Recording | Tensor | np.ndarray
"""A file's path, a recording, or samples: (time,) or (channel, time), full scale 1.0."""


def denoise(
    sound: Sound,
    *,
    sample_rate: int | None = None,
    method: str | Method = Denoise.method,
    settings: Denoise | None = None,
) -> Result:
    """Take the noise out of a recording.

    Args:
        sound: a file's path, a recording, or samples, (time,) or (channel, time), full scale 1.0.
        sample_rate: in Hz, for samples.
        method: a method's name, or one of your own.
        settings: strength, noise passage, seed, ...

    Raises:
        SettingsError: a setting makes no sense for this recording.
        AudioError: the file cannot be read.
        FitError: the fit failed.
    """
    return _finish(start(as_recording(sound, sample_rate), resolve(method, settings or Denoise())))


def inpaint(
    sound: Sound,
    *,
    sample_rate: int | None = None,
    method: str | Method = Inpaint.method,
    settings: Inpaint | None = None,
) -> Result:
    """Fill gaps, and take marked regions of time and frequency out of a recording; all other samples stay as they are.

    Args:
        sound: as for `denoise`.
        sample_rate: in Hz, for samples.
        method: a method's name, or one of your own.
        settings: gaps, regions, fill, ...; gaps are looked for where none are given.

    Raises:
        SettingsError: a gap lies outside the recording, or is all of it.
        AudioError: the file cannot be read.
        FitError: the fit failed.
    """
    return _finish(start(as_recording(sound, sample_rate), resolve(method, settings or Inpaint())))


def declip(
    sound: Sound,
    *,
    sample_rate: int | None = None,
    method: str | Method = Declip.method,
    settings: Declip | None = None,
) -> Result:
    """Infer the peaks that clipping cut off; all other samples stay as they are.

    Args:
        sound: as for `denoise`.
        sample_rate: in Hz, for samples.
        method: a method's name, or one of your own.
        settings: the level, ...

    Raises:
        SettingsError: all samples are clipped.
        AudioError: the file cannot be read.
        FitError: the fit failed.
    """
    return _finish(start(as_recording(sound, sample_rate), resolve(method, settings or Declip())))


def dequantise(
    sound: Sound,
    *,
    sample_rate: int | None = None,
    method: str | Method = Dequantise.method,
    settings: Dequantise | None = None,
) -> Result:
    """Take the steps out of a recording that was once stored in few bits; no sample moves by more than half a step.

    Args:
        sound: as for `denoise`.
        sample_rate: in Hz, for samples.
        method: a method's name, or one of your own.
        settings: the bits, ...

    Raises:
        AudioError: the file cannot be read.
        FitError: the fit failed.
    """
    return _finish(start(as_recording(sound, sample_rate), resolve(method, settings or Dequantise())))


def declick(
    sound: Sound,
    *,
    sample_rate: int | None = None,
    method: str | Method = Declick.method,
    settings: Declick | None = None,
) -> Result:
    """Take out clicks and crackle; all other samples stay as they are.

    Args:
        sound: as for `denoise`.
        sample_rate: in Hz, for samples.
        method: a method's name, or one of your own.
        settings: sensitivity, findings to leave alone, ...

    Raises:
        SettingsError: a finding to leave alone was not found.
        AudioError: the file cannot be read.
        FitError: the fit failed.
    """
    return _finish(start(as_recording(sound, sample_rate), resolve(method, settings or Declick())))


def extend(sound: Sound, *, sample_rate: int | None = None, settings: Extend | None = None) -> Result:
    """Invent a missing high band; all below the cutoff stays as it is, and nothing is done where there is no cutoff.

    Args:
        sound: as for `denoise`.
        sample_rate: in Hz, for samples.
        settings: cutoff, rate, an excerpt to learn from, ...

    Raises:
        SettingsError: the cutoff or the rate makes no sense for this recording.
        AudioError: a file cannot be read.
    """
    return _finish(start(as_recording(sound, sample_rate), resolve(Extend.method, settings or Extend())))


def resolve(choice: str | Method, settings: Task | None = None) -> Run:
    """Return everything that decides a run, from a method's name (or a method) and what the user decided."""
    return Run.of(settings or Denoise(), choice)


def start(recording: Recording, run: Run) -> Job:
    """Return the job that a run means for a recording.

    Raises:
        SettingsError: the settings make no sense for this recording.
    """
    match run.task:
        case Denoise():
            return Denoising(recording, run)
        case Inpaint() if run.task.gaps and run.task.regions:
            raise SettingsError("gaps and regions were given; fill the gaps first, then take the regions out of the result.")
        case Inpaint() if run.task.regions:
            return Uncovering(recording, run, run.task)
        case Inpaint():
            return repairing.gaps(recording, run, run.task)
        case Declick():
            return repairing.clicks(recording, run, run.task)
        case Extend():
            return Extending(recording, run)
        case Dequantise():
            return Dequantising(recording, run, run.task)
        case Declip():
            return repairing.clipping(recording, run, run.task)
        case _:
            names = ", ".join(TASKS)
            raise SettingsError(f"{run.task.kind} is no known task; choose one of {names}.")


def _finish(job: Job) -> Result:
    for _ in job:
        pass
    return job.result()
