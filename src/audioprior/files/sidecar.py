"""The sidecar file: what was done, beside what it made, in JSON that the command takes back with --config.

{"file_version": 3,
 "steps": [{"run": ..., "device": ..., "complete": true, "fits": [...], "findings": [...]}, ...],   one; more of a chain
 "inputs": {"sound": {"name": ..., "sha256": ...}, ...},     by role: the recording, a noise profile, an excerpt
 "outputs": {"restored": {"name": ..., "sha256": ...}, ...},
 "notes": [...], "seconds": ..., "versions": {...}}
"""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from audioprior.damage.findings import Finding
from audioprior.errors import SettingsError
from audioprior.restoring.job import Result
from audioprior.restoring.store import FitSummary
from audioprior.settings.identity import sha256, versions
from audioprior.settings.json import decode, encode
from audioprior.tasks import Run

_VERSION = 3


def describe(result: Result, **facts: Any) -> str:
    """Return a sidecar file's text: of every step the settings and how it went, the versions, and further facts by name."""
    content = {"file_version": _VERSION, "steps": [_step(step) for step in result.chain], **facts, "versions": versions()}
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def _step(result: Result) -> dict[str, Any]:
    return {
        "run": encode(result.run),
        "device": result.device,
        "complete": result.complete,
        "findings": [finding.facts() for finding in result.findings],
        "fits": [asdict(fit) for fit in result.fits],
    }


def hashed(paths: Mapping[str, Path]) -> dict[str, dict[str, str]]:
    """Return name and SHA-256 of some files, by role."""
    return {role: {"name": path.name, "sha256": sha256(path)} for role, path in paths.items()}


def read_facts(path: Path) -> dict[str, Any]:
    """Return what a sidecar file holds.

    Raises:
        SettingsError: it cannot be read, is no sidecar file, or was written by another version.
    """
    try:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        version = content["file_version"]
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({error.strerror}); give a sidecar file.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"{path} is no sidecar file; give the .json that a run left beside its result.") from error
    if version == 2:  # one run, and no steps
        content = {**content, "steps": [content]}
    elif version != _VERSION:
        raise SettingsError(f"{path} has file version {version}, this program reads {_VERSION}; use the same version.")
    if not isinstance(content.get("steps"), list) or not content["steps"] or "run" not in content["steps"][0]:
        raise SettingsError(f"{path} is no sidecar file; give the .json that a run left beside its result.")
    return content


def read_runs(path: Path) -> tuple[Run, ...]:
    """Return the settings of all steps that a sidecar file holds.

    Raises:
        SettingsError: as `read_facts`, or the settings are not valid.
    """
    return tuple(decode(step["run"], Run) for step in read_facts(path)["steps"])


def sidecar_of(main: Path) -> Path:
    """Return where what was done to a result is written: x.denoise.wav.json beside x.denoise.wav."""
    return main.with_name(f"{main.name}.json")


def read_fits(path: Path) -> tuple[FitSummary, ...]:
    """Return what the fits of the last step did, as a sidecar file holds it."""
    return tuple(FitSummary(**{**fit, "losses": tuple(fit["losses"])}) for fit in read_facts(path)["steps"][-1]["fits"])


def read_findings(path: Path) -> tuple[Finding, ...]:
    """Return the findings of the last step, as a sidecar file holds them."""
    return tuple(Finding(**finding) for finding in read_facts(path)["steps"][-1]["findings"])
