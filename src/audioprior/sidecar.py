"""The sidecar file: what a run did, beside what it made, in JSON that the command takes back with --config."""

import hashlib
import json
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audioprior.errors import SettingsError
from audioprior.settings import decode, encode
from audioprior.tasks import Run

if TYPE_CHECKING:
    from audioprior.job import FitSummary


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of everything that can change a result's bytes."""
    import numpy
    import soundfile
    import torch

    from audioprior import __version__

    return {
        "audioprior": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "soundfile": soundfile.__version__,
        "libsndfile": soundfile.__libsndfile_version__,
        "platform": platform.platform(),
    }


def describe(run: Run, **facts: Any) -> str:
    """Return a sidecar file's text: the settings, the versions, and further facts by name."""
    content = {"file_version": Run.FILE_VERSION, "run": encode(run), "versions": versions(), **facts}
    return json.dumps(content, indent=2, ensure_ascii=False, sort_keys=False) + "\n"


def read_run(path: Path) -> Run:
    """Return the settings that a sidecar file holds.

    Raises:
        SettingsError: it cannot be read, is no sidecar file, or was written by a later version.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        version, run = content["file_version"], content["run"]
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({error.strerror}); give a sidecar file.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"{path} is no sidecar file; give the .json that a run left beside its result.") from error
    if version != Run.FILE_VERSION:
        raise SettingsError(
            f"{path} has file version {version}, this program reads {Run.FILE_VERSION}; use the same version."
        )
    return decode(run, Run)


def read_fits(path: Path) -> "tuple[FitSummary, ...]":
    """Return what the fits did, as a sidecar file holds it."""
    from audioprior.job import FitSummary

    fits = json.loads(path.read_text(encoding="utf-8"))["fits"]
    return tuple(FitSummary(**{**one, "losses": tuple(one["losses"])}) for one in fits)
