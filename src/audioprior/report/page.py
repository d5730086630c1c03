"""The report: one HTML file that can be mailed, with players, pictures, the fit's curve and the settings.

It asks the result what it holds: every sound has a player and a spectrogram, whatever its length and rate.
"""

import base64
import io
import json
from collections.abc import Sequence
from pathlib import Path

from audioprior.noise.kinds import removed_noise
from audioprior.report import pictures
from audioprior.report.reported import Fitted, Reported
from audioprior.report.templates import render
from audioprior.report.words import EARLY, label, repaired
from audioprior.settings.identity import versions
from audioprior.settings.json import encode
from audioprior.sound.encoding import Encoding, quantise
from audioprior.sound.recording import encoder, write_samples
from audioprior.sound.source import Source, chunks, excerpt
from audioprior.sound.writing import replacing

# WAV, as browsers cannot jump in every FLAC; longer sound is embedded as Ogg Vorbis, so that the file can still be mailed.
_LOSSLESS_UP_TO_S = 20.0

_LISTED = 200


def write_report(result: Reported, path: Path, *, force: bool = False) -> None:
    """Write a report of a result.

    Raises:
        SettingsError: the file exists and `force` is not set.
        AudioError: it cannot be written, or a sound cannot be read.
    """
    with replacing(path, force=force) as beside:
        beside.write_text(_page(result), encoding="utf-8")


def _page(result: Reported) -> str:
    words, first = result.run.task.words, _first(result)
    shown = [(label(role, words), sound) for role, sound in (*result.inputs.items(), *result.sounds.items())]
    heading = ", ".join(name for name, _ in shown)
    return render(
        __package__,
        "report.html.jinja",
        title=f"{Path(first.name).name}: {result.run.task.kind}",
        summary=summary(result),
        players=[{"label": name, "note": _note(sound, first), "sound": _playable(sound)} for name, sound in shown],
        account=_account(result),
        heading=heading[:1].upper() + heading[1:],
        spectrograms=_png(pictures.spectrograms_of(shown)),
        inferred=_inferred(result),
        findings=[finding.line(number) for number, finding in enumerate(result.findings[:_LISTED], 1)],
        unlisted=max(0, len(result.findings) - _LISTED),
        fits=result.fits,
        curve=_curve(result.fits),
        settings=json.dumps({"run": encode(result.run), "versions": versions()}, indent=2),
    )


def _account(result: Reported) -> str:
    """Return which sounds add up; "" where none do, or where they are not of one shape."""
    if not result.account:
        return ""
    sides = (result.account.inputs, result.inputs), (result.account.parts, result.sounds)
    if not _alike(*(sounds[role] for roles, sounds in sides for role in roles)):
        return ""
    words = result.run.task.words
    return " = ".join(" + ".join(f"“{label(role, words)}”" for role in roles) for roles, _ in sides)


def summary(result: Reported) -> str:
    """Return what happened, in plain words."""
    sound = _first(result)
    channels = f"{sound.channels} channel{'s' if sound.channels > 1 else ''}"
    about = f"{_seconds(sound)}, {channels} at {sound.sample_rate} Hz, method {result.run.name}."
    return " ".join([about, _done(result)] + ([] if result.complete else [EARLY]))


def _done(result: Reported) -> str:
    """Return what the task did, in sentences."""
    words, before = result.run.task.words, _first(result)
    if result.findings:
        return repaired(result.findings, words)
    if "removed" not in result.sounds:
        return f"Made: {', '.join(f'{label(role, words)} ({_seconds(sound)})' for role, sound in result.sounds.items())}."
    removed = result.sounds["removed"]
    if not any(chunk.any() for chunk in chunks(removed)):
        return words.nothing
    level_db, own_db = pictures.loudness_of(before), pictures.loudness_of(removed)
    lies = f"What was removed lies at {own_db:.1f} dBFS, {level_db - own_db:.1f} dB below the recording."
    restored = result.sounds.get("restored")
    if not words.noise or restored is None or not _alike(before, restored):
        return lies
    heard, kept = (excerpt(sound)[0].samples for sound in (before, restored))
    kinds = removed_noise(heard, kept, before.sample_rate)
    return f"{words.repaired} {' and '.join(kinds)}. {lies}" if kinds else lies


def _first(result: Reported) -> Source:
    """Return the sound that the result is called by."""
    return next(iter(result.inputs.values()))


def _alike(first: Source, *others: Source) -> bool:
    """Whether sounds have the same rate, channels and length, so that they can be set beside each other bin by bin."""
    shape = (first.sample_rate, first.channels, first.length)
    return all((other.sample_rate, other.channels, other.length) == shape for other in others)


def _inferred(result: Reported) -> str:
    """Return the picture of what was heard and what was inferred; "" where the sounds are not of the input's shape."""
    parts = [result.sounds[role] for role in ("restored", "removed") if role in result.sounds]
    if len(parts) < 2 or not _alike(_first(result), *parts):
        return ""
    return _png(pictures.inferred(*parts))


def _curve(fits: Sequence[Fitted]) -> str:
    """Return the picture of how the fits went; "" where none took more than a step."""
    lines = [(f"block {fit.block}, {fit.window_ms:.0f} ms", fit.losses, fit.chosen) for fit in fits if len(fit.losses) > 1]
    return _png(pictures.curves(lines)) if lines else ""


def _note(sound: Source, first: Source) -> str:
    """Return a sound's level, and its length and rate where they are not those of the first."""
    notes = [f"{pictures.loudness_of(sound):.1f} dBFS"]
    if sound.length * first.sample_rate != first.length * sound.sample_rate:
        notes.append(_seconds(sound))
    if sound.sample_rate != first.sample_rate:
        notes.append(f"{sound.sample_rate} Hz")
    return ", ".join(notes)


def _seconds(sound: Source) -> str:
    return f"{sound.length / sound.sample_rate:.1f} s"


def _playable(sound: Source) -> str:
    """Return a sound as the source of a player, in a file that browsers play, encoded piece by piece."""
    short = sound.length <= _LOSSLESS_UP_TO_S * sound.sample_rate and sound.channels <= 8
    encoding = Encoding("WAV", "PCM_16") if short else Encoding("OGG", "VORBIS")
    buffer = io.BytesIO()
    with encoder(buffer, sound, encoding) as file:
        for chunk in chunks(sound):
            write_samples(file, quantise(chunk.clamp(-1, 1), encoding))
    return _data("audio/wav" if short else "audio/ogg", buffer.getvalue())


def _png(content: bytes) -> str:
    return _data("image/png", content)


def _data(mime: str, content: bytes) -> str:
    return f"data:{mime};base64,{base64.b64encode(content).decode()}"
