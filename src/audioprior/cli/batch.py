"""The command that restores many files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from audioprior.batch.workers import Workers
from audioprior.cli.app import app
from audioprior.cli.arguments import assigned
from audioprior.errors import SettingsError
from audioprior.tasks import TASKS, Chain, Run

if TYPE_CHECKING:
    Kind = str
else:
    Kind = Literal[*TASKS]

_WORKERS = Workers()


@app.command
def batch(
    inputs: Annotated[list[str], Parameter(allow_leading_hyphen=True)],
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])],
    task: Kind = "denoise",
    method: Annotated[str | None, Parameter(name=["--method", "-m"])] = None,
    set_: Annotated[list[str] | None, Parameter(name="--set")] = None,
    config: Path | None = None,
    workers: Workers = _WORKERS,
    force: bool = False,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False,
    json: bool = False,
) -> int:
    """Restore many files, on this machine or on many.

    What is done is known by its sidecar and is not done again, so that the same command goes on after an interruption. One
    bad file does not stop the rest. Hidden files and results of earlier runs are passed over, and what is left out is told.

    Args:
        inputs: files, folders, patterns, or "-" for a list on standard input.
        out: the folder for outputs; files of a folder keep their places below it.
        task: what to do.
        method: how; `audioprior methods` lists them.
        set_: NAME=VALUE of a setting of the task, such as strength=0.8; may be given many times.
        config: take all settings from the .json that an earlier run left beside its result.
        workers: who does it.
        force: replace files in the outputs' places that are no results of these inputs by these settings.
        quiet: say nothing but what failed.
        json: one JSON object a line on standard output for each file.
    """
    from audioprior.batch.run import run_batch
    from audioprior.files.sidecar import read_runs

    if config is not None:
        if method or set_:
            raise SettingsError(f"--config {config} holds all settings; leave the others out.")
        chain: Chain = read_runs(config)
    else:
        chain = (Run.of(assigned(task, set_ or ()), method or "default"),)
    return run_batch(inputs, out, chain, workers, force=force, quiet=quiet, as_json=json)
