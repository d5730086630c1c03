"""audioprior batch: many files, real worker processes, a real Ray cluster, and workers that are killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import soundfile
from torch import Tensor

from audioprior.batch.found import find
from audioprior.batch.plan import plan
from audioprior.cli import main
from audioprior.errors import SettingsError
from audioprior.settings.presets import method
from audioprior.tasks import Denoise, Run

RATE = 16000
FAST = ["-m", "nmf", "--set", "device=cpu"]
COMMAND = [sys.executable, "-m", "audioprior", "batch"]
RUN = Run(name="nmf", method=method("nmf"), task=Denoise())


def call(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as exit_:
        main(["batch", *map(str, arguments)])
    return int(exit_.value.code or 0)


@pytest.fixture
def folder(tmp_path: Path, tone: Callable[..., Tensor], noise: Callable[..., Tensor]) -> Path:
    """Three recordings in a folder, one of them deeper, and one that is none."""
    inputs = tmp_path / "in"
    (inputs / "deep").mkdir(parents=True)
    for number, name in enumerate(("a.wav", "b.flac", "deep/a.wav")):
        samples = tone(300 + 100 * number, 1.0) + noise(1.0, seed=number)
        soundfile.write(inputs / name, samples[0].numpy(), RATE)
    (inputs / "bad.wav").write_text("no sound")
    return inputs


def lines(text: str) -> dict[str, dict[str, Any]]:
    """Return the outcomes, by the input's name."""
    told = [one for one in map(json.loads, text.splitlines()) if one["event"] == "file"]
    return {Path(one["source"]).name if "deep" not in one["source"] else "deep": one for one in told}


