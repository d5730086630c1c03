"""Writes the sounds of a result, piece by piece, all of them or none."""

import shutil
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import soundfile
from torch import Tensor

from audioprior.files.places import PIPE, Places
from audioprior.restoring.job import Result
from audioprior.sound.encoding import Encoding, Excess, clamped, wider
from audioprior.sound.metadata import carry
from audioprior.sound.recording import encoder, write_samples
from audioprior.sound.source import Source, chunks
from audioprior.sound.views import Sum
from audioprior.sound.writing import replacing


class _Writer:
    """Writes one sound as it comes."""

    def __init__(self, target: Path, like: Source, encoding: Encoding) -> None:
        self.encoding = encoding
        self._file: soundfile.SoundFile = encoder(target, like, encoding)

    def write(self, samples: Tensor) -> Tensor:
        """Write samples, (channel, time), and return what the file holds of them."""
        held = clamped(samples, self.encoding)
        write_samples(self._file, held)
        return held

    def close(self) -> None:
        self._file.close()


def write(result: Result, places: Places, *, force: bool, source: Path | None = None) -> tuple[Places, list[str]]:
    """Write a result's sounds.

    What was removed is measured against what is kept as the file holds it, so that the files add up.

    Args:
        result: what to write.
        places: where to.
        force: whether files may be replaced.
        source: the file that was read, whose tags and chunks are carried; None of a pipe.

    Returns:
        Where they went, and what there is to say of them.

    Raises:
        SettingsError: a file exists and `force` is not set.
        AudioError: a file cannot be written; none is.
    """
    gain, notes, places = _fitted(result, places)
    with ExitStack() as stack:
        writers, beside = dict[str, _Writer](), dict[Path, Encoding]()
        piped: Path | None = None
        for role, path in places.sounds.items():
            if path == PIPE:
                # Sizes stand in the headers of most containers, so a pipe gets the finished file.
                folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="audioprior-"))
                target = piped = Path(folder) / "piped"
            else:
                target = stack.enter_context(replacing(path, force=force))
            encoding = places.encoding if path == PIPE else places.encoding.for_path(path)
            beside[target] = encoding
            writers[role] = _Writer(target, result.sounds[role], encoding)
            stack.callback(writers[role].close)
        excess = _write(result, writers, gain)
        for writer in writers.values():
            writer.close()
        if source is not None:
            for written, encoding in beside.items():
                notes += [note for note in carry(source, written, encoding) if note not in notes]
        if piped is not None:
            with open(piped, "rb") as finished:
                shutil.copyfileobj(finished, sys.stdout.buffer)
            sys.stdout.buffer.flush()
    if excess.count and places.clip_mode == "clamp":
        notes.append(excess.clamped())
    return places, notes


def _write(result: Result, writers: Mapping[str, _Writer], gain: float) -> Excess:
    """Write all sounds side by side, each piece made once; return what the first one's encoding cannot hold."""
    main, *others = writers
    excess, place = Excess(), 0
    whole: Source = Sum(result.sounds[main], result.sounds["removed"])  # at another rate than the input, perhaps
    if all(step.account for step in result.chain):
        whole = result.chain[0].inputs["sound"]
    for restored in chunks(result.sounds[main]):
        end = place + restored.shape[1]
        excess += Excess.of(restored, writers[main].encoding)
        held = writers[main].write(restored * gain)
        for role in others:
            other = (
                whole.read(place, end) * gain - held if role == "removed" else result.sounds[role].read(place, end) * gain
            )
            writers[role].write(other)
        place = end
    return excess


def _fitted(result: Result, places: Places) -> tuple[float, list[str], Places]:
    """Return the gain, what to say, and the places where nothing is clamped; for `clamp` all stays as it is."""
    if places.clip_mode == "clamp":
        return 1.0, [], places
    excess = Excess()
    for samples in chunks(result.sounds[next(iter(places.sounds))]):
        excess += Excess.of(samples, places.encoding)
    if not excess.count:
        return 1.0, [], places
    if places.clip_mode == "rescale":
        return excess.gain(places.encoding), [excess.turned_down(places.encoding)], places
    return 1.0, [excess.widened()], places.stored_as(wider(places.encoding))
