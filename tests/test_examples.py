"""The examples run as people run them, and do what they say."""

import json
import os
import re
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from audioprior.sound.source import read
from tests.conftest import SAMPLES, short

EXAMPLES = SAMPLES.parent / "examples"


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """A folder with short versions of the samples, clean.wav and noisy.wav, and a second of the noise alone."""
    clean, noisy = (short(name, 1.2) for name in ("guitar", "guitar_vinyl"))
    for name, samples in (("clean", clean), ("noisy", noisy), ("noise", noisy - clean)):
        soundfile.write(tmp_path / f"{name}.wav", samples, 16000, subtype="PCM_24")
    return tmp_path


def run(folder: Path, name: str, *arguments: str) -> str:
    command = [sys.executable, "-W", "error", str(EXAMPLES / name), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(SAMPLES.parent / "src"), "OMP_NUM_THREADS": "1"}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


def error(folder: Path, name: str) -> float:
    return float((read(folder / name).samples - read(folder / "clean.wav").samples).square().mean())


def test_denoise_with_profile(sounds: Path) -> None:
    printed = run(sounds, "denoise_with_profile.py", "noise.wav", "out", "noisy.wav")
    assert "noisy.wav" in printed
    assert {path.name for path in (sounds / "out").iterdir()} == {"noise.json", "noisy.wav", "noisy.removed.wav"}
    assert error(sounds, "out/noisy.wav") < 0.5 * error(sounds, "noisy.wav")


def test_repair_gaps(sounds: Path) -> None:
    samples, rate = soundfile.read(sounds / "clean.wav")
    for start, length in ((0.4, 0.01), (0.7, 0.1)):
        samples[round(start * rate) : round((start + length) * rate)] = 0
    soundfile.write(sounds / "gaps.wav", samples, rate, subtype="PCM_24")
    printed = run(sounds, "repair_gaps.py", "gaps.wav", "filled.wav").splitlines()
    assert [line.endswith("left alone") for line in printed] == [False, True, False]
    assert re.match(r"1 gaps filled, 1[56]\d of 19200 samples changed", printed[-1])
    filled = soundfile.read(sounds / "filled.wav")[0]
    assert not np.array_equal(filled[6400:6560], samples[6400:6560])
    assert np.array_equal(filled[7000:], samples[7000:])


def test_watch_the_fit(sounds: Path) -> None:
    printed = run(sounds, "watch_the_fit.py", "noisy.wav", "out.wav", "curve.png", "--steps", "20").splitlines()
    assert [line.split(":")[0] for line in printed] == ["step   10 of 120", "step   20 of 120"]
    assert (sounds / "curve.png").read_bytes().startswith(b"\x89PNG")
    assert read(sounds / "out.wav").length == read(sounds / "noisy.wav").length


def test_own_method(sounds: Path) -> None:
    printed = run(sounds, "own_method.py", "clean.wav", "noisy.wav")
    assert [re.split(r" {2,}", line)[0] for line in printed.splitlines()] == [
        "as it is",
        "mine",
        "mine, wiener",
        "fast",
        "free",
    ]


def test_own_prior_denoises_better_than_nothing(sounds: Path) -> None:
    printed = run(sounds, "own_prior.py", "clean.wav", "restored.wav").splitlines()
    found = [float(number) for number in re.findall(r"(-?[\d.]+) dB", printed[-1])]
    one_transfer, mean, restored = found
    assert restored > mean + 2 > one_transfer + 4  # the mean of two is worth 3 dB by itself


def test_own_prior_in_denoise(sounds: Path) -> None:
    printed = run(sounds, "own_prior_in_denoise.py", "noisy.wav", "restored.wav")
    assert printed.strip() == "{'kind': 'smooth', 'bins': 3, 'frames': 13}"
    assert error(sounds, "restored.wav") < 0.9 * error(sounds, "noisy.wav")


def test_the_notebook(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Its cells in their order, in one namespace, with fewer steps; no notebook program is needed."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    monkeypatch.setattr(pyplot, "show", lambda: pyplot.close("all"))
    notebook = json.loads((EXAMPLES / "priors.ipynb").read_text(encoding="utf-8"))
    names: dict[str, Any] = {}
    for cell in notebook["cells"]:
        if cell["cell_type"] != "code":
            continue
        assert cell["outputs"] == [], "outputs are not committed: clear them"
        code = "".join(cell["source"])
        code = re.sub(r"^STEPS = \d+", "STEPS = 12", code, flags=re.MULTILINE)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            exec(compile(code, cell["id"], "exec"), names)
    printed = capsys.readouterr().out
    assert printed.count("nmf") == 2
    assert "discrepancy" in printed
    taken_up = names["taken_up"]
    # What copies everything copies noise; a blind spot cannot, and yet takes up the tone.
    assert taken_up["white noise", "free"][-1][1] < 0.01
    assert taken_up["white noise", "blindspot"][-1][1] > 0.5 > taken_up["tone", "blindspot"][-1][1]
