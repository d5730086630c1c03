"""What a batch has to do: its files, their places, and which are done already."""

import glob
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from audioprior.errors import AudiopriorError, SettingsError
from audioprior.files.inputs import input_files
from audioprior.files.sidecar import read_facts, sidecar_of
from audioprior.settings.identity import sha256, versions
from audioprior.settings.json import decode
from audioprior.sound.encoding import CONTAINERS, READABLE
from audioprior.sound.source import encoding_of
from audioprior.tasks import Chain, Run, word_of


@dataclass(frozen=True)
class Item:
    """One file of a batch.

    Attributes:
        source: the input.
        target: the output.
        chain: what to do.
    """

    source: Path
    target: Path
    chain: Chain

    def done(self) -> bool:
        """Whether the output is there, whole, of this input, by these settings and versions."""
        return any(self._holds(target) for target in _targets(self.target, self.chain))

    def _holds(self, target: Path) -> bool:
        try:
            facts = read_facts(sidecar_of(target))
            read = {role: file.sha256 for role, file in input_files(str(self.source), self.chain).items()}
            return (
                tuple(decode(step["run"], Run) for step in facts["steps"]) == tuple(self.chain)
                and all(step["complete"] for step in facts["steps"])
                and facts["versions"] == versions()
                and {role: file["sha256"] for role, file in facts["inputs"].items()} == read
                and facts["outputs"]["restored"]["sha256"] == sha256(target)
            )
        except (OSError, ValueError, KeyError, TypeError, SettingsError):
            return False


def plan(inputs: Sequence[str], folder: Path, chain: Chain, shard: tuple[int, int] = (1, 1)) -> list[Item]:
    """Return what a batch has to do, in the order of the names.

    Args:
        inputs: files, folders (searched with all below them), patterns, or "-" for a list on standard input, a name a line.
        folder: where outputs go; below a folder, files keep their places.
        chain: what to do with each.
        shard: I, N: every N-th file from the I-th on, counted from 1.

    Raises:
        SettingsError: nothing was found, or two outputs would have one name.
    """
    number, count = shard
    places: dict[Path, Path] = {}  # each input once, with its place below the folder
    own = folder.resolve()
    for given in _listed(inputs):
        for source, place in _found(given):
            ours = source.stem.endswith(f".{word_of(chain)}") and own in source.resolve().parents
            if not ours:  # outputs of an earlier run are no inputs
                places.setdefault(source, place)
    if not places:
        raise SettingsError(f"no sound files were found in {', '.join(inputs)}; name files, folders or patterns.")
    items, taken = [], dict[Path, Path]()
    for source, place in sorted(places.items()):
        target = folder / place.with_name(f"{source.stem}.{word_of(chain)}{_ending(source)}")
        for path in _targets(target, chain):
            if path in taken:
                raise SettingsError(f"{taken[path]} and {source} would both be written to {path}; run them apart.")
        taken |= dict.fromkeys(_targets(target, chain), source)
        items.append(Item(source, target, chain))
    return items[number - 1 :: count]


def _targets(target: Path, chain: Chain) -> set[Path]:
    """Return where a result may be in the end: peaks beyond full scale go to a WAV file of floats."""
    return {target, target.with_suffix(".wav")} if any(run.task.beyond for run in chain) else {target}


def _listed(inputs: Iterable[str]) -> list[str]:
    names: list[str] = []
    for one in inputs:
        names += [line for line in sys.stdin.read().splitlines() if line.strip()] if one == "-" else [one]
    return names


def _found(given: str) -> list[tuple[Path, Path]]:
    """Return the files that a name means, and their places below the output folder."""
    path = Path(given)
    if path.is_dir():
        return [(one, one.relative_to(path)) for one in path.rglob("*") if _sounds(one)]
    if path.exists() or not glob.has_magic(given):
        return [(path, Path(path.name))]  # a file that is not there is a failure of its own, told at the end
    return [(one, Path(one.name)) for one in map(Path, glob.glob(given, recursive=True)) if _sounds(one)]


def _sounds(path: Path) -> bool:
    """Whether a file's name is one of a sound file."""
    return path.suffix.lower() in READABLE and path.is_file()


def _ending(source: Path) -> str:
    """Return the ending of a file's output: its own, or a lossless one."""
    try:
        encoding = encoding_of(source)
    except AudiopriorError:
        return source.suffix
    own = not encoding.lossy and source.suffix.lower() in CONTAINERS
    return source.suffix if own else encoding.lossless().extension
