"""Restoring: a recording and settings in, a restored recording and what was removed out.

Nothing here, and nothing that it reaches, can take in a clean reference.
"""

from pathlib import Path

import numpy as np
from torch import Tensor

from audioprior.denoising import Denoising
from audioprior.job import Result
from audioprior.presets import DEFAULT, method
from audioprior.recording import Recording, as_recording
from audioprior.settings import Method
from audioprior.tasks import Denoise, Run


def denoise(
    sound: str | Path | Recording | Tensor | np.ndarray,
    *,
    sample_rate: int | None = None,
    method: str | Method = DEFAULT,
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
    job = Denoising(as_recording(sound, sample_rate), resolve(method, settings))
    for _ in job:
        pass
    return job.result()


def resolve(choice: str | Method, settings: Denoise | None = None) -> Run:
    """Return everything that decides a run, from a method's name (or a method) and what the user decided."""
    name = choice if isinstance(choice, str) else "custom"
    whole = method(choice) if isinstance(choice, str) else choice
    return Run(name=name, method=whole, task=settings or Denoise())
