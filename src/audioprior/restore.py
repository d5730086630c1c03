"""Restoring: a recording and settings in, a restored recording and what was removed out.

Nothing here, and nothing that it reaches, can take in a clean reference.
"""

from pathlib import Path

import numpy as np
from torch import Tensor

from audioprior.restoring.job import Result, finish, start
from audioprior.settings.methods import Method
from audioprior.sound.recording import Recording
from audioprior.sound.source import as_recording
from audioprior.tasks import Declick, Declip, Denoise, Dequantise, Extend, Inpaint, Run, Task

Sound = str | Path | Recording | Tensor | np.ndarray
"""A file's path, a recording, or samples: (time,) or (channel, time), full scale 1.0."""


def process(sound: Sound, task: Task, *, sample_rate: int | None = None, method: str | Method = "default") -> Result:
    """Do any task on a recording; the functions below are this, a name for each.

    Args:
        sound: a file's path, a recording, or samples, (time,) or (channel, time), full scale 1.0.
        task: what to do, and what is decided about it.
        sample_rate: in Hz, for samples.
        method: a method's name, or one of your own.

    Raises:
        SettingsError: a setting makes no sense for this recording.
        AudioError: the file cannot be read.
        FitError: the fit failed.
    """
    return finish(start(as_recording(sound, sample_rate), Run.of(task, method)))


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
    return process(sound, settings or Denoise(), sample_rate=sample_rate, method=method)


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
    return process(sound, settings or Inpaint(), sample_rate=sample_rate, method=method)


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
    return process(sound, settings or Declip(), sample_rate=sample_rate, method=method)


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
    return process(sound, settings or Dequantise(), sample_rate=sample_rate, method=method)


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
    return process(sound, settings or Declick(), sample_rate=sample_rate, method=method)


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
    return process(sound, settings or Extend(), sample_rate=sample_rate, method="default")
