"""The command."""

import os
import sys
from collections.abc import Sequence

from cyclopts import CycloptsError

from audioprior.cli import batch, compare, info, repair, restore, serve  # noqa: F401 (they add their commands)
from audioprior.cli.app import app
from audioprior.errors import AudiopriorError, SettingsError

_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit with its code: 0, or as `errors` says, or 130 when interrupted.

    `--debug`, anywhere, shows the whole traceback of an error.
    """
    given = sys.argv[1:] if arguments is None else list(arguments)
    arguments, debug = _prepared(given)
    try:
        code = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except KeyboardInterrupt:
        _say("interrupted.")
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:  # whoever reads has had enough: `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if debug:
            raise
        what = " ".join(str(error).split())
        if isinstance(error, CycloptsError):
            _say(what)
            sys.exit(SettingsError.exit_code)
        if isinstance(error, AudiopriorError):
            _say(str(error))
            sys.exit(error.exit_code)
        _say(f"unexpected {type(error).__name__} ({what}); run again with --debug and report it.")
        sys.exit(AudiopriorError.exit_code)
    sys.exit(code or 0)


def _prepared(given: Sequence[str]) -> tuple[list[str], bool]:
    """Return the arguments without --debug, and whether it was there.

    What begins with a dash after "--" is the name of a file, and is made to look it.
    """
    end = given.index("--") if "--" in given else len(given)
    names = [f"./{one}" if one.startswith("-") and one != "-" else one for one in given[end + 1 :]]
    options = [one for one in given[:end] if one != "--debug"]
    return [*options, *given[end : end + 1], *names], len(options) < end


def _say(message: str) -> None:
    print(f"audioprior: {message}", file=sys.stderr)
