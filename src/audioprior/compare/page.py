"""The listening page: one HTML file that plays the sounds beside it, and asks no other machine for anything.

Its rows are made in the browser from data that no one can read at a glance, so that a page that begins blind shows no name.
"""

import base64
import json
from pathlib import Path
from typing import Any

from audioprior.compare.measure import SCORES
from audioprior.compare.rows import Rows, best
from audioprior.report import pictures
from audioprior.report.templates import render
from audioprior.sound.levels import RANGE_DB

_MOST_RAISED_DB = 12.0  # to make rows equally loud: what is all but silent stays so
_SILENT_DBFS = -120.0


def page(comparison: Rows, facts: dict[str, Any], *, blind: bool = False) -> str:
    """Return the page's text.

    Args:
        comparison: what it shows.
        facts: as `folder.facts` gives them.
        blind: whether it begins with the names hidden.
    """
    shown = json.dumps(data(comparison, facts, blind=blind), ensure_ascii=False)
    return render(
        __package__,
        "page.html.jinja",
        title=f"{Path(comparison.recording.name).name}: {comparison.task}, compared",
        summary=_summary(comparison),
        colours=", ".join(pictures.colours()),
        range=f"{RANGE_DB:.0f}",
        top=f"{comparison.recording.sample_rate / 2000:g}",
        scores=SCORES.values() if comparison.clean else (),
        data=base64.b64encode(shown.encode()).decode(),
    )


def data(comparison: Rows, facts: dict[str, Any], *, blind: bool = False) -> dict[str, Any]:
    """Return what the page's script makes the rows of: the recording first, the reference, then systems, the best first."""
    before = comparison.recording
    columns = [{"key": key, "label": score.label, "digits": score.digits} for key, score in SCORES.items()]
    rows = [{"kind": "input", "name": "as it is", "about": "the recording before anything was done to it", **facts["input"]}]
    if facts["reference"]:
        about = "the clean recording, which no system was given"
        rows.append({"kind": "reference", **facts["reference"], "name": "reference", "about": about, "scores": {}})
    top = best(comparison.rows)
    systems = []
    for row in facts["rows"]:
        if "failure" in row:
            systems.append({"kind": "failed", **row})
            continue
        speed = before.duration_s / max(row["seconds"], 1e-9)
        leading = [key for key, value in row["scores"].items() if value == top[key]]
        systems.append({"kind": "system", **row, "speed": speed, "best": leading})
    systems.sort(key=lambda row: (row["kind"] == "failed", -row.get("scores", {}).get("si_sdr", 0.0)))
    rows += systems
    for row in rows:
        if row["kind"] != "failed":
            row["raise_db"] = _raise_db(facts["input"]["level_dbfs"], row["level_dbfs"])
    return {
        "title": Path(before.name).name,
        "task": comparison.task,
        "seconds": before.duration_s,
        "columns": columns if comparison.clean else [],
        "rows": rows,
        "blind": blind,
    }


def _raise_db(input_db: float, own_db: float) -> float:
    """Return how far a row is raised to sound as loud as the recording."""
    return 0.0 if min(input_db, own_db) < _SILENT_DBFS else min(input_db - own_db, _MOST_RAISED_DB)


def _summary(comparison: Rows) -> str:
    """Return what was compared, in plain words."""
    recording, done = comparison.recording, sum(row.measured is not None for row in comparison.rows)
    channels = f"{recording.channels} channel{'s' if recording.channels > 1 else ''}"
    scored = (
        "Scores are against the clean reference, which none of them was given."
        if comparison.clean
        else "There is no clean reference, so there are no scores: your ears decide."
    )
    systems = f"{done} system{'s' if done != 1 else ''}"
    return f"{recording.duration_s:.1f} s, {channels} at {recording.sample_rate} Hz, restored by {systems}. {scored}"
