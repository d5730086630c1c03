"""A real server in a process of its own, and a real browser, for the tests of the page."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx


class Server:
    """The command `audioprior serve`, on a port of its own."""

    def __init__(self, folder: Path, *options: str, port: int = 0) -> None:
        command = [sys.executable, "-m", "audioprior", "serve", "--no-browser", "--port", str(port), "--folder", str(folder)]
        self.process = subprocess.Popen([*command, *options], stderr=subprocess.PIPE, text=True)
        assert self.process.stderr is not None
        self.said = ""
        while not (found := re.search(r"http://\S+/", self.said)):
            line = self.process.stderr.readline()
            assert line, f"the server did not start: {self.said}"
            self.said += line
        self.address = found[0]
        self.client = httpx.Client(base_url=self.address, headers={"X-Audioprior": "1"}, timeout=300)
        deadline = time.monotonic() + 120
        while True:
            try:
                self.client.get("/api/about")
                return
            except httpx.ConnectError:
                assert time.monotonic() < deadline, f"the server does not answer: {self.said}"
                time.sleep(0.1)

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.client.close()
        self.process.send_signal(signal.SIGINT)
        self.process.communicate(timeout=300)

    def kill(self) -> None:
        """End it as a power cut would."""
        self.client.close()
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def send(self, path: Path, name: str | None = None) -> Any:
        """Send a recording."""
        answer = self.client.post("/api/recordings", params={"name": name or path.name}, content=path.read_bytes())
        assert answer.status_code == 200, answer.text
        return answer.json()

    def start(self, recording: str, task: str = "denoise", **wish: Any) -> Any:
        """Start a job."""
        answer = self.client.post(f"/api/recordings/{recording}/jobs", json={"task": task, **wish})
        assert answer.status_code == 200, answer.text
        return answer.json()

    def job(self, name: str) -> Any:
        """Return what there is to know of a job."""
        return self.client.get(f"/api/jobs/{name}").json()

    def finish(self, name: str) -> Any:
        """Wait for the end of a job and return it."""
        with self.client.stream("GET", f"/api/jobs/{name}/events") as stream:
            for _ in stream.iter_lines():
                pass
        return self.job(name)

    def file(self, job: str, which: str) -> bytes:
        """Download a file of a job."""
        answer = self.client.get(f"/api/jobs/{job}/files/{which}")
        assert answer.status_code == 200, answer.text
        return answer.content


def run_command(command: str, folder: Path) -> None:
    """Run a command line that the page shows, in a folder."""
    python = f"{sys.executable} -m audioprior"
    subprocess.run(command.replace("audioprior", python, 1), shell=True, check=True, cwd=folder, capture_output=True)
