"""The command that compares."""

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from audioprior.cli.app import app


@app.command
def compare(
    recording: Annotated[str, Parameter(allow_leading_hyphen=True)],
    /,
    *,
    clean: str | None = None,
    out: Annotated[Path | None, Parameter(name=["--out", "-o"])] = None,
    systems: str | None = None,
    task: Literal["denoise", "declip", "inpaint"] = "denoise",
    blind: bool = False,
    force: bool = False,
    quiet: Annotated[bool, Parameter(name=["--quiet", "-q"])] = False,
    json: bool = False,
) -> int:
    """Restore one file by many systems and write a page to listen to them: named with scores, or blind.

    Systems are this project's methods, what was used before, and other packages where they are installed. One that fails
    does not stop the rest.

    Args:
        recording: an audio file, or "-" for standard input.
        clean: the same recording without the damage, to score the results by; no system is given it.
        out: the folder to write; x.compare beside the input without it.
        systems: names with commas between; all quick ones that are installed without it.
        task: what to do.
        blind: begin the page with the names hidden.
        force: replace an earlier comparison.
        quiet: say nothing but what failed.
        json: one JSON object a line on standard output for each system.
    """
    from audioprior.compare.run import run_compare

    wanted = [name.strip() for name in systems.split(",")] if systems is not None else None
    return run_compare(recording, clean, out, wanted, task, blind=blind, force=force, quiet=quiet, as_json=json)
