"""The command that opens the page."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from audioprior.cli.app import app
from audioprior.errors import SettingsError

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


@app.command
def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 8765,
    folder: Path | None = None,
    keep_hours: float = 24.0,
    max_mb: float = 2000.0,
    browser: Annotated[bool, Parameter(negative="--no-browser")] = True,
) -> None:
    """Open a page on which recordings are restored by ear and by eye.

    Args:
        host: address to listen at; the default is reached from this machine only.
        port: to listen at; 0 for any that is free.
        folder: where recordings and results are kept; a folder of your cache without it.
        keep_hours: hours after its last use that a recording is kept.
        max_mb: largest file that is taken, in millions of bytes.
        browser: open the page in a browser.
    """
    if not 0 <= port < 65536:
        raise SettingsError(f"--port is {port}; it must be between 0 and 65535.")
    if not keep_hours > 0:
        raise SettingsError(f"--keep-hours is {keep_hours:g}; it must be more than 0.")
    if not max_mb > 0:
        raise SettingsError(f"--max-mb is {max_mb:g}; it must be more than 0.")
    try:
        import fastapi  # noqa: F401
        import uvicorn  # noqa: F401
    except ImportError as error:
        raise SettingsError(f"the page needs {error.name}; install it with: pip install 'audioprior[web]'.") from error
    from platformdirs import user_cache_path

    from audioprior.web.run import run

    run(
        host,
        port,
        folder or user_cache_path("audioprior", appauthor=False) / "page",
        keep_hours=keep_hours,
        most_mb=max_mb,
        hosts=_LOOPBACK if host in _LOOPBACK else ("*",),
        browser=browser,
    )
