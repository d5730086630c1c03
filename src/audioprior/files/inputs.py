"""The files that a run reads, and what they hold: what identifies a run beside its settings and versions."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audioprior.errors import AudioError
from audioprior.settings.identity import sha256, versions
from audioprior.settings.json import encode
from audioprior.tasks import Run


@dataclass(frozen=True)
class InputFile:
    """A file that a run reads, as it was when it was opened.

    Attributes:
        path: where it is.
        sha256: of its bytes.
        state: when it was last written, and its size.
    """

    path: Path
    sha256: str
    state: tuple[int, int]

    @classmethod
    def of(cls, path: Path) -> "InputFile":
        """Look at a file."""
        return cls(path, sha256(path), _state(path))

    def check(self) -> None:
        """Refuse a file that is no longer what was read.

        Raises:
            AudioError: it was written to, or removed.
        """
        if not self.path.is_file() or _state(self.path) != self.state:
            raise AudioError(f"{self.path} was changed while it was read; run it again.")

    def facts(self) -> dict[str, str]:
        """Return what a sidecar file tells of it."""
        return {"name": self.path.name, "sha256": self.sha256}


def input_files(name: str, chain: Sequence[Run]) -> dict[str, InputFile]:
    """Return the files that a chain reads, by role: the recording (but for a pipe), noise profiles, excerpts.

    Args:
        name: of the recording's file, or "-".
        chain: what is done.
    """
    paths = {"sound": Path(name)} if Path(name).is_file() else {}
    for number, run in enumerate(chain, 1):
        for role, path in run.task.files().items():
            paths[role if len(chain) == 1 else f"{number}.{role}"] = Path(path)
    return {role: InputFile.of(path) for role, path in paths.items() if path.is_file()}


def identity(inputs: dict[str, InputFile], chain: Sequence[Run]) -> str:
    """Return what decides the bytes of a chain's blocks, as text: the content of all inputs, all settings, the versions."""
    facts = {
        "inputs": {role: file.sha256 for role, file in sorted(inputs.items())},
        "steps": [encode(run) for run in chain],
        "versions": versions(),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _state(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_mtime_ns, status.st_size
