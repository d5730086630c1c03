"""The report: one HTML file that can be mailed, with players, pictures, the fit's curve and the settings."""

import base64
import html
import io
import json
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING

from audioprior.damage.findings import Finding
from audioprior.noise.kinds import removed_noise
from audioprior.report import pictures
from audioprior.settings.identity import versions
from audioprior.settings.json import encode
from audioprior.sound.encoding import Encoding
from audioprior.sound.recording import Recording, encode_to
from audioprior.sound.source import excerpt
from audioprior.sound.writing import replacing
from audioprior.tasks import Denoise

if TYPE_CHECKING:
    from audioprior.restoring.job import FitSummary, Result

# WAV, as browsers cannot jump in every FLAC; longer sound is embedded as Ogg Vorbis, so that the file can still be mailed.
_LOSSLESS_UP_TO_S = 20.0

_LISTED = 200
_UNTOUCHED = {
    "samples": "All other samples are as they were.",
    "region": "All other frequencies, and all samples more than a window away, are as they were.",
}
_EARLY = " It was stopped early: the rest is as it came in."

_PAGE = Template("""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>$title</title>
<style>
:root { color-scheme: light dark; --line: #8884; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
h1 { font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere; } h2 { font-size: 1.1rem; margin-top: 2rem; }
img { width: 100%; height: auto; background: #fff; border-radius: 6px; }
.players { display: grid; grid-template-columns: repeat(auto-fit, minmax(15rem, 1fr)); gap: 1rem; }
figure { margin: 0; } figcaption { font-weight: 600; margin-bottom: .3rem; } audio { width: 100%; }
small { opacity: .75; font-weight: 400; }
.wide { overflow-x: auto; } table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
pre { overflow: auto; padding: .8rem; border: 1px solid var(--line); border-radius: 6px; font-size: .85rem; }
.list { max-height: 24rem; }
</style>
<h1>$title</h1>
<p>$summary</p>
<h2>Listen</h2>
<div class="players">$players</div>
<h2>Before, after, removed</h2>
<img alt="Spectrograms of the recording before and after, and of what was removed, on one colour scale" src="$spectrograms">
<h2>Heard or inferred</h2>
<p>Blue is as it was recorded. Where it turns orange, at least as much was changed as is left: there the sound is inferred,
from what surrounds it and repeats. White holds next to no sound.</p>
<img alt="Map of time and frequency: which of the restored sound was heard, and which was inferred" src="$inferred">
$findings
$fit
<h2>Settings</h2>
<pre>$settings</pre>
</html>
""")


def write_report(result: "Result", path: Path, *, force: bool = False) -> None:
    """Write a report of a result.

    Raises:
        SettingsError: the file exists and `force` is not set.
        AudioError: it cannot be written.
    """
    with replacing(path, force=force) as beside:
        beside.write_text(_page(result), encoding="utf-8")


def _page(result: "Result") -> str:
    changed = "removed" if isinstance(result.settings.task, Denoise) else "before less after"
    before = result.original
    if before.sample_rate != result.restored.sample_rate:  # as the task sees it, at the rate of the result
        before = result.restored.with_samples(result.restored.samples + result.removed.samples)
    parts = {"before": before, "after": result.restored, changed: result.removed}
    rate = before.sample_rate
    return _PAGE.substitute(
        title=html.escape(f"{Path(result.original.name).name}: {result.settings.task.kind}"),
        summary=html.escape(summary(result)),
        players="".join(_player(name, recording) for name, recording in parts.items()),
        spectrograms=_data("image/png", pictures.spectrograms([(n, r.samples) for n, r in parts.items()], rate)),
        inferred=_data("image/png", pictures.inferred(result.restored.samples, result.removed.samples, rate)),
        findings=_listed(result.findings),
        fit=_fit(result.fits),
        settings=html.escape(json.dumps({"run": encode(result.settings), "versions": versions()}, indent=2)),
    )


