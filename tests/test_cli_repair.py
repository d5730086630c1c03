"""The repair commands, as people use them."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from torch import Tensor

from audioprior.sound.source import read
from tests.test_cli import call, names

RATE = 16000


@pytest.fixture
def gapped(tmp_path: Path, tone: Callable[..., Tensor]) -> Path:
    samples = (tone(440, 1.0) + 0.5 * tone(1234.5, 1.0))[0].numpy()
    samples[8000:8320] = 0
    soundfile.write(tmp_path / "x.wav", samples, RATE, "PCM_16")
    return tmp_path / "x.wav"


@pytest.fixture
def whole(tmp_path: Path, tone: Callable[..., Tensor]) -> Path:
    soundfile.write(tmp_path / "x.flac", tone(440, 0.5)[0].numpy(), RATE)
    return tmp_path / "x.flac"


def test_a_gap_is_filled_in_the_file_and_only_there(gapped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = gapped.parent
    assert call("inpaint", gapped, "--removed", folder / "gone.wav", "--report", folder / "report.html") == 0
    assert names(folder) == {"x.wav", "x.inpaint.wav", "x.inpaint.wav.json", "gone.wav", "report.html"}
    before, after, gone = (read(folder / name).samples for name in ("x.wav", "x.inpaint.wav", "gone.wav"))
    changed = (before != after)[0].nonzero()[:, 0]
    assert changed.min() >= 8000
    assert changed.max() < 8320
    assert np.abs((after + gone - before).numpy()).max() == 0
    (facts,) = json.loads((folder / "x.inpaint.wav.json").read_text())["steps"]
    assert facts["findings"] == [{"kind": "gap", "start_s": 0.5, "end_s": 0.52, "confidence": 1.0}]
    assert "1 gap, 20.0 ms. All other samples are as they were." in (folder / "report.html").read_text()
    assert "x.inpaint.wav" in capsys.readouterr().err


def test_a_sidecar_gives_the_same_bytes(gapped: Path) -> None:
    folder = gapped.parent
    assert call("inpaint", gapped, "--fill", "sample", "--seed", "4", "-o", folder / "one.wav") == 0
    assert call("inpaint", gapped, "--config", folder / "one.wav.json", "-o", folder / "two.wav") == 0
    assert (folder / "one.wav").read_bytes() == (folder / "two.wav").read_bytes()
    assert call("declip", gapped, "--config", folder / "one.wav.json", "-o", folder / "three.wav") == 2


def test_several_samples_differ_in_the_gap_only(gapped: Path) -> None:
    assert call("inpaint", gapped, "--fill", "sample", "--samples", "3") == 0
    folder = gapped.parent
    assert names(folder) == {"x.wav", "x.inpaint.wav", "x.inpaint.2.wav", "x.inpaint.3.wav", "x.inpaint.wav.json"}
    kept = [read(folder / f"x.inpaint{number}.wav").samples[0] for number in ("", ".2", ".3")]
    for one, other in itertools.combinations(kept, 2):
        differ = (one != other).nonzero()[:, 0]
        assert len(differ) > 0
        assert differ.min() >= 8000
        assert differ.max() < 8320
    # A file of several that is already there stops the run before any work.
    (folder / "x.inpaint.wav").unlink()
    (folder / "x.inpaint.wav.json").unlink()
    assert call("inpaint", gapped, "--fill", "sample", "--samples", "2") == 2
    assert "x.inpaint.wav" not in names(folder)


def test_a_dry_run_lists_and_writes_nothing(gapped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("inpaint", gapped, "--dry-run") == 0
    assert capsys.readouterr().out == "    1  gap            0.5000 s      20.00 ms\n"
    assert call("inpaint", gapped, "--dry-run", "--json") == 0
    line = json.loads(capsys.readouterr().out)
    assert (line["event"], line["number"], line["start_s"]) == ("finding", 1, 0.5)
    assert names(gapped.parent) == {"x.wav"}


@pytest.mark.parametrize("task", ["inpaint", "declip"])
def test_nothing_to_repair_gives_the_same_bytes(task: str, whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(task, whole) == 0
    assert "nothing to repair was found" in capsys.readouterr().err
    assert (whole.parent / f"x.{task}.flac").read_bytes() == whole.read_bytes()


def test_marks_come_from_options_and_files(gapped: Path, capsys: pytest.CaptureFixture[str]) -> None:
    labels = gapped.parent / "marks.txt"
    labels.write_text("0.2\t0.21\tcough\n")
    assert call("inpaint", gapped, "--labels", labels, "--gap", "0.7-0.71", "--dry-run") == 0
    assert [line.split()[2] for line in capsys.readouterr().out.splitlines()] == ["0.2000", "0.7000"]


def test_peaks_beyond_full_scale_find_a_home(tmp_path: Path, tone: Callable[..., Tensor]) -> None:
    clean = 3.2 * (tone(440, 1.0) + 0.3 * tone(777, 1.0))[0].numpy()
    soundfile.write(tmp_path / "x.flac", np.clip(clean, -1, 1 - 2**-15), RATE)
    assert call("declip", tmp_path / "x.flac", "--clip-mode", "clamp", "-o", tmp_path / "clamped.flac") == 0
    assert call("declip", tmp_path / "x.flac") == 0
    assert soundfile.info(tmp_path / "x.declip.wav").subtype == "FLOAT"
    restored, before = (soundfile.read(tmp_path / name)[0] for name in ("x.declip.wav", "x.flac"))
    assert np.abs(restored - clean).max() < 0.05
    reliable = np.abs(before) < 0.99
    assert (restored[reliable] == before[reliable].astype(np.float32)).all()
    assert np.abs(soundfile.read(tmp_path / "clamped.flac")[0]).max() <= 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["inpaint", "--gap", "1-9"], "lies outside the recording"),
        (["inpaint", "--gap", "0-1"], "all of the recording"),
        (["inpaint", "--gap", "a-b"], "'a-b' is no passage"),
        (["inpaint", "--region", "1-2"], "'1-2' is no region"),
        (["inpaint", "--gap", "0.1-0.2", "--region", "0.5-0.6:100-200"], "gaps and regions were given"),
        (["inpaint", "--labels", "gone.txt"], "gone.txt cannot be read"),
        (["inpaint", "-m", "nlm"], "nlm is no method to inpaint"),
        (["inpaint", "--fill", "none"], "Invalid value"),
        (["inpaint", "--samples", "3"], "samples is 3; it must be 1 unless gaps are filled with fill=sample"),
        (["inpaint", "--fill", "sample", "--samples", "100"], "samples is 100; it must be between 1 and 99"),
        (["inpaint", "--fill", "sample", "--samples", "2", "-o", "-"], "2 sounds cannot share standard output"),
        (["inpaint", "--snapshots", "steps"], "--snapshots steps shows a denoising"),
        (["declip", "--level", "3"], "level is 3.0; it must be at most 0 dBFS"),
        (["declip", "--nonsense"], "there is no option --nonsense"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(
    arguments: list[str], message: str, gapped: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(arguments[0], gapped, *arguments[1:]) == 2
    err = capsys.readouterr().err.strip()
    assert message in err
    assert err.startswith("audioprior: ")
    assert "\n" not in err
    assert names(gapped.parent) == {"x.wav"}


def test_a_doubtful_click_can_be_left_alone(
    tmp_path: Path, tone: Callable[..., Tensor], capsys: pytest.CaptureFixture[str]
) -> None:
    samples = tone(440, 1.0)[0].numpy().copy()
    for place in (4000, 12000):
        samples[place : place + 4] += (0.4, -0.5, 0.3, -0.1)
    soundfile.write(tmp_path / "x.wav", samples, RATE, "PCM_16")
    assert call("declick", tmp_path / "x.wav", "--dry-run") == 0
    assert [line.split()[0:2] for line in capsys.readouterr().out.splitlines()] == [["1", "click"], ["2", "click"]]
    assert call("declick", tmp_path / "x.wav", "--keep", "1", "--removed", tmp_path / "gone.wav") == 0
    before, after, gone = (read(tmp_path / name).samples for name in ("x.wav", "x.declick.wav", "gone.wav"))
    changed = (before != after)[0].nonzero()[:, 0]
    assert 11990 < changed.min() <= changed.max() < 12015
    assert (after + gone == before).all()
    assert call("declick", tmp_path / "x.wav", "--keep", "7", "-o", tmp_path / "y.wav") == 2
    assert "keep names finding 7, but 2 were found" in capsys.readouterr().err


def test_a_band_is_invented_at_another_rate(tmp_path: Path, noise: Callable[..., Tensor]) -> None:
    soundfile.write(tmp_path / "x.wav", noise(1.0, rate=8000)[0].numpy(), 8000, "PCM_16")
    further = ("--removed", tmp_path / "gone.wav", "--report", tmp_path / "x.html")
    assert call("extend", tmp_path / "x.wav", "--rate", "16000", *further) == 0
    after, gone = (read(tmp_path / name) for name in ("x.extend.wav", "gone.wav"))
    assert (after.sample_rate, after.samples.shape[1], gone.samples.shape[1]) == (16000, 16000, 16000)
    (finding,) = json.loads((tmp_path / "x.extend.wav.json").read_text())["steps"][0]["findings"]
    assert (finding["kind"], finding["low_hz"], finding["high_hz"]) == ("band", 3680, 8000)
    assert "invented" in finding["note"]
    assert "invented" in (tmp_path / "x.html").read_text()
