"""The listening page: one HTML file that plays the sounds beside it, and asks no other machine for anything.

Its rows are made in the browser from data that no one can read at a glance, so that a page that begins blind shows no name.
"""

import base64
import html
import json
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any

from audioprior.compare.comparison import Comparison, best
from audioprior.compare.measure import SCORES
from audioprior.report import pictures
from audioprior.sound.levels import RANGE_DB

_MOST_RAISED_DB = 12.0  # to make rows equally loud: what is all but silent stays so
_SILENT_DBFS = -120.0


def page(comparison: Comparison, facts: dict[str, Any], *, blind: bool = False) -> str:
    """Return the page's text.

    Args:
        comparison: what it shows.
        facts: as `folder.facts` gives them.
        blind: whether it begins with the names hidden.
    """
    here = files(__package__)
    shown = json.dumps(data(comparison, facts, blind=blind), ensure_ascii=False)
    name = html.escape(Path(comparison.recording.name).name)
    return Template((here / "page.html").read_text(encoding="utf-8")).substitute(
        title=f"{name}: {comparison.task}, compared",
        summary=html.escape(_summary(comparison)),
        style=(here / "page.css").read_text(encoding="utf-8"),
        script=(here / "page.js").read_text(encoding="utf-8"),
        colours=", ".join(pictures.colours()),
        range=f"{RANGE_DB:.0f}",
        top=f"{comparison.recording.sample_rate / 2000:g}",
        scores=_explained() if comparison.clean else "",
        data=base64.b64encode(shown.encode()).decode(),
    )


def data(comparison: Comparison, facts: dict[str, Any], *, blind: bool = False) -> dict[str, Any]:
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
    systems.sort(key=lambda one: (one["kind"] == "failed", -one.get("scores", {}).get("si_sdr", 0.0)))
    rows += systems
    for one in rows:
        if one["kind"] != "failed":
            one["raise_db"] = _raise_db(facts["input"]["level_dbfs"], one["level_dbfs"])
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


def _summary(comparison: Comparison) -> str:
    """Return what was compared, in plain words."""
    one, done = comparison.recording, sum(row.measured is not None for row in comparison.rows)
    channels = f"{one.channels} channel{'s' if one.channels > 1 else ''}"
    scored = (
        "Scores are against the clean reference, which none of them was given."
        if comparison.clean
        else "There is no clean reference, so there are no scores: your ears decide."
    )
    systems = f"{done} system{'s' if done != 1 else ''}"
    return f"{one.duration_s:.1f} s, {channels} at {one.sample_rate} Hz, restored by {systems}. {scored}"


def _explained() -> str:
    item = "<dt>{} <small>{} is better</small></dt><dd>{}</dd>"
    return "".join(
        item.format(score.label, "higher" if score.higher else "lower", html.escape(score.about))
        for score in SCORES.values()
    )
