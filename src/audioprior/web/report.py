"""A job's report, made when it is asked for."""

from pathlib import Path
from typing import Any

from audioprior.damage.findings import Finding
from audioprior.errors import SettingsError
from audioprior.files.sidecar import read_fits, sidecar_of
from audioprior.report.page import write_report
from audioprior.restoring.job import Result
from audioprior.sound.source import read
from audioprior.tasks import Run

MOST_REPORTED_S = 1200.0


def report(folder: Path, original: Path, run: Run, result: dict[str, Any], version: int) -> Path:
    """Return the report of a job's result, written now or before.

    Args:
        folder: the job's.
        original: the recording's file.
        run: the settings.
        result: what there is to know of it.
        version: of the result.

    Raises:
        SettingsError: the recording is too long, as a report holds all of it.
    """
    path = folder / f"report-{version}.html"
    if path.is_file():
        return path
    before, restored = read(original), read(folder / "out" / result["files"]["restored"])
    if before.duration_s > MOST_REPORTED_S:
        minutes = MOST_REPORTED_S / 60
        raise SettingsError(
            f"the recording lasts {before.duration_s / 60:.0f} minutes, a report at most {minutes:g}; cut it."
        )
    if before.samples.shape == restored.samples.shape:
        removed = restored.with_samples(before.samples - restored.samples)
    else:
        removed = read(folder / "out" / result["files"]["removed"])
    findings = tuple(Finding(**finding) for finding in result["findings"])
    fits = read_fits(sidecar_of(folder / "out" / result["files"]["restored"]))
    whole = Result({"sound": before}, {"restored": restored, "removed": removed}, run, fits, findings)
    write_report(whole, path, force=True)
    return path
