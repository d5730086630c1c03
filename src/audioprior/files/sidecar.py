"""The sidecar file: what a run did, beside what it made, in JSON that the command takes back with --config."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audioprior.errors import SettingsError
from audioprior.settings.identity import versions
from audioprior.settings.json import decode, encode
from audioprior.tasks import Run

if TYPE_CHECKING:
    from audioprior.restoring.job import FitSummary


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
    from audioprior.restoring.job import FitSummary

    fits = json.loads(path.read_text(encoding="utf-8"))["fits"]
    return tuple(FitSummary(**{**one, "losses": tuple(one["losses"])}) for one in fits)
