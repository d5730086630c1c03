"""Where the sounds of a run go, and how they are stored: decided and checked before any work is done."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

import soundfile
import torch

from audioprior.errors import SettingsError
from audioprior.files.options import Output
from audioprior.files.sidecar import sidecar_of
from audioprior.restoring.work import Part
from audioprior.sound.encoding import ClipMode, Encoding, quantise, wider
from audioprior.sound.metadata import valid_bits
from audioprior.sound.recording import check_encodable
from audioprior.sound.source import Source, chunks
from audioprior.sound.writing import check_writable

PIPE = Path("-")
_COARSE = ("PCM_S8", "PCM_U8", "PCM_16", "ULAW", "ALAW")  # would round finer values back


@dataclass(frozen=True)
class Places:
    """Where a run's sounds go.

    Attributes:
        main: of the first sound, the result; "-" for standard output.
        sounds: of all that are written, by role, the result among them.
        encoding: of the result; others are stored as nearly so as their names allow.
        clip_mode: what to do with samples beyond full scale.
        sidecar: what was done; None beside a pipe.
        report: the report, if it is wanted.
    """

    main: Path
    sounds: Mapping[str, Path]
    encoding: Encoding
    clip_mode: ClipMode
    sidecar: Path | None
    report: Path | None

    def stored_as(self, encoding: Encoding) -> "Places":
        """Return the places for a result that is stored in another container after all: x.flac becomes x.wav."""
        if encoding.container == self.encoding.container or self.main == PIPE:
            return self
        sounds = {role: _moved(path, encoding) if role != "removed" else path for role, path in self.sounds.items()}
        main = _moved(self.main, encoding)
        return Places(main, sounds, encoding, self.clip_mode, sidecar_of(main), self.report)


def plan(
    name: str,
    word: str,
    source: Source,
    parts: Sequence[Part],
    output: Output,
    *,
    read: Sequence[Path] = (),
    several: bool = False,
) -> Places:
    """Return where the sounds of a run go.

    Args:
        name: of the input's file, or "-".
        word: that stands in the result's name: x.WORD.wav.
        source: the input.
        parts: what will come out, the result first.
        output: what the user asked for.
        read: the files that the run reads, none of which is written over.
        several: whether it is one of many inputs.

    Raises:
        SettingsError: they cannot go there.
    """
    main_part = parts[0]
    stored = _used(name, source)
    main = _main(name, word, output, stored, several=several)
    if main == PIPE and output.json:
        raise SettingsError("--json and sound would share standard output; name a file with -o.")
    if several and (output.removed or output.report or output.snapshots):
        raise SettingsError("--removed, --report and --snapshots name one file; give one input at a time.")
    finer = "PCM_24" if main_part.finer and stored.subtype in _COARSE else None
    encoding = _encoding(main, stored, output.subtype or finer)
    mode = cast(ClipMode, output.clip_mode or ("float" if main_part.beyond else "clamp"))
    sidecar = None if main == PIPE else sidecar_of(main)
    places = Places(main, _sounds(main, parts, output), encoding, mode, sidecar, output.report)
    _check_apart(places, name, output, read)
    _check(places, parts, force=output.force)
    return places


def _used(name: str, source: Source) -> Encoding:
    """Return how to store what came from a file: as it did, with as many valid bits, if its samples bear that out."""
    stored = source.encoding.lossless()
    if name == "-" or not Path(name).is_file() or not (bits := valid_bits(Path(name))):
        return stored
    fewer = replace(stored, valid_bits=bits)
    return fewer if all(torch.equal(quantise(samples, fewer), samples) for samples in chunks(source)) else stored


def _main(name: str, word: str, output: Output, encoding: Encoding, *, several: bool) -> Path:
    if output.out == "-" or (output.out is None and name == "-"):
        if several:
            raise SettingsError("several results cannot share standard output; name a folder with -o.")
        return PIPE
    stem = "input" if name == "-" else Path(name).stem
    own_name = f"{stem}.{word}{encoding.extension}"
    if output.out is None:
        return Path(name).with_name(own_name)
    target = Path(output.out)
    if target.is_dir():
        return target / own_name
    if several or output.out.endswith("/"):
        raise SettingsError(f"the folder {target} does not exist; create it first.")
    return target


def _encoding(path: Path, encoding: Encoding, subtype: str | None) -> Encoding:
    """Return how to store the result: the input's own way, as its name and --subtype ask."""
    target = encoding if path == PIPE else encoding.for_path(path)
    if subtype is None:
        return target
    wanted = Encoding(target.container, subtype.upper())
    if not soundfile.check_format(wanted.container, wanted.subtype):
        choices = ", ".join(soundfile.available_subtypes(target.container))
        raise SettingsError(f"{target.container} holds no {subtype}; choose one of {choices}.")
    return wanted


def _sounds(main: Path, parts: Sequence[Part], output: Output) -> dict[str, Path]:
    """Return where each sound goes: further ones beside the result, what was removed only where it is asked for."""
    sounds = {parts[0].role: main}
    for part in parts[1:]:
        if part.role == "removed":
            if output.removed:
                sounds[part.role] = output.removed
        elif main == PIPE:
            raise SettingsError(f"{len(parts) - 1} sounds cannot share standard output; name a file with -o.")
        else:
            sounds[part.role] = main.with_suffix(f".{part.role.removeprefix(f'{parts[0].role}.')}{main.suffix}")
    return sounds


def _check_apart(places: Places, name: str, output: Output, read: Sequence[Path]) -> None:
    """Refuse to write over what is read, by whatever name or link, and to write two things to one place."""
    targets = [*places.sounds.values(), places.sidecar, places.report, output.snapshots]
    written = [path for path in targets if path is not None and path != PIPE]
    if places.clip_mode == "float":  # peaks beyond full scale may send the result to a file of floats
        moved = places.stored_as(wider(places.encoding))
        written += [path for path in (*moved.sounds.values(), moved.sidecar) if path is not None and path not in written]
    for path in written:
        for source in read:
            if path.resolve() == source.resolve() or (path.exists() and source.exists() and path.samefile(source)):
                what = "the input itself" if source == Path(name) else "read by this run"
                raise SettingsError(f"{path} is {what}, which is never written over; name another file.")
    taken = set[Path]()
    for path in written:
        if path.resolve() in taken:
            raise SettingsError(f"{path} would be written twice; name different files.")
        taken.add(path.resolve())


def _check(places: Places, parts: Sequence[Part], *, force: bool) -> None:
    by_role = {part.role: part for part in parts}
    for role, path in places.sounds.items():
        encoding = places.encoding
        if path != PIPE:
            check_writable(path, force=force)
            encoding = encoding.for_path(path)
        check_encodable(by_role[role], encoding)
    for target in (places.sidecar, places.report):
        if target is not None:
            check_writable(target, force=force)


def _moved(path: Path, encoding: Encoding) -> Path:
    return path.with_suffix(encoding.extension)
