"""Runs a batch, tells how it goes, and sums it up."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from audioprior.batch.found import find
from audioprior.batch.local import run_locally
from audioprior.batch.plan import Item, plan
from audioprior.batch.work import Outcome
from audioprior.batch.workers import Workers
from audioprior.errors import AudiopriorError, SettingsError
from audioprior.files.processes import processors
from audioprior.tasks import Chain, word_of

_COLOURS = {"done": "green", "skipped": "cyan", "failed": "red"}


def run_batch(
    inputs: Sequence[str],
    folder: Path,
    chain: Chain,
    workers: Workers,
    *,
    force: bool = False,
    quiet: bool = False,
    as_json: bool = False,
) -> int:
    """Restore many files, and return the exit code: 1 if any failed.

    Args:
        inputs: files, folders, patterns, or "-" for a list on standard input.
        folder: where outputs go; it is made if need be.
        chain: what to do with each file.
        workers: who does it.
        force: whether to replace results that are not of this run, and other files in their places.
        quiet: say nothing but what failed.
        as_json: a JSON object a line on standard output for each file, as it is done.

    Raises:
        SettingsError: there is nothing to do, or no such cluster.
    """
    if folder.exists() and not folder.is_dir():
        raise SettingsError(f"{folder} is a file; name a folder with -o.")
    found, stdout, console = find(inputs, folder, chain), sys.stdout, Console(stderr=True, highlight=False)
    if not found.places:
        left = "".join(f" ({line})" for line in found.lines())
        raise SettingsError(f"no sound files were found in {', '.join(inputs)}{left}; name files, folders or patterns.")
    items = plan(found, folder, chain, workers.shard, force=force)
    outcomes = _outcomes(items, workers)
    if as_json:
        for facts in found.facts():
            print(json.dumps({"event": "left_out", **facts}, ensure_ascii=False), file=stdout, flush=True)
    elif not quiet:
        for line in found.lines():
            console.print(f"audioprior: {line}", markup=False, soft_wrap=True)
    told: list[Outcome] = []
    columns = (TextColumn("{task.description}"), BarColumn(None), MofNCompleteColumn(), TimeElapsedColumn())
    hidden = quiet or as_json or not console.is_terminal
    with Progress(*columns, TextColumn("left"), TimeRemainingColumn(), console=console, disable=hidden) as bar:
        task = bar.add_task(word_of(chain), total=len(items))
        for outcome in outcomes:
            told.append(outcome)
            bar.advance(task)
            if as_json:
                print(json.dumps({"event": "file", **outcome.facts()}, ensure_ascii=False), file=stdout, flush=True)
    failed = [one for one in told if one.status == "failed"]
    if not quiet and not as_json:
        console.print(_table(told))
    for one in failed:
        console.print(f"audioprior: {one.error}", markup=False, soft_wrap=True)
    return AudiopriorError.exit_code if failed else 0


def _outcomes(items: list[Item], workers: Workers) -> Iterator[Outcome]:
    if workers.engine == "local":
        return run_locally(items, workers.jobs or processors())
    from audioprior.batch.cluster import run_on_ray

    return run_on_ray(items, workers.jobs, workers.address, workers.gpus)


def _table(told: list[Outcome]) -> Table:
    counts = {status: sum(one.status == status for one in told) for status in _COLOURS}
    table = Table(title=", ".join(f"{count} {status}" for status, count in counts.items() if count))
    for heading in ("file", "", "seconds", "output"):
        table.add_column(heading, justify="right" if heading == "seconds" else "left", overflow="fold")
    for one in sorted(told, key=lambda one: one.source):
        status = f"[{_COLOURS[one.status]}]{one.status}[/]"
        table.add_row(escape(one.source), status, f"{one.seconds:.1f}", escape("" if one.error else one.target))
    return table
