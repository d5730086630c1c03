"""The command, as people use it: files, pipes, interruptions and every row of bad input."""

import json
import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from torch import Tensor

from audioprior.cli import main
from audioprior.sound.encoding import Encoding
from audioprior.sound.recording import Recording
from audioprior.sound.source import read
from tests.conftest import SAMPLES

COMMAND = [sys.executable, "-m", "audioprior"]
FAST = ["-m", "free"]  # what the command does around a fit does not depend on which one


def call(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as exit_:
        main(list(map(str, arguments)))
    return int(exit_.value.code or 0)


@pytest.fixture
def noisy(tmp_path: Path, tone: Callable[..., Tensor], noise: Callable[..., Tensor]) -> Path:
    """A short stereo file with tags."""
    path = tmp_path / "x.wav"
    samples = tone(440, 0.6, channels=2) + noise(0.6, channels=2)
    Recording(samples, 16000, Encoding("WAV", "PCM_24"), {"title": "take 1"}).write(path)
    return path


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_it_leaves(noisy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = noisy.parent
    outputs = ["--removed", f"{folder}/gone.wav", "--report", f"{folder}/report.html"]
    assert call("denoise", str(noisy), *outputs, *FAST) == 0
    assert names(folder) == {"x.wav", "x.denoise.wav", "x.denoise.wav.json", "gone.wav", "report.html"}
    before, after, gone = (read(folder / name) for name in ("x.wav", "x.denoise.wav", "gone.wav"))
    # Sample for sample, in the files.
    assert (after.samples + gone.samples - before.samples).abs().max() == 0
    assert (after.sample_rate, after.encoding, after.tags["title"]) == (16000, before.encoding, "take 1")
    assert after.samples.shape == before.samples.shape
    printed = capsys.readouterr()
    assert printed.out == ""
    assert f"{folder}/x.denoise.wav" in printed.err


def test_the_sidecar_gives_the_same_bytes_again(noisy: Path) -> None:
    folder = noisy.parent
    options = ["-m", "nmf", "--seed", "3", "--strength", "0.8", "--noise", "0.1-0.4", "--max-reduction-db", "20"]
    assert call("denoise", str(noisy), "-o", f"{folder}/one.wav", *options) == 0
    assert call("denoise", str(noisy), "-o", f"{folder}/two.wav", "--config", f"{folder}/one.wav.json") == 0
    assert (folder / "one.wav").read_bytes() == (folder / "two.wav").read_bytes()
    one, two = (json.loads((folder / f"{name}.wav.json").read_text()) for name in ("one", "two"))
    assert one["steps"] == two["steps"]
    (step,) = one["steps"]
    assert step["run"]["task"]["noise"] == [0.1, 0.4]
    assert one["inputs"] == two["inputs"]
    assert one["outputs"]["restored"]["sha256"] == two["outputs"]["restored"]["sha256"]
    assert {"audioprior", "torch", "numpy", "libsndfile"} <= one["versions"].keys()
    fit = step["fits"][0]
    steps = step["run"]["method"]["stopping"]["max_steps"]
    assert fit["reason"] == f"all {steps} steps were taken"
    assert len(fit["losses"]) == fit["steps"] == steps


def test_config_holds_all_settings(noisy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("denoise", str(noisy), *FAST) == 0
    sidecar = str(tmp_path / "x.denoise.wav.json")
    assert call("denoise", str(noisy), "-o", f"{tmp_path}/y.wav", "--config", sidecar, "--seed", "1") == 2
    assert "holds all settings; leave the others out" in capsys.readouterr().err
    for content, message in (
        ("not json", "is no sidecar file"),
        ('{"file_version": 99, "run": {}}', "has file version 99, this program reads 3"),
        (
            '{"file_version": 2, "run": {"task": {"kind": "denoise", "strength": 7}}}',
            "strength is 7.0; it must be between 0 and 1",
        ),
        ('{"file_version": 2, "run": {"method": {"prior": {"kind": "oracle"}}}}', "kind 'oracle' is none of blindspot"),
    ):
        (tmp_path / "bad.json").write_text(content)
        assert call("denoise", str(noisy), "-o", f"{tmp_path}/y.wav", "--config", f"{tmp_path}/bad.json") == 2
        assert message in capsys.readouterr().err
    assert not (tmp_path / "y.wav").exists()


def test_pipes_both_ways(noisy: Path) -> None:
    done = subprocess.run([*COMMAND, "denoise", "-", *FAST], input=noisy.read_bytes(), capture_output=True, check=True)
    assert call("denoise", str(noisy), *FAST) == 0
    assert done.stdout == (noisy.parent / "x.denoise.wav").read_bytes()


def test_json_lines(noisy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("denoise", str(noisy), "--json", "-m", "nmf", "--steps", "50") == 0
    printed = capsys.readouterr()
    events = [json.loads(line) for line in printed.out.splitlines()]
    assert [event["event"] for event in events] == ["begin", *["step"] * 50, "done"]
    assert events[-2]["step"] == events[-2]["steps"] == 50
    left = [event["left_s"] for event in events[1:-1]]
    assert left[0] > left[-1] == 0
    assert events[-1]["stopped"] == ["all 50 steps were taken"] * 3
    assert printed.err == ""


def test_quiet_says_nothing(noisy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("denoise", str(noisy), "--quiet", *FAST) == 0
    assert capsys.readouterr() == ("", "")


def test_snapshots_and_filmstrip(tmp_path: Path, noise: Callable[..., Tensor]) -> None:
    folder, noisy = tmp_path / "way", tmp_path / "x.wav"
    Recording(noise(2.5), 16000, Encoding("WAV", "PCM_24")).write(noisy)
    blocks = ["--block-s", "1", "--overlap-s", "0.2"]
    assert call("denoise", str(noisy), "-m", "nmf", "--snapshots", str(folder), "--every", "25", *blocks) == 0
    assert names(folder) == {f"step-{step:05d}.{kind}" for step in (0, 25, 50) for kind in ("wav", "png")} | {
        "filmstrip.png"
    }
    sounds = {path.name: read(path).samples for path in folder.glob("*.wav")}
    end = read(tmp_path / "x.denoise.wav").samples
    distances = [float((sounds[f"step-{step:05d}.wav"] - end).square().mean()) for step in (0, 25, 50)]
    assert distances[2] < min(distances[:2])  # the last is nearest to the end, in every block
    assert call("denoise", str(noisy), "--snapshots", str(folder), "--force", *FAST) == 2


def test_the_seed_leaves_its_samples(noisy: Path) -> None:
    assert call("denoise", str(noisy), "-m", "seed-dcgan", "--steps", "4", "--every", "2", "-q") == 0
    folder = noisy.parent / "x.denoise.steps"
    assert names(folder) == {f"step-{step:05d}.{kind}" for step in (0, 2, 4) for kind in ("wav", "png")} | {"filmstrip.png"}


@pytest.mark.parametrize("rule", ["fixed", "held-out", "moving-variance", "discrepancy"])
def test_every_run_says_why_it_stopped(noisy: Path, rule: str) -> None:
    assert call("denoise", str(noisy), "-m", "nmf", "--stop", rule, "--steps", "20", "-q") == 0
    sidecar = json.loads((noisy.parent / "x.denoise.wav.json").read_text())
    (step,) = sidecar["steps"]
    assert step["run"]["method"]["stopping"] == {**step["run"]["method"]["stopping"], "kind": rule, "max_steps": 20}
    for fit in step["fits"]:
        assert fit["reason"]
        assert 1 <= fit["chosen"] <= fit["steps"] <= 20


def test_several_files_and_one_bad_one(noisy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.wav").write_text("this is not sound")
    out = tmp_path / "out"
    out.mkdir()
    assert call("denoise", f"{tmp_path}/bad.wav", str(noisy), "-o", str(out), *FAST) == 1
    assert names(out) == {"x.denoise.wav", "x.denoise.wav.json"}
    assert "bad.wav cannot be read as sound" in capsys.readouterr().err


def test_level_is_not_changed_silently(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    numbers = np.random.default_rng(0)
    clipped = np.clip(np.sin(np.arange(16000) / 20) * 1.5 + 0.01 * numbers.standard_normal(16000), -1, 1)
    soundfile.write(tmp_path / "x.wav", clipped, 16000, subtype="PCM_16")
    code = call("denoise", f"{tmp_path}/x.wav", "-m", "nmf", "--clip-mode", "rescale")
    message = capsys.readouterr().err
    assert code == 0
    if "would exceed full scale" in message:
        assert "turned down by" in message
    else:
        assert np.abs(soundfile.read(tmp_path / "x.denoise.wav")[0]).max() <= 1


def write(path: Path, samples: np.ndarray, rate: int = 16000, subtype: str = "PCM_16") -> None:
    soundfile.write(path, samples, rate, subtype=subtype)


def header_only(path: Path) -> None:
    write(path, np.zeros(0))


def with_nan(path: Path) -> None:
    samples = np.zeros(1000, np.float32)
    samples[100:103] = np.nan
    write(path, samples, subtype="FLOAT")


BAD: list[tuple[str, Callable[[Path], object], int, str]] = [
    ("nothing there", lambda _: None, 3, "does not exist; check the path"),
    ("empty file", lambda path: path.write_bytes(b""), 3, "cannot be read as sound"),
    ("text", lambda path: path.write_text("hello " * 100), 3, "cannot be read as sound"),
    ("header without samples", header_only, 3, "holds no samples"),
    ("NaN", with_nan, 3, "holds 3 samples that are NaN or infinite, the first at 0.006 s"),
    ("folder", lambda path: path.mkdir(), 3, "is a folder; give the files in it"),
]


@pytest.mark.parametrize(("make", "code", "message"), [row[1:] for row in BAD], ids=[row[0] for row in BAD])
def test_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], make: Callable[[Path], object], code: int, message: str
) -> None:
    make(tmp_path / "x.wav")
    before = names(tmp_path)
    assert call("denoise", f"{tmp_path}/x.wav") == code
    printed = capsys.readouterr()
    assert message in printed.err
    assert len(printed.err.strip().splitlines()) == 1
    assert printed.out == ""
    assert names(tmp_path) == before


ODD: list[tuple[str, Callable[[Path], None]]] = [
    ("silence", lambda path: write(path, np.zeros((4000, 2)))),
    ("one sample", lambda path: write(path, np.array([0.5]))),
    ("DC", lambda path: write(path, np.full(4000, 0.25))),
    ("clipped", lambda path: write(path, np.clip(np.sin(np.arange(8000) / 9) * 3, -1, 1))),
    ("7 channels", lambda path: write(path, np.random.default_rng(0).standard_normal((2000, 7)) / 10)),
    ("4 kHz", lambda path: write(path, np.random.default_rng(0).standard_normal(4000) / 10, 4000)),
    ("192 kHz", lambda path: write(path, np.random.default_rng(0).standard_normal(19200) / 10, 192000)),
]


@pytest.mark.parametrize("make", [row[1] for row in ODD], ids=[row[0] for row in ODD])
def test_odd_input_is_handled(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "x.wav")
    assert call("denoise", f"{tmp_path}/x.wav", "-q", "--report", f"{tmp_path}/r.html", "-m", "nmf") == 0
    before, after = read(tmp_path / "x.wav"), read(tmp_path / "x.denoise.wav")
    assert (after.samples.shape, after.sample_rate, after.encoding) == (
        before.samples.shape,
        before.sample_rate,
        before.encoding,
    )
    assert bool(after.samples.isfinite().all())


USAGE = [
    (["denoise"], "INPUTS"),
    (["denoise", "{x}", "--strengt", "1"], "there is no option --strengt"),
    (["denoise", "{x}", "--strength", "2"], "strength is 2.0; it must be between 0 and 1"),
    (["denoise", "{x}", "--noise", "one-two"], "'one-two' is no passage; give START-END in seconds"),
    (["denoise", "{x}", "--noise", "3-2"], "noise is 3.0-2.0; it must be a start before its end"),
    (["denoise", "{x}", "--clip-mode", "loud"], "--clip-mode is 'loud'; choose clamp, rescale or float"),
    (["denoise", "{x}", "--subtype", "PCM_12"], "WAV holds no PCM_12; choose one of"),
    (["denoise", "{x}", "-m", "magic"], "there is no method 'magic'; choose one of consensus"),
    (["denoise", "{x}", "-o", "{folder}/no/y.wav"], "no does not exist; create it first"),
    (["denoise", "{x}", "-o", "{folder}/no/"], "no does not exist; create it first"),
    (["denoise", "{x}", "-o", "{folder}/y.xyz"], "'y.xyz' ends in '.xyz'; use one of"),
    (["denoise", "{x}", "-o", "{x}"], "exists; use --force to replace it"),
    (["denoise", "{x}", "--json", "-o", "-"], "would share standard output"),
    (["denoise", "{x}", "{x}", "-o", "-"], "several results cannot share standard output"),
    (["denoise", "{x}", "--device", "toaster"], "device 'toaster' is not available here"),
    (["denoise", "{x}", "--snapshots", "{folder}/s", "--every", "0"], "--every is 0; it must be at least 1"),
    (["denoise", "{x}", "--stop", "now"], "there is no stopping rule 'now'; choose one of fixed"),
    (["denoise", "{x}", "--steps", "0"], "max_steps is 0; it must be at least 1"),
    (["restore", "{x}"], "restore"),
]


@pytest.mark.parametrize(("arguments", "message"), USAGE, ids=[" ".join(row[0][-2:]) for row in USAGE])
def test_bad_usage(noisy: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str) -> None:
    before = {path: path.read_bytes() for path in noisy.parent.iterdir()}
    assert call(*(part.format(x=noisy, folder=noisy.parent) for part in arguments)) in (
        {1, 2} if arguments[1:3] == ["{x}"] * 2 else {2}
    )
    printed = capsys.readouterr()
    assert message in printed.err
    assert "Traceback" not in printed.err
    assert {path: path.read_bytes() for path in noisy.parent.iterdir()} == before


def test_what_a_codec_cannot_hold_is_refused_before_the_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path / "x.wav", np.random.default_rng(0).standard_normal(4410) / 10, 44100)
    assert call("denoise", f"{tmp_path}/x.wav", "-o", f"{tmp_path}/y.opus") == 2
    assert "OGG OPUS cannot hold 1 channels at 44100 Hz" in capsys.readouterr().err
    assert names(tmp_path) == {"x.wav"}


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    from audioprior.errors import AudioError

    with pytest.raises(AudioError):
        main(["denoise", f"{tmp_path}/x.wav", "--debug"])
    with pytest.raises(AudioError):
        main(["--debug", "profile", f"{tmp_path}/x.wav", "0-1", "-o", f"{tmp_path}/y.json"])


def test_disk_full_leaves_nothing(noisy: Path) -> None:
    """A limit on file sizes stands in for a full disk: the operating system refuses the same write."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    before = names(noisy.parent)
    done = subprocess.run(
        [*COMMAND, "denoise", str(noisy), *FAST], preexec_fn=limit, capture_output=True, text=True, check=False
    )
    assert done.returncode == 3
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert names(noisy.parent) == before


@pytest.mark.parametrize("keep", [False, True])
def test_interrupt(tmp_path: Path, keep: bool) -> None:
    sample = SAMPLES / "guitar_vinyl.flac"
    command = [*COMMAND, "denoise", str(sample), "-o", f"{tmp_path}/y.flac", "--json", *(["--keep-partial"] if keep else [])]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"}
    ) as process:
        assert process.stdout
        assert process.stderr
        for line in process.stdout:
            if json.loads(line)["event"] == "step":
                break
        sent = time.monotonic()
        process.send_signal(signal.SIGINT)
        events = [json.loads(line)["event"] for line in process.stdout]
        assert process.wait(60) == 130
        assert process.stderr.read().strip() == "audioprior: interrupted."
    if keep:
        assert names(tmp_path) == {"y.flac", "y.flac.json"}
        before, after = read(sample).samples, read(tmp_path / "y.flac").samples
        assert before.shape == after.shape
        assert not before.equal(after)
        assert json.loads((tmp_path / "y.flac.json").read_text())["steps"][0]["complete"] is False
    else:
        assert names(tmp_path) == set()
        # Generous: the promise is a second, the machine may be busy.
        assert time.monotonic() - sent < 10
        assert "done" not in events


def test_help_does_not_wait_for_torch() -> None:
    code = """
import sys
from audioprior.cli import app
app(["--help"], result_action="return_value")
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "denoise" in done.stdout


def test_version_and_methods(capsys: pytest.CaptureFixture[str]) -> None:
    import audioprior

    assert call("--version") == 0
    assert capsys.readouterr().out.strip() == audioprior.__version__
    assert call("methods") == 0
    assert "blindspot" in capsys.readouterr().out
