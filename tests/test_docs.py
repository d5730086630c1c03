"""What the documentation says: its commands and snippets run, its generated pages are fresh, its files and figures exist.

The sounds are short versions of the samples, under the names that the pages use: what is tested is that the code runs.
"""

import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from docs import generate
from docs.snippets import PAGES, ROOT, Snippet, snippets

from audioprior.cli import main
from tests.conftest import short

RATE = 8000
RATES = {"docs/tutorials/declick.md": 16000}  # its clicks of 40 samples are no clicks at 8 kHz
# Commands that are not run here, and why; everything else is.
SKIPPED = {
    "make ": "sets up an environment from the network, or runs these tests",
    "pip install": "changes the environment",
    "audioprior serve": "runs until it is interrupted; see test_page.py",
    ".venv/bin/audioprior serve": "runs until it is interrupted; see test_page.py",
}


def furnish(folder: Path, rate: int) -> None:
    """Make a folder what the project's root is to a reader, with the recordings that the README names."""
    clean, noisy = short("guitar", 1.2, rate), short("guitar_vinyl", 1.2, rate)
    gaps, clicks = clean.copy(), clean.copy()
    gaps[rate // 2 : rate // 2 + rate // 100] = 0
    clicks[[rate // 5, rate // 2, rate]] += 0.5
    recordings: dict[str, np.ndarray] = {
        "samples/guitar.flac": clean,
        "samples/guitar_vinyl.flac": noisy,
        "interview.wav": noisy,
        "tape.flac": np.concatenate([noisy, noisy]),  # a passage is asked for from 0.5 to 2.0 s
        "call.wav": gaps,
        "concert.wav": clean,
        "loud.wav": np.clip(clean, -0.3, 0.3),
        "record.flac": clicks,
        "tapes/side_a.wav": noisy,
    }
    for name, samples in recordings.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / name, samples, rate, subtype="PCM_16")
    (folder / "coughs.txt").write_text("0.4\t0.42\tcough\n")
    shutil.copytree(ROOT / "examples", folder / "examples")
    programs = folder / ".venv" / "bin"
    programs.mkdir(parents=True)
    for name, target in (("audioprior", f'"{sys.executable}" -m audioprior'), ("python", f'"{sys.executable}"')):
        program = programs / name
        program.write_text(f'#!/bin/sh\nexec {target} "$@"\n')
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
    (folder / "build").mkdir()


def shell(one: Snippet, page: str, folder: Path) -> None:
    """Run a block: a line that is the command alone in this process, where torch is loaded, any other in a real shell."""
    environment = {**os.environ, "HOME": str(folder), "OMP_NUM_THREADS": "1"}
    environment["PATH"] = f"{folder / '.venv' / 'bin'}{os.pathsep}{environment['PATH']}"
    for number, line in enumerate(one.code.splitlines()):
        if line.startswith(tuple(SKIPPED)):
            continue
        words = shlex.split(line, comments=True)
        if words and Path(words[0]).name == "audioprior" and not {"|", "<", ">"} & set(words):
            with pytest.raises(SystemExit) as exit_:
                main(words[1:])
            code, said = exit_.value.code, ""
        else:
            command = ["bash", "-euo", "pipefail", "-c", line]
            done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
            code, said = done.returncode, done.stderr
        assert code in (0, None), f"{page}:{one.line + number}: {line}\n{said}"


@pytest.mark.parametrize("page", [page for page in PAGES if snippets(page)])
def test_what_a_page_shows_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    furnish(tmp_path, RATES.get(page, RATE))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "src"))  # what is tested is this tree
    names: dict[str, Any] = {"__name__": "page"}
    for one in snippets(page):
        if one.language == "sh":
            shell(one, page, tmp_path)
            continue
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            # Padded, so that a traceback shows the page's own line.
            exec(compile("\n" * (one.line - 1) + one.code, page, "exec"), names)


def test_little_is_skipped() -> None:
    left_out = {
        line for page in PAGES for one in snippets(page) if one.language == "sh"
        for line in one.code.splitlines() if line.startswith(tuple(SKIPPED))
    }  # fmt: skip
    assert {line.split("#")[0].strip() for line in left_out} == {
        *("make demo", "make test"),
        *("audioprior serve", ".venv/bin/audioprior serve"),
    }


@pytest.mark.parametrize("page", list(generate.pages()))
def test_generated_pages_are_fresh(page: str) -> None:
    assert (ROOT / page).read_text(encoding="utf-8") == generate.pages()[page], "run python docs/generate.py"


@pytest.mark.parametrize("page", PAGES)
def test_what_a_page_names_exists(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    here = (ROOT / page).parent
    for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)|src=\"([^\"]+)\"", text):
        name = target[0] or target[1]
        assert not name.startswith("http"), f"{page} asks the network for {name}"
        assert (here / name).exists(), f"{page} names {name}"
    for path in re.findall(r"`((?:src|tests|bench|examples|docs|samples)/[\w/.]+)`", text):
        assert (ROOT / path).exists(), f"{page} names {path}"
    if page == "docs/how-it-works.md":
        for path in re.findall(r"`([\w/]+\.py)`", text):
            assert (
                any((ROOT / "src" / "audioprior" / folder / path).exists() for folder in ("", "observations"))
                or (ROOT / path).exists()
            ), f"{page} names {path}"


def test_pictures_and_sounds_are_small_and_used() -> None:
    pages = "".join((ROOT / page).read_text(encoding="utf-8") for page in PAGES)
    sounds = list((ROOT / "docs" / "sounds").iterdir())
    assert sum(path.stat().st_size for path in sounds) < 1_500_000
    for path in sounds:
        assert path.stat().st_size < 150_000
        assert f"sounds/{path.name}" in pages
    for path in (ROOT / "docs" / "figures").iterdir():
        assert f"figures/{path.name}" in pages


def test_every_page_is_in_the_navigation() -> None:
    navigation = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    for page in PAGES:
        if page.startswith("docs/"):
            assert page.removeprefix("docs/") in navigation
