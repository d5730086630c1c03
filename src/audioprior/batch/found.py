"""Which files a batch is about, and which it leaves out, and why."""

import glob
import json
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from audioprior.files.sidecar import sidecar_of
from audioprior.sound.encoding import READABLE
from audioprior.tasks import Chain, word_of

_HIDDEN = "hidden"
_RESULT = "results of earlier runs"
_OTHER = "no sound by their names"
_NAMED = 5  # of the files that are left out, how many a line names
_MOST_JSON = 1 << 26  # bytes; beyond, it is nobody's sidecar


@dataclass
class Found:
    """The files of a batch.

    Attributes:
        places: each input once, with its place below the output folder.
        left_out: by the reason, what was found and is not taken.
    """

    places: dict[Path, Path] = field(default_factory=dict)
    left_out: dict[str, list[Path]] = field(default_factory=dict)

    def leave_out(self, path: Path, why: str) -> None:
        """Say that a file is not taken."""
        named = self.left_out.setdefault(why, [])
        if path not in named:
            named.append(path)

    def lines(self) -> Iterator[str]:
        """Yield a line for each reason."""
        for why, paths in sorted(self.left_out.items()):
            names = ", ".join(str(path) for path in sorted(paths)[:_NAMED])
            more = f" and {len(paths) - _NAMED} more" if len(paths) > _NAMED else ""
            yield f"left out, {why}: {names}{more}"

    def facts(self) -> list[dict[str, Any]]:
        """Return the same for JSON, with all names."""
        return [{"why": why, "files": [str(path) for path in sorted(paths)]} for why, paths in sorted(self.left_out.items())]


def find(inputs: Sequence[str], folder: Path, chain: Chain) -> Found:
    """Return the files that a batch is about.

    What is hidden is passed over (so are the `._*` that a Mac leaves beside each file), and in folders and patterns the
    results of earlier runs, of any task: files with a sidecar beside them that names them as output. A result that is named
    itself is taken, unless what it was made from is named too.

    Args:
        inputs: files, folders (searched with all below them), patterns, or "-" for a list on standard input, a name a line.
        folder: where outputs go.
        chain: what is done with each.
    """
    found, named, own = Found(), dict[Path, Path](), folder.resolve()
    for given in _listed(inputs):
        path = Path(given)
        if path.is_dir():
            searched = [(one, one.relative_to(path)) for one in path.rglob("*")]
        elif path.exists() or not glob.has_magic(given):
            named.setdefault(path, Path(path.name))  # a file that is not there is a failure of its own, told at the end
            continue
        else:
            searched = [(Path(one), Path(Path(one).name)) for one in glob.glob(given, recursive=True, include_hidden=True)]
        for one, place in searched:
            if one.is_file() and not any(part.endswith(".parts") for part in place.parent.parts):
                _take(found, one, place, ours=_ours(one, own, chain))
    for path, place in named.items():
        if path.name.startswith("."):
            found.leave_out(path, _HIDDEN)
        elif (made_from(path) or "") in {other.name for other in named if other != path}:
            found.leave_out(path, _RESULT)
        else:
            found.places.setdefault(path, place)
    return found


def _take(found: Found, path: Path, place: Path, *, ours: bool) -> None:
    """Take a file that was found by searching, or say why not."""
    if any(part.startswith(".") for part in place.parts):
        found.leave_out(path, _HIDDEN)
    elif path.suffix.lower() not in READABLE:
        if path.suffix != ".json" or made_from(path.with_suffix("")) is None:  # the sidecar of a result goes with it
            found.leave_out(path, _OTHER)
    elif ours or made_from(path) is not None:
        found.leave_out(path, _RESULT)
    else:
        found.places.setdefault(path, place)


def _ours(path: Path, own: Path, chain: Chain) -> bool:
    """Whether a file in the output folder has the name of a result."""
    return path.stem.endswith(f".{word_of(chain)}") and own in path.resolve().parents


def made_from(path: Path) -> str | None:
    """Return the name of what a result was made from ("" of a pipe), by the sidecar beside it; None of what is no result."""
    for sidecar in (sidecar_of(path), *_sidecars_of_more(path)):
        try:
            if sidecar.stat().st_size > _MOST_JSON:
                continue
            facts = json.loads(sidecar.read_text(encoding="utf-8"))
            if any(file["name"] == path.name for file in facts["outputs"].values()) and facts["file_version"]:
                return str(facts["inputs"].get("sound", {}).get("name", ""))
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            continue
    return None


def _sidecars_of_more(path: Path) -> Iterator[Path]:
    """Yield where the sidecar of a further sound of a result would be: x.denoise.2.wav is told of beside x.denoise.wav."""
    stem, dot, _ = path.stem.rpartition(".")
    if dot:
        yield sidecar_of(path.with_name(f"{stem}{path.suffix}"))


def _listed(inputs: Iterable[str]) -> list[str]:
    names: list[str] = []
    for one in inputs:
        names += [line for line in sys.stdin.read().splitlines() if line.strip()] if one == "-" else [one]
    return names
