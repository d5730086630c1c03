"""Starts the server: takes the port first, so that a page that cannot be opened is said in a sentence."""

import socket
import webbrowser
from pathlib import Path

import uvicorn

from audioprior.errors import SettingsError
from audioprior.files.listener import say
from audioprior.web.server import application

_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}


def run(
    host: str, port: int, folder: Path, *, keep_hours: float, most_mb: float, hosts: tuple[str, ...], browser: bool
) -> None:
    """Serve the page until it is interrupted.

    Args:
        host: address to listen at.
        port: to listen at; 0 for any that is free.
        folder: where recordings and results are kept.
        keep_hours: after its last use that a recording is kept.
        most_mb: largest file that is taken.
        hosts: names that it answers to.
        browser: whether to open the page.

    Raises:
        SettingsError: the address or the folder cannot be used.
    """
    listening = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
    except OSError as error:
        raise SettingsError(
            f"port {port} of {host} cannot be used ({error.strerror}); choose another with --port."
        ) from error
    try:
        app = application(folder, keep_hours=keep_hours, most_mb=most_mb, hosts=hosts)
    except OSError as error:
        raise SettingsError(
            f"the folder {folder} cannot be used ({error.strerror}); choose another with --folder."
        ) from error
    here = _ANYWHERE.get(host, host)  # a browser takes no address that stands for all
    address = f"http://{f'[{here}]' if ':' in here else here}:{listening.getsockname()[1]}/"
    if "*" in hosts:
        say(
            f"{host} can be reached from other machines: whoever reaches it can send files, use this processor and fill "
            f"{folder}; there is no password and no encryption, so put a proxy with both before it."
        )
    say(f"open {address} (stop with Ctrl-C; recordings are kept in {folder} for {keep_hours:g} hours)")
    if browser:
        webbrowser.open(address)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    server.run(sockets=[listening])