def _fit(fits: "tuple[FitSummary, ...]") -> str:
    """Return how the fits went as a part of the page, "" where nothing was fitted."""
    if not fits:
        return ""
    curve, lines = "", [(f"block {f.block}, {f.window_ms:.0f} ms", f.losses, f.chosen) for f in fits if len(f.losses) > 1]
    if lines:
        alt = "Misfit against step for each fit, the chosen step marked"
        curve = f'<img alt="{alt}" src="{_data("image/png", pictures.curves(lines))}">'
    row = "<tr><td>{}<td>{:.0f} ms<td>{}<td>{}<td>{}</tr>"
    rows = "".join(row.format(f.block, f.window_ms, f.steps, f.chosen, html.escape(f.reason)) for f in fits)
    head = "<tr><th>block<th>window<th>steps<th>kept<th>why it stopped</tr>"
    return f'<h2>The fit</h2>\n{curve}\n<div class="wide"><table>{head}{rows}</table></div>'


def summary(result: "Result") -> str:
    """Return what happened, in plain words."""
    recording = result.original
    length = f"{recording.duration_s:.1f} s, {recording.channels} channel{'s' if recording.channels > 1 else ''}"
    what = f"{length} at {recording.sample_rate} Hz, method {result.settings.name}."
    if not isinstance(result.settings.task, Denoise):
        return f"{what} {_repaired(result.findings)}" + ("" if result.complete else _EARLY)
    if not result.removed.samples.any():
        return f"{what} Nothing was removed."
    before, removed = (pictures.loudness_db(r.samples) for r in (recording, result.removed))
    middle, cleaned = (excerpt(r)[0].samples for r in (recording, result.restored))
    kinds = removed_noise(middle, cleaned, recording.sample_rate)
    told = f"Removed {' and '.join(kinds)}. " if kinds else ""
    done = f"What was removed lies at {removed:.1f} dBFS, {before - removed:.1f} dB below the recording."
    return f"{what} {told}{done}" + ("" if result.complete else _EARLY)


def _repaired(findings: tuple[Finding, ...]) -> str:
    """Return what was repaired: "3 gaps, the longest 62.0 ms"."""
    if not findings:
        return "Nothing to repair was found."
    if findings[0].kind == "band":
        one = findings[0]
        return f"The band of {one.low_hz:g} to {one.high_hz:g} Hz is {one.note}. All below is as it was."
    if findings[0].kind == "steps":
        return f"Taken out: steps of {findings[0].note}. No sample moved by more than half a step."
    rest = _UNTOUCHED["region" if any(one.kind == "region" for one in findings) else "samples"]
    parts = []
    for kind in dict.fromkeys(one.kind for one in findings):
        lengths = [one.end_s - one.start_s for one in findings if one.kind == kind]
        plural = {"clipping": "clipped peaks"}.get(kind, f"{kind}s") if len(lengths) > 1 else kind
        parts.append(f"{len(lengths)} {plural}, {'the longest ' if len(lengths) > 1 else ''}{1000 * max(lengths):.1f} ms")
    return f"Repaired: {'; '.join(parts)}. {rest}"


def _listed(findings: tuple[Finding, ...]) -> str:
    """Return the findings as a part of the page, "" if there are none."""
    if not findings:
        return ""
    lines = [one.line(number) for number, one in enumerate(findings[:_LISTED], 1)]
    if len(findings) > _LISTED:
        lines.append(f"... and {len(findings) - _LISTED} more, all of them in the .json beside the result")
    return f"<h2>What was repaired</h2>\n<pre class='list'>{html.escape(chr(10).join(lines))}</pre>"


def _player(name: str, recording: Recording) -> str:
    level = pictures.loudness_db(recording.samples)
    note = f"<small>{level:.1f} dBFS</small>"
    mime, data = _embedded(recording)
    return f'<figure><figcaption>{name} {note}</figcaption><audio controls src="{_data(mime, data)}"></audio></figure>'


def _embedded(recording: Recording) -> tuple[str, bytes]:
    short = recording.duration_s <= _LOSSLESS_UP_TO_S and recording.channels <= 8
    encoding = Encoding("WAV", "PCM_16") if short else Encoding("OGG", "VORBIS")
    buffer = io.BytesIO()
    encode_to(buffer, recording.with_samples(recording.samples.clamp(-1, 1)), encoding)
    return ("audio/wav" if short else "audio/ogg"), buffer.getvalue()


def _data(mime: str, content: bytes) -> str:
    return f"data:{mime};base64,{base64.b64encode(content).decode()}"
