"""The commands that tell: of a recorder's noise, of the methods, of this installation; and the shell's completion."""

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from audioprior.cli.app import app
from audioprior.errors import SettingsError
from audioprior.settings import presets
from audioprior.tasks.knob import span


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
    from audioprior.noise.profile import learn
    from audioprior.sound.source import read

    if out.suffix != ".json":
        raise SettingsError(f"{out} is no .json file; name one with -o.")
    learn(read(recording), span(span_s)).write(out, force=force)


@app.command
def methods() -> None:
    """List the methods."""
    width = max(map(len, presets.DESCRIPTIONS))
    for name, description in presets.DESCRIPTIONS.items():
        print(f"{name:{width}}  {description}")


@app.command
def doctor(*, json: bool = False) -> int:
    """Look at this installation: versions, devices, formats, optional parts, and a self-test of a second of sound.

    Args:
        json: one JSON object on standard output.
    """
    from json import dumps

    from audioprior.cli.doctor import as_lines, examine
    from audioprior.errors import AudiopriorError

    facts = examine()
    print(dumps(facts) if json else "\n".join(as_lines(facts)))
    for problem in facts["problems"]:
        print(f"audioprior: {problem}", file=sys.stderr)
    return AudiopriorError.exit_code if facts["problems"] else 0


_PLACES = {
    "bash": "~/.local/share/bash-completion/completions/audioprior",
    "zsh": "_audioprior in a folder of $fpath",
    "fish": "~/.config/fish/completions/audioprior.fish",
}


@app.command
def completion(shell: Literal["bash", "zsh", "fish"], /) -> None:
    """Print what makes a shell complete commands and options; its last line says where to save it.

    Args:
        shell: which.
    """
    print(app.generate_completion(shell=shell).rstrip())
    print(f"# Save this as {_PLACES[shell]}; new shells then complete audioprior.")
