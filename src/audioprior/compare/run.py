"""Compares on one file, tells how it goes, and sums it up: what the command does."""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from audioprior.compare import systems
from audioprior.compare.comparison import compare
from audioprior.compare.folder import check_folder
from audioprior.compare.measure import SCORES
from audioprior.compare.rows import Row, Rows, best
from audioprior.errors import AudiopriorError, SettingsError
from audioprior.restoring.machine import one_thread


def run_compare(
    name: str,
    clean: str | None,
    folder: Path | None,
    wanted: Sequence[str] | None,
    task: str,
    *,
    blind: bool = False,
    force: bool = False,
    quiet: bool = False,
    as_json: bool = False,
) -> int:
    """Compare systems on one file, write the folder, and return the exit code: 1 if every system failed.

    Args:
        name: the file, or "-".
        clean: the clean reference's file.
        folder: where to; `x.compare` beside the input without it.
        wanted: names of systems; all quick ones that are installed without it.
        task: denoise, declip or inpaint.
        blind: whether the page begins with the names hidden.
        force: whether an earlier comparison may be replaced.
        quiet: say nothing but what failed.
        as_json: a JSON object a line on standard output for each system, as it is done.

    Raises:
        AudiopriorError: it cannot be done.
    """
    if name == "-" and folder is None:
        raise SettingsError("what comes by standard input has no folder beside it; name one with -o.")
    folder = folder or Path(name).with_name(f"{Path(name).stem}.compare")
    chosen = systems.chosen(wanted or systems.installed(task), task)
    check_folder(folder, force=force)
    started, stdout = time.monotonic(), sys.stdout
    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(None), MofNCompleteColumn(), TimeElapsedColumn())
    bar_off = quiet or as_json or not console.is_terminal
    with one_thread(), Progress(*columns, console=console, disable=bar_off) as bar:
        line = bar.add_task(chosen[0].name, total=len(chosen))
        following = iter([*(system.name for system in chosen[1:]), "writing"])

        def tell(row: Row) -> None:
            bar.update(line, advance=1, description=next(following))
            if as_json:
                print(json.dumps(_facts(name, row), ensure_ascii=False), file=stdout, flush=True)

        done = compare(name, clean=clean, task=task, systems=chosen, each=tell)
        done.write(folder, blind=blind, force=force)
    for row in done.rows:
        if row.failure:
            console.print(f"audioprior: {row.failure}", markup=False, soft_wrap=True)
    seconds = time.monotonic() - started
    if as_json:
        page = str(folder / "index.html")
        print(json.dumps({"event": "done", "input": name, "output": page, "seconds": round(seconds, 3)}, ensure_ascii=False))
    elif not quiet:
        console.print(_table(done))
        console.print(f"{name}: {folder / 'index.html'} ({seconds:.1f} s)", markup=False, soft_wrap=True)
    return AudiopriorError.exit_code if all(row.failure for row in done.rows) else 0


def _facts(name: str, row: Row) -> dict[str, object]:
    facts: dict[str, object] = {"event": "system", "input": name, "name": row.system.name}
    if row.measured is None:
        return facts | {"failure": row.failure}
    return facts | {"seconds": round(row.measured.seconds, 4), "scores": row.measured.scores}


def _table(done: Rows) -> Table:
    table, top = Table(), best(done.rows)
    table.add_column("")
    for heading in ("seconds", *(SCORES[key].label for key in top)):
        table.add_column(heading, justify="right")
    table.add_row("as it is", "", *(_shown(key, done.scores, {}) for key in top))
    for row in sorted(done.rows, key=lambda row: -row.measured.scores.get("si_sdr", 0.0) if row.measured else 0.0):
        if row.measured:
            cells = [_shown(key, row.measured.scores, top) for key in top]
            table.add_row(escape(row.system.name), f"{row.measured.seconds:.1f}", *cells)
    return table


def _shown(key: str, scores: dict[str, float], top: dict[str, float]) -> str:
    if key not in scores:
        return "–"
    text = f"{scores[key]:.{SCORES[key].digits}f}"
    return f"[bold]{text}[/]" if scores[key] == top.get(key) else text
