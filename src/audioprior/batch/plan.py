"""What a batch has to do: its files, their places, and which are done already."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from audioprior.batch.found import Found
from audioprior.errors import AudiopriorError, SettingsError
from audioprior.files.inputs import identity, input_files
from audioprior.files.sidecar import read_facts, sidecar_of
from audioprior.settings.identity import sha256, versions
from audioprior.settings.json import decode
from audioprior.sound.encoding import CONTAINERS
from audioprior.sound.source import encoding_of
from audioprior.tasks import Chain, Run, word_of


@dataclass(frozen=True)
class Item:
    """One file of a batch.

    Attributes:
        source: the input.
        target: the output.
        chain: what to do.
        force: whether a file in the output's place may be replaced that is not of this run.
    """

    source: Path
    target: Path
    chain: Chain
    force: bool = False

    def done(self) -> bool:
        """Whether the output is there, whole, of this input, by these settings and versions."""
        return any(self._holds(target, whole=True) for target in _targets(self.target, self.chain))

    def check(self) -> None:
        """Refuse to replace what this run did not make: a result of another input or other settings, or somebody's file.

        Raises:
            SettingsError: there is such a file, and `force` is not set.
        """
        begun = self._mark.is_file() and self._mark.read_text(encoding="utf-8") == self._identity()
        if self.force or begun:
            return
        for target in _targets(self.target, self.chain):
            there = next((path for path in (target, sidecar_of(target)) if path.exists()), None)
            if there and not self._holds(target, whole=False):
                raise SettingsError(f"{there} exists and is not of this run; use --force to replace it.")

    @contextmanager
    def begun(self) -> Iterator[None]:
        """Leave a mark while the output is made, by which a run that goes on after an interruption knows it for its own."""
        with suppress(OSError):  # a folder that cannot be written to is told of where the output is
            self._mark.write_text(self._identity(), encoding="utf-8")
        try:
            yield
        except Exception:
            self._mark.unlink(missing_ok=True)
            raise
        self._mark.unlink(missing_ok=True)

    @property
    def _mark(self) -> Path:
        return self.target.with_name(f".{self.target.name}.begun")

    def _identity(self) -> str:
        return identity(input_files(str(self.source), self.chain), self.chain)

    def _holds(self, target: Path, *, whole: bool) -> bool:
        """Whether a sidecar says that this run made what is there; whether it is also `whole` and by these versions."""
        try:
            facts = read_facts(sidecar_of(target))
            read = {role: file.sha256 for role, file in input_files(str(self.source), self.chain).items()}
            return (
                tuple(decode(step["run"], Run) for step in facts["steps"]) == tuple(self.chain)
                and {role: file["sha256"] for role, file in facts["inputs"].items()} == read
                and facts["outputs"]["restored"]["name"] == target.name
                and (not (whole or target.exists()) or facts["outputs"]["restored"]["sha256"] == sha256(target))
                and (not whole or all(step["complete"] for step in facts["steps"]))
                and (not whole or facts["versions"] == versions())
            )
        except (OSError, ValueError, KeyError, TypeError, SettingsError):
            return False


def plan(found: Found, folder: Path, chain: Chain, shard: tuple[int, int] = (1, 1), *, force: bool = False) -> list[Item]:
    """Return what a batch has to do, in the order of the names.

    Args:
        found: the files.
        folder: where outputs go; below a folder, files keep their places.
        chain: what to do with each.
        shard: I, N: every N-th file from the I-th on, counted from 1.
        force: whether files may be replaced that are not of this run.

    Raises:
        SettingsError: two outputs would have one name, or an input would be written over.
    """
    number, count = shard
    items, taken = [], dict[Path, Path]()
    read = {source.resolve(): source for source in found.places}
    for source, place in sorted(found.places.items()):
        target = folder / place.with_name(f"{source.stem}.{word_of(chain)}{_ending(source)}")
        for path in _targets(target, chain):
            if path in taken:
                raise SettingsError(f"{taken[path]} and {source} would both be written to {path}; run them apart.")
            for written in (path, sidecar_of(path)):
                if written.resolve() in read:
                    raise SettingsError(f"{written} is an input itself, which is never written over; name another folder.")
        taken |= dict.fromkeys(_targets(target, chain), source)
        items.append(Item(source, target, chain, force))
    return items[number - 1 :: count]


def _targets(target: Path, chain: Chain) -> set[Path]:
    """Return where a result may be in the end: peaks beyond full scale go to a WAV file of floats."""
    return {target, target.with_suffix(".wav")} if any(run.task.beyond for run in chain) else {target}


def _ending(source: Path) -> str:
    """Return the ending of a file's output: its own, or a lossless one."""
    try:
        encoding = encoding_of(source)
    except AudiopriorError:
        return source.suffix
    own = not encoding.lossy and source.suffix.lower() in CONTAINERS
    return source.suffix if own else encoding.lossless().extension
