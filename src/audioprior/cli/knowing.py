"""The commands that tell: of a recorder's noise, of the methods."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from audioprior import presets
from audioprior.arguments import span
from audioprior.cli.app import app
from audioprior.errors import SettingsError


@app.command
def profile(
    recording: Annotated[str, Parameter(allow_leading_hyphen=True)],
    span_s: Annotated[str, Parameter(name="START-END")],
    /,
    *,
    out: Annotated[Path, Parameter(name=["--out", "-o"])],
    force: bool = False,
) -> None:
    """Learn the noise of a passage, for `audioprior denoise --noise FILE`.

    Args:
        recording: an audio file.
        span_s: a passage in it that holds noise only, in seconds.
        out: the profile to write, a .json file.
        force: replace a file that exists.
    """
    from audioprior.profile import learn
    from audioprior.recording import read

    if out.suffix != ".json":
        raise SettingsError(f"{out} is no .json file; name one with -o.")
    learn(read(recording), span(span_s)).write(out, force=force)


@app.command
def methods() -> None:
    """List the methods."""
    width = max(map(len, presets.DESCRIPTIONS))
    for name, description in presets.DESCRIPTIONS.items():
        print(f"{name:{width}}  {description}")
