"""A chain: several tasks, one after the other, each with what it removed; and what identifies a run."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import soundfile
import torch
from torch import Tensor

import audioprior as ap
from audioprior.cli import main
from audioprior.errors import SettingsError
from audioprior.noise.profile import learn
from audioprior.restoring.job import Job
from audioprior.settings.methods import Method
from audioprior.settings.priors import Nmf
from audioprior.settings.rules import FixedSteps
from audioprior.sound.encoding import Encoding
from audioprior.sound.recording import Recording
from audioprior.sound.source import read

RATE = 8000
FAST = Method(windows_ms=(32.0,), prior=Nmf(rank=2), stopping=FixedSteps(max_steps=4))
COMMAND = [sys.executable, "-m", "audioprior"]


@pytest.fixture
def tape(tone: Callable[..., Tensor], noise: Callable[..., Tensor]) -> Recording:
    """Three seconds of a tone in noise, with a gap and a click."""
    samples = tone(440, 3.0, RATE) + noise(3.0, RATE, level=0.02)
    samples[:, 8000:8080] = 0
    samples[:, 16000:16003] += torch.tensor([0.5, -0.4, 0.2])
    return Recording(samples.float().double(), RATE, Encoding("WAV", "FLOAT"))


def call(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as exit_:
        main(list(map(str, arguments)))
    return int(exit_.value.code or 0)


def steps_of(path: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(path.read_text())["steps"]
    return found


def test_each_step_works_on_what_the_one_before_left_and_keeps_what_it_removed(tape: Recording) -> None:
    filled = ap.inpaint(tape, settings=ap.Inpaint(gaps=((1.0, 1.01),)))
    clean = filled.then(ap.Denoise(strength=0.5), FAST)
    assert clean.before is filled
    assert clean.chain == (filled, clean)
    assert torch.equal(clean.original.samples, filled.restored.samples)
    assert torch.equal(clean.restored.samples + clean.removed.samples, filled.restored.samples)
    total = sum((step.removed.samples for step in clean.chain), torch.zeros(1))
    assert torch.allclose(total + clean.restored.samples, tape.samples, atol=1e-12)
    alone = ap.denoise(filled.restored, method=FAST, settings=ap.Denoise(strength=0.5))
    assert torch.equal(alone.restored.samples, clean.restored.samples)


def test_a_step_can_be_taken_out_again(tape: Recording) -> None:
    gaps, noise = ap.Inpaint(gaps=((1.0, 1.01),)), ap.Denoise()
    chain = ap.inpaint(tape, settings=gaps).then(ap.Declick()).then(noise, FAST)
    without = chain.without(2)
    assert [step.run.task.kind for step in without.chain] == ["inpaint", "denoise"]
    wanted = ap.inpaint(tape, settings=gaps).then(noise, FAST)
    assert torch.equal(without.restored.samples, wanted.restored.samples)
    assert torch.equal(chain.without(3).restored.samples, chain.chain[1].restored.samples)
    with pytest.raises(SettingsError, match="step 4 of 3 cannot be taken out"):
        chain.without(4)
    with pytest.raises(SettingsError, match="step 1 of 1"):
        chain.chain[0].without(1)


def test_a_chain_from_file_to_file_is_that_of_the_library_and_config_repeats_it(tape: Recording, tmp_path: Path) -> None:
    tape.write(tmp_path / "x.wav")
    words = ["--step", "inpaint:gaps=1-1.01", "--step", "declick", "--step", "denoise:method=fast,block_s=1,overlap_s=0.25"]
    assert call("repair", tmp_path / "x.wav", *words, "--removed", tmp_path / "gone.wav", "-q") == 0
    assert {path.name for path in tmp_path.iterdir()} == {"x.wav", "x.repair.wav", "x.repair.wav.json", "gone.wav"}
    filled = ap.inpaint(tape, settings=ap.Inpaint(gaps=((1.0, 1.01),))).then(ap.Declick())
    result = filled.then(ap.Denoise(block_s=1, overlap_s=0.25), "fast")
    made, gone = read(tmp_path / "x.repair.wav").samples, read(tmp_path / "gone.wav").samples
    assert torch.equal(made, result.restored.samples.float().double())
    assert (made + gone - tape.samples).abs().max() < 1e-7  # the two files, as 32-bit floats
    facts = steps_of(tmp_path / "x.repair.wav.json")
    assert [step["run"]["task"]["kind"] for step in facts] == ["inpaint", "declick", "denoise"]
    assert [len(step["findings"]) for step in facts] == [1, 1, 0]
    again: list[str | Path] = ["--config", tmp_path / "x.repair.wav.json", "-o", tmp_path / "again.wav", "-q"]
    assert call("repair", tmp_path / "x.wav", *again) == 0
    assert (tmp_path / "again.wav").read_bytes() == (tmp_path / "x.repair.wav").read_bytes()
    assert call("batch", tmp_path / "x.wav", "-o", tmp_path / "out", "--config", tmp_path / "x.repair.wav.json", "-q") == 0
    assert (tmp_path / "out" / "x.repair.wav").read_bytes() == (tmp_path / "x.repair.wav").read_bytes()
    assert call("denoise", tmp_path / "x.wav", "--config", tmp_path / "x.repair.wav.json", "-o", tmp_path / "no.wav") == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "give the steps, each with --step TASK"),
        (["--step", "polish"], "there is no task 'polish'; choose one of denoise"),
        (["--step", "denoise:power=3"], "'power=3' sets nothing of denoise"),
        (["--step", "denoise:strength=3"], "strength is 3.0; it must be between 0 and 1"),
    ],
)
def test_bad_steps_are_a_sentence(
    words: list[str], message: str, tape: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tape.write(tmp_path / "x.wav")
    assert call("repair", tmp_path / "x.wav", *words) == 2
    assert message in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"x.wav"}


@pytest.mark.parametrize(
    "words",
    [
        ["declick", "--steps", "8"],
        ["dequantise", "--bits", "6", "-m", "nmf", "--steps", "8"],
        ["extend", "--cutoff", "2000"],
        ["repair", "--step", "declick", "--step", "denoise:method=fast,block_s=5,overlap_s=1"],
    ],
    ids=lambda words: words[0],
)
def test_every_long_task_goes_on_after_a_kill_with_the_same_bytes(
    words: list[str], tone: Callable[..., Tensor], noise: Callable[..., Tensor], tmp_path: Path
) -> None:
    samples = tone(440, 45.0, RATE) + noise(45.0, RATE, level=0.02)
    for start in range(4000, samples.shape[1] - 100, 25000):
        samples[:, start : start + 3] += torch.tensor([0.5, -0.4, 0.2])
    Recording(samples.clamp(-1, 1), RATE, Encoding("WAV", "PCM_16")).write(tmp_path / "x.wav")
    task, *options = words
    assert call(task, tmp_path / "x.wav", *options, "-o", tmp_path / "whole.wav", "-q") == 0
    command = [*COMMAND, task, str(tmp_path / "x.wav"), *options, "-o", str(tmp_path / "y.wav"), "--json"]
    killed = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert killed.stdout is not None
    for line in killed.stdout:
        event = json.loads(line)
        if event["event"] == "step" and event["block"] == 3:
            os.kill(killed.pid, signal.SIGKILL)
            break
    killed.communicate()
    (parts,) = tmp_path.glob("y.wav*.parts")
    kept = len(list(parts.glob("*.pt")))
    assert kept == 2
    again = subprocess.run(command, capture_output=True, text=True, check=True)
    first = next(event for line in again.stdout.splitlines() if (event := json.loads(line))["event"] == "step")
    assert first["block"] == 3  # two were finished and are not done again
    assert (tmp_path / "y.wav").read_bytes() == (tmp_path / "whole.wav").read_bytes()
    assert not list(tmp_path.glob("*.parts"))


def test_another_noise_profile_is_another_run(tape: Recording, tmp_path: Path, noise: Callable[..., Tensor]) -> None:
    tape.write(tmp_path / "x.wav")
    profile = tmp_path / "p.json"
    learn(Recording(noise(1.0, RATE, level=0.02), RATE), (0.0, 1.0)).write(profile)
    options: list[str | Path] = ["--set", f"noise={profile}", "-m", "fast", "-o", tmp_path / "out", "--json"]
    assert call("batch", tmp_path / "x.wav", *options) == 0
    before = (tmp_path / "out" / "x.denoise.wav").read_bytes()
    learn(Recording(noise(1.0, RATE, level=0.1, seed=1), RATE), (0.0, 1.0)).write(profile, force=True)
    assert call("batch", tmp_path / "x.wav", *options) == 1  # what another run made is not replaced unasked
    assert (tmp_path / "out" / "x.denoise.wav").read_bytes() == before
    assert call("batch", tmp_path / "x.wav", *options, "--force") == 0
    assert (tmp_path / "out" / "x.denoise.wav").read_bytes() != before
    inputs = json.loads((tmp_path / "out" / "x.denoise.wav.json").read_text())["inputs"]
    assert inputs.keys() == {"sound", "noise"}


def test_another_excerpt_is_another_run(tone: Callable[..., Tensor], noise: Callable[..., Tensor], tmp_path: Path) -> None:
    Recording(tone(440, 1.0, RATE), RATE).write(tmp_path / "x.wav")
    results = []
    for seed in (0, 1):
        Recording(noise(1.0, RATE, level=0.2, seed=seed), RATE).write(tmp_path / "like.wav", force=True)
        settings = ["--task", "extend", "--set", "cutoff_hz=2000", "--set", f"like={tmp_path}/like.wav"]
        assert call("batch", tmp_path / "x.wav", *settings, "-o", tmp_path / "out", "-q", "--force") == 0
        results.append((tmp_path / "out" / "x.extend.wav").read_bytes())
    assert results[0] != results[1]


def test_two_formats_of_one_name_are_two_records(
    tape: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.wav", "a.flac"):
        tape.write(tmp_path / name, encoding=Encoding("WAV" if name == "a.wav" else "FLAC", "PCM_16"))
    for status in ("done", "skipped"):
        assert call("batch", tmp_path, "-m", "fast", "-o", tmp_path / "out", "--json") == 0
        events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [event["status"] for event in events if event["event"] == "file"] == [status, status]
    assert call("batch", tmp_path, "--task", "declip", "-o", tmp_path / "more") == 2  # both might become a.declip.wav
    assert "would both be written to" in capsys.readouterr().err


def test_what_cannot_be_written_is_refused_before_the_work(
    tape: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tape.write(tmp_path / "x.wav")
    assert call("extend", tmp_path / "x.wav", "--rate", "44100", "-o", tmp_path / "q.opus") == 2
    assert "OGG OPUS cannot hold 1 channels at 44100 Hz" in capsys.readouterr().err
    assert call("denoise", tmp_path / "x.wav", "-o", tmp_path / "x.wav", "--force") == 2
    assert "is the input itself, which is never written over" in capsys.readouterr().err


def test_an_input_that_changes_meanwhile_is_no_result(
    tape: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.wav"
    tape.write(path)
    finished = Job.result

    def changed(job: Job) -> ap.Result:
        soundfile.write(path, tape.samples[0, :4000].numpy(), RATE)
        return finished(job)

    monkeypatch.setattr(Job, "result", changed)
    assert call("denoise", path, "-m", "fast", "-q") == 3
    assert "x.wav was changed while it was read; run it again" in capsys.readouterr().err
    assert {path.name for path in tmp_path.iterdir()} == {"x.wav"}


def test_a_part_that_was_cut_short_is_done_again(tape: Recording, tmp_path: Path) -> None:
    from audioprior.restoring.store import Finished, Folder

    store = Folder(tmp_path / "parts", "run")
    for number in (1, 2):
        store.keep(number, Finished([tape.samples]))
    second = tmp_path / "parts" / "000002.pt"
    second.write_bytes(second.read_bytes()[:1000])
    again = Folder(tmp_path / "parts", "run")
    assert again.finished == 1
    assert torch.equal(again.load(1).sounds[0], tape.samples)
    assert Folder(tmp_path / "parts", "another").finished == 0


def test_a_bar_goes_through_several_files_and_steps(
    tape: Recording, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a.wav", "b.wav"):
        tape.write(tmp_path / name)
    steps = ["--step", "declick", "--step", "denoise:method=fast"]
    assert call("repair", tmp_path / "a.wav", tmp_path / "b.wav", *steps) == 0
    told = " ".join(capsys.readouterr().err.split())
    assert f"{tmp_path}/a.wav: {tmp_path}/a.repair.wav" in told
    assert f"{tmp_path}/b.wav: {tmp_path}/b.repair.wav" in told
