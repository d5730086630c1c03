"""The command."""

import os
import sys
from collections.abc import Sequence

from cyclopts import CycloptsError

from audioprior.cli import comparing, knowing, many, restoring, serving  # noqa: F401 (they add their commands)
from audioprior.cli.app import app
from audioprior.errors import AudiopriorError, SettingsError

_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit with its code: 0, or as `errors` says, or 130 when interrupted."""
    arguments = sys.argv[1:] if arguments is None else list(arguments)
    try:
        code = app(arguments, exit_on_error=False, print_error=False, result_action="return_value")
    except KeyboardInterrupt:
        print("audioprior: interrupted.", file=sys.stderr)
        sys.exit(_INTERRUPTED)
    except BrokenPipeError:  # whoever reads has had enough: `| head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except CycloptsError as error:
        if "--debug" in arguments:
            raise
        print(f"audioprior: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(SettingsError.exit_code)
    except AudiopriorError as error:
        if "--debug" in arguments:
            raise
        print(f"audioprior: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
    except Exception as error:
        if "--debug" in arguments:
            raise
        what = " ".join(str(error).split())
        print(
            f"audioprior: unexpected {type(error).__name__} ({what}); run again with --debug and report it.", file=sys.stderr
        )
        sys.exit(AudiopriorError.exit_code)
    sys.exit(code or 0)