def tree(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_one_bad_file_does_not_stop_the_rest_and_a_second_run_skips(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = folder.parent / "out"
    assert call(folder, "-o", out, *FAST, "--json") == 1
    printed = capsys.readouterr()
    told = lines(printed.out)
    assert {name: one["status"] for name, one in told.items()} == {
        "a.wav": "done", "b.flac": "done", "deep": "done", "bad.wav": "failed",
    }  # fmt: skip
    assert "bad.wav cannot be read as sound" in told["bad.wav"]["error"]
    assert "bad.wav cannot be read as sound" in printed.err
    outputs = {"a.denoise.wav", "b.denoise.flac", "deep/a.denoise.wav"}
    assert tree(out) == outputs | {f"{name}.json" for name in outputs}
    before = {name: (out / name).stat().st_mtime_ns for name in outputs}
    # One input changed since.
    samples, _ = soundfile.read(folder / "a.wav")
    soundfile.write(folder / "a.wav", samples / 2, RATE)
    assert call(folder, "-o", out, *FAST, "--json") == 1
    told = lines(capsys.readouterr().out)
    assert told["a.wav"]["error"] == f"{out / 'a.denoise.wav'} exists and is not of this run; use --force to replace it."
    assert before == {name: (out / name).stat().st_mtime_ns for name in outputs}
    assert call(folder, "-o", out, *FAST, "--json", "--force") == 1
    told = lines(capsys.readouterr().out)
    assert [told[name]["status"] for name in ("a.wav", "b.flac", "deep", "bad.wav")] == [
        "done",
        "skipped",
        "skipped",
        "failed",
    ]
    after = {name: (out / name).stat().st_mtime_ns for name in outputs}
    assert {name for name in outputs if before[name] != after[name]} == {"a.denoise.wav"}
    # Other settings are another result.
    other: list[str | Path] = [folder / "b.flac", "-o", out, *FAST, "--set", "strength=0.5", "--json"]
    assert call(*other) == 1
    assert "exists and is not of this run" in lines(capsys.readouterr().out)["b.flac"]["error"]
    assert call(*other, "--force") == 0
    assert lines(capsys.readouterr().out)["b.flac"]["status"] == "done"


def test_a_batch_gives_the_same_bytes_as_the_command(folder: Path) -> None:
    out = folder.parent / "out"
    assert call(folder / "a.wav", "-o", out, *FAST, "-q") == 0
    with pytest.raises(SystemExit):
        main(["denoise", str(folder / "a.wav"), "-m", "nmf", "--device", "cpu", "-o", str(folder / "one.wav")])
    assert (out / "a.denoise.wav").read_bytes() == (folder / "one.wav").read_bytes()
    told, one = (json.loads(path.read_text()) for path in (out / "a.denoise.wav.json", folder / "one.wav.json"))
    assert told["steps"] == one["steps"]


def test_nothing_to_repair_is_done_too(
    tmp_path: Path, tone: Callable[..., Tensor], capsys: pytest.CaptureFixture[str]
) -> None:
    soundfile.write(tmp_path / "x.wav", tone(440, 0.5)[0].numpy(), RATE)
    for status in ("done", "skipped"):
        assert call(tmp_path / "x.wav", "-o", tmp_path / "out", "--task", "declip", "--json") == 0
        assert lines(capsys.readouterr().out)["x.wav"]["status"] == status
    assert (tmp_path / "out" / "x.declip.wav").read_bytes() == (tmp_path / "x.wav").read_bytes()


def test_a_table_sums_up(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(folder / "a.wav", folder / "[red]a.wav")
    assert call(folder / "[[]red]a.wav", folder / "bad.wav", "-o", folder / "out", *FAST) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert "1 done, 1 failed" in printed.err
    assert "[red]a" in printed.err.replace("\n", "")


def test_shards_share_the_files(folder: Path) -> None:
    shards = [plan(find([str(folder)], Path("out"), [RUN]), Path("out"), [RUN], (number, 3)) for number in (1, 2, 3)]
    sources = [item.source for shard in shards for item in shard]
    assert sorted(sources) == sorted(find([str(folder)], Path("out"), [RUN]).places)
    assert len(sources) == len(set(sources)) == 4


def test_the_slurm_example_shares_the_files(folder: Path) -> None:
    script = Path(__file__).parent.parent / "examples" / "batch_slurm.sh"
    seen: list[str] = []
    for number in ("1", "2"):
        slurm = {"SLURM_CPUS_PER_TASK": "1", "SLURM_ARRAY_TASK_ID": number, "SLURM_ARRAY_TASK_MAX": "2"}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        command = ["bash", str(script), str(folder), str(folder.parent / "out"), "declip"]
        done = subprocess.run(command, env=os.environ | slurm | {"PATH": path}, capture_output=True, text=True)
        seen += lines(done.stdout)
    assert sorted(seen) == ["a.wav", "b.flac", "bad.wav", "deep"]


def test_a_list_on_standard_input_and_patterns(folder: Path) -> None:
    names = f"{folder / 'a.wav'}\n\n{folder / 'b.flac'}\n"
    listed = subprocess.run(
        [*COMMAND, "-", "-o", str(folder / "out"), *FAST, "--json"], input=names, capture_output=True, text=True, check=True
    )
    assert set(lines(listed.stdout)) == {"a.wav", "b.flac"}
    found = find([str(folder / "**" / "b.*"), str(folder / "b.flac")], folder / "out", [RUN])
    assert list(found.places) == [folder / "b.flac"]  # once


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["gone.wav", "-o", "out", "--set", "strength=2"], "strength is 2.0; it must be between 0 and 1"),
        (["gone.wav", "-o", "out", "--set", "nonsense=2"], "'nonsense=2' sets nothing of denoise; give NAME=VALUE"),
        (["gone.wav", "-o", "out", "--set", "strength=loud"], "strength is 'loud'"),
        (["*.nothing", "-o", "out"], "no sound files were found in *.nothing"),
        (["gone.wav", "-o", "out", "--shard", "4/3"], "--shard is 4/3; give I/N with I from 1 to N"),
        (["gone.wav", "-o", "out", "--shard", "half"], "'half' is no shard"),
        (["gone.wav", "-o", "out", "--jobs", "0"], "--jobs is 0; it must be at least 1"),
        (["gone.wav", "-o", "out", "--gpus", "1"], "--address and --gpus are of a Ray cluster"),
        (["gone.wav", "-o", "out", "--task", "fly"], "Invalid value"),
    ],
)
def test_bad_input_is_one_sentence(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert call(*arguments) == 2
    err = capsys.readouterr().err.strip()
    assert message in err
    assert "\n" not in err
    assert not list(tmp_path.iterdir())


def test_outputs_below_the_inputs_are_no_inputs(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for out in (folder / "deep", folder / "deep" / "out"):
        assert call(folder / "deep", "-o", out, *FAST, "--json") == 0
        assert call(folder / "deep", "-o", out, *FAST, "--json") == 0
        told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [one.get("status", one["event"]) for one in told] == ["done", "left_out", "skipped"]
        assert told[1]["why"] == "results of earlier runs"
        assert told[1]["files"] == [str(out / "a.denoise.wav")]
        for name in tree(folder / "deep") - {"a.wav"}:
            (folder / "deep" / name).unlink()


def test_two_inputs_for_one_output_are_refused(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call(folder / "a.wav", folder / "deep" / "a.wav", "-o", folder / "out", *FAST) == 2
    assert "would both be written to" in capsys.readouterr().err
    assert not (folder / "out").exists()


def test_what_is_hidden_a_result_or_no_sound_is_left_out_and_said(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    deep = folder / "deep"
    (deep / "._a.wav").write_bytes(b"\0\5\26\7")  # what a Mac leaves
    (deep / ".hidden").mkdir()
    shutil.copy(deep / "a.wav", deep / ".hidden" / "b.wav")
    (deep / "list.txt").write_text("a.wav")
    assert call(deep, "-o", deep, "--task", "declip", "-q") == 0
    capsys.readouterr()
    result = deep / "a.declip.wav"
    assert call(deep, "-o", deep, *FAST, "--json") == 0  # the results of another task
    told = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {one["why"]: one["files"] for one in told[:-1]} == {
        "hidden": [str(deep / "._a.wav"), str(deep / ".hidden" / "b.wav")],
        "no sound by their names": [str(deep / "list.txt")],
        "results of earlier runs": [str(result)],
    }
    assert (told[-1]["source"], told[-1]["status"]) == (str(deep / "a.wav"), "done")
    assert call(deep / "*.wav", "-o", folder / "out", *FAST) == 0
    said = capsys.readouterr().err
    assert f"left out, hidden: {deep / '._a.wav'}\n" in said
    assert f"left out, results of earlier runs: {result}, {deep / 'a.denoise.wav'}\n" in said.replace(
        f"{deep / 'a.denoise.wav'}, {result}", f"{result}, {deep / 'a.denoise.wav'}"
    )
    # A result that is named is meant, unless what it was made from is named too: a shell's pattern names both.
    assert list(find([str(result)], folder / "out", [RUN]).places) == [result]
    assert list(find([str(deep / "a.wav"), str(result)], folder / "out", [RUN]).places) == [deep / "a.wav"]
    assert call(result.with_name("._a.wav"), "-o", folder / "out") == 2
    assert "(left out, hidden: " in capsys.readouterr().err


def test_somebody_s_file_in_an_output_s_place_stays(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = folder / "out"
    out.mkdir()
    (out / "a.denoise.wav").write_bytes(b"mine")
    (out / "b.denoise.flac.json").write_bytes(b"{}")
    assert call(folder / "a.wav", folder / "b.flac", "-o", out, *FAST, "--json") == 1
    told = lines(capsys.readouterr().out)
    for name, there in (("a.wav", "a.denoise.wav"), ("b.flac", "b.denoise.flac.json")):
        assert told[name]["error"] == f"{out / there} exists and is not of this run; use --force to replace it."
    assert tree(out) == {"a.denoise.wav", "b.denoise.flac.json"}
    assert (out / "a.denoise.wav").read_bytes() == b"mine"
    assert call(folder / "a.wav", "-o", out, *FAST, "-q", "--force") == 0
    # A result that was worked on afterwards is somebody's too; one whose output is gone is made anew.
    samples, _ = soundfile.read(out / "a.denoise.wav")
    soundfile.write(out / "a.denoise.wav", samples / 2, RATE)
    assert call(folder / "a.wav", "-o", out, *FAST, "-q") == 1
    (out / "a.denoise.wav").unlink()
    assert call(folder / "a.wav", "-o", out, *FAST, "-q") == 0
    # Another recording of the same name is another run.
    assert call(folder / "deep" / "a.wav", "-o", out, *FAST, "-q") == 1


def test_what_was_begun_and_lost_its_sidecar_goes_on(folder: Path) -> None:
    out = folder.parent / "out"
    (item,) = plan(find([str(folder / "a.wav")], out, [RUN]), out, [RUN])
    out.mkdir()
    with suppress(KeyboardInterrupt), item.begun():
        item.target.write_bytes(b"the sidecar was still to come")
        raise KeyboardInterrupt
    item.check()
    (out / f".{item.target.name}.begun").write_text("another run's")
    with pytest.raises(SettingsError, match="is not of this run"):
        item.check()


@pytest.mark.parametrize("link", [False, True])
def test_a_batch_never_writes_over_an_input(folder: Path, link: bool, capsys: pytest.CaptureFixture[str]) -> None:
    mine, other = folder / "a.denoise.wav", folder / "deep" / "a.wav"
    if link:
        mine.symlink_to(other)
    else:
        shutil.copy(other, mine)
        other = mine
    before = mine.read_bytes()
    assert call(folder / "a.wav", other, "-o", folder / "deep" / "..", *FAST, "--force") == 2
    assert "a.denoise.wav is an input itself, which is never written over" in capsys.readouterr().err
    assert mine.read_bytes() == before


@pytest.fixture
def eight(tmp_path: Path, tone: Callable[..., Tensor], noise: Callable[..., Tensor]) -> Path:
    inputs = tmp_path / "in"
    inputs.mkdir()
    for number in range(8):
        samples = tone(300 + 50 * number, 2.0) + noise(2.0, seed=number)
        soundfile.write(inputs / f"{number}.wav", samples[0].numpy(), RATE)
    return inputs


def workers(parent: int, title: str) -> list[int]:
    """Return the processes below another whose command line holds a title."""
    found, waiting = [], [parent]
    while waiting:
        pid = waiting.pop()
        try:
            for task in Path(f"/proc/{pid}/task").iterdir():
                waiting += [int(child) for child in (task / "children").read_text().split()]
            if pid != parent and title in Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "):
                found.append(pid)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def kill(pids: list[int]) -> int:
    """Kill processes, and return how many were still there to be killed."""
    killed = 0
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
            killed += 1
    return killed


@pytest.mark.parametrize(("engine", "title"), [("local", "spawn_main"), ("ray", "ray::restore_item")])
def test_killed_workers_lose_nothing(engine: str, title: str, eight: Path) -> None:
    if engine == "ray":
        pytest.importorskip("ray")
    out, undisturbed = eight.parent / "out", eight.parent / "undisturbed"
    assert call(eight, "-o", undisturbed, *FAST, "-q", "-j", "2") == 0
    command = [*COMMAND, str(eight), "-o", str(out), *FAST, "--json", "-j", "2", "--engine", engine]
    told, killed, written = [], 0, dict[str, int]()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as batch:
        assert batch.stdout is not None
        for line in batch.stdout:
            told.append(json.loads(line))
            written[told[-1]["target"]] = Path(told[-1]["target"]).stat().st_mtime_ns
            if killed < 3:
                time.sleep(0.05 * (killed + 1))  # somewhere in the middle of the next file
                deadline = time.monotonic() + 300
                while not kill(workers(batch.pid, title)[:1]):
                    assert batch.poll() is None, "the batch was over before a worker was killed"
                    assert time.monotonic() < deadline, "no worker was seen at work"
                    time.sleep(0.01)
                killed += 1
    assert batch.returncode == 0
    assert killed == 3
    # Nothing is lost, what was finished was not done again, and no byte differs.
    assert sorted(Path(one["source"]).name for one in told) == [f"{number}.wav" for number in range(8)]
    assert {one["status"] for one in told} == {"done"}
    for target, when in written.items():
        assert Path(target).stat().st_mtime_ns == when
        assert Path(target).read_bytes() == (undisturbed / Path(target).name).read_bytes()
    assert tree(out) == tree(undisturbed)  # no part of a killed worker's work is left behind


def test_an_interrupted_batch_goes_on(eight: Path) -> None:
    out, three = eight.parent / "out", [str(eight / f"{number}.wav") for number in range(3)]
    # The slower default: the second file is not done before the signal comes.
    command = [*COMMAND, *three, "-o", str(out), "--set", "device=cpu", "--json", "-j", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as batch:
        assert batch.stdout is not None
        assert batch.stderr is not None
        batch.stdout.readline()
        batch.send_signal(signal.SIGINT)
        batch.stdout.read()
        assert batch.stderr.read() == "audioprior: interrupted.\n"
    assert batch.returncode == 130
    assert not workers(os.getpid(), str(out))
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    statuses = [json.loads(line)["status"] for line in again.stdout.splitlines()]
    assert statuses.count("skipped") >= 1
    assert len(statuses) == 3


def test_a_worker_that_dies_each_time_is_given_up(folder: Path) -> None:
    command = [*COMMAND, str(folder / "a.wav"), "-o", str(folder / "out"), *FAST, "--json"]
    batch = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    while batch.poll() is None:
        kill(workers(batch.pid, "spawn_main"))
        time.sleep(0.05)
    told = lines(batch.communicate()[0])
    assert batch.returncode == 1
    assert told["a.wav"]["status"] == "failed"
    assert "its worker was lost 4 times" in told["a.wav"]["error"]
