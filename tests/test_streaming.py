"""Long recordings: block by block in constant memory, the same bytes as in memory, and resumed where they stopped."""

import itertools
import json
import math
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

import audioprior as ap
from audioprior.cli import main
from audioprior.compare.metrics import si_sdr
from audioprior.errors import FitError
from audioprior.files.listener import Pace
from audioprior.model.fit import Fit
from audioprior.model.prior import Learned
from audioprior.restoring.job import Job, start
from audioprior.restoring.progress import Progress
from audioprior.restoring.work import Seat
from audioprior.settings.methods import Method
from audioprior.settings.presets import method
from audioprior.sound.encoding import Encoding
from audioprior.sound.recording import Recording
from audioprior.sound.source import chunks, open_source, read
from audioprior.tasks import Denoise, Run

RATE = 8000
OPTIONS = ["--block-s", "1", "--overlap-s", "0.25", "--steps", "12", "-m", "nmf"]
COMMAND = [sys.executable, "-m", "audioprior", "denoise"]


@pytest.fixture
def long(tmp_path: Path, tone: Callable[..., Tensor], noise: Callable[..., Tensor]) -> Path:
    """Six seconds of a stereo tone in noise: eight blocks."""
    samples = tone(440, 6.0, RATE, channels=2) + noise(6.0, RATE, channels=2)
    Recording(samples, RATE, Encoding("WAV", "PCM_16"), {"title": "reel 3"}).write(tmp_path / "x.wav")
    return tmp_path / "x.wav"


def call(*arguments: str | Path) -> int:
    with pytest.raises(SystemExit) as exit_:
        main(list(map(str, arguments)))
    return int(exit_.value.code or 0)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def steps_of(sidecar: Path) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(sidecar.read_text())["steps"]
    return found


def steps(process: "subprocess.Popen[str]") -> Iterator[dict[str, int]]:
    assert process.stdout is not None
    for line in process.stdout:
        event = json.loads(line)
        if event["event"] == "step":
            yield event


def test_a_file_is_the_same_by_blocks_and_in_memory(long: Path) -> None:
    folder = long.parent
    assert call("denoise", long, *OPTIONS, "--removed", folder / "gone.wav") == 0
    assert names(folder) == {"x.wav", "x.denoise.wav", "x.denoise.wav.json", "gone.wav"}
    # A report needs all samples at once, so this one goes through memory.
    assert call("denoise", long, *OPTIONS, "--report", folder / "r.html", "-o", folder / "whole.wav") == 0
    assert (folder / "x.denoise.wav").read_bytes() == (folder / "whole.wav").read_bytes()
    before, after, gone = (read(folder / name) for name in ("x.wav", "x.denoise.wav", "gone.wav"))
    assert (after.samples + gone.samples - before.samples).abs().max() == 0
    assert after.tags["title"] == "reel 3"
    by_blocks, in_memory = (steps_of(folder / f"{name}.wav.json")[0] for name in ("x.denoise", "whole"))
    assert by_blocks["fits"] == in_memory["fits"]
    assert by_blocks["run"] == in_memory["run"]
    assert by_blocks["complete"]


def test_a_killed_fit_goes_on_where_it_stopped(long: Path) -> None:
    folder = long.parent
    assert call("denoise", long, *OPTIONS, "-o", folder / "undisturbed.wav") == 0
    killed = subprocess.Popen([*COMMAND, str(long), *OPTIONS, "--json"], stdout=subprocess.PIPE, text=True)
    for event in steps(killed):
        if event["block"] == 4:
            os.kill(killed.pid, signal.SIGKILL)
            break
    killed.communicate()
    assert names(folder) == {"x.wav", "x.denoise.wav.parts", "undisturbed.wav", "undisturbed.wav.json"}
    again = subprocess.Popen([*COMMAND, str(long), *OPTIONS, "--json"], stdout=subprocess.PIPE, text=True)
    assert next(steps(again))["block"] == 4  # three were finished and are not computed again
    again.communicate()
    assert again.returncode == 0
    assert (folder / "x.denoise.wav").read_bytes() == (folder / "undisturbed.wav").read_bytes()
    one, other = (steps_of(folder / f"{name}.wav.json")[0] for name in ("x.denoise", "undisturbed"))
    assert one["fits"] == other["fits"]
    assert "x.denoise.wav.parts" not in names(folder)


def test_other_settings_begin_anew(long: Path) -> None:
    parts = long.parent / "x.denoise.wav.parts"
    interrupted = subprocess.Popen([*COMMAND, str(long), *OPTIONS, "--json"], stdout=subprocess.PIPE, text=True)
    for event in steps(interrupted):
        if event["block"] == 3:
            interrupted.send_signal(signal.SIGINT)
            break
    interrupted.communicate()
    assert interrupted.returncode == 130
    assert len(names(parts)) >= 3
    again = subprocess.Popen([*COMMAND, str(long), *OPTIONS, "--seed", "1", "--json"], stdout=subprocess.PIPE, text=True)
    assert next(steps(again))["block"] == 1
    again.communicate()
    assert not parts.exists()


def test_a_folder_with_other_files_is_left_alone(long: Path, capsys: pytest.CaptureFixture[str]) -> None:
    parts = long.parent / "x.denoise.wav.parts"
    parts.mkdir()
    (parts / "thesis.txt").write_text("mine")
    assert call("denoise", long, *OPTIONS) == 2
    assert "holds other files" in capsys.readouterr().err
    assert names(parts) == {"thesis.txt"}


def test_a_pipe_gives_the_same_sound(long: Path) -> None:
    assert call("denoise", long, *OPTIONS) == 0
    piped = subprocess.run([*COMMAND, "-", *OPTIONS, "-q"], input=long.read_bytes(), capture_output=True, check=True)
    (long.parent / "piped.wav").write_bytes(piped.stdout)
    assert torch.equal(read(long.parent / "piped.wav").samples, read(long.parent / "x.denoise.wav").samples)


def test_silence_stays_silence(tmp_path: Path) -> None:
    Recording(torch.zeros(1, 3 * RATE, dtype=torch.float64), RATE, Encoding("WAV", "PCM_16")).write(tmp_path / "x.wav")
    assert call("denoise", tmp_path / "x.wav", *OPTIONS) == 0
    assert not read(tmp_path / "x.denoise.wav").samples.any()
    assert names(tmp_path) == {"x.wav", "x.denoise.wav", "x.denoise.wav.json"}


def test_a_sample_that_is_no_number_is_named_with_its_place(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    samples = torch.full((1, 3 * RATE), 0.1, dtype=torch.float64)
    samples[0, 2 * RATE] = torch.nan
    Recording.write(_unchecked(samples), tmp_path / "x.wav")
    assert call("denoise", tmp_path / "x.wav", *OPTIONS) == 3
    assert "NaN or infinite, the first at 2.000 s" in capsys.readouterr().err
    assert names(tmp_path) == {"x.wav"}


def _unchecked(samples: Tensor) -> Recording:
    """Return a recording that the class itself would refuse."""
    recording = Recording(torch.zeros_like(samples), RATE, Encoding("WAV", "FLOAT"))
    object.__setattr__(recording, "samples", samples)
    return recording


@pytest.mark.parametrize(
    "encoding", [Encoding("FLAC", "PCM_16"), Encoding("OGG", "VORBIS"), Encoding("MP3", "MPEG_LAYER_III")]
)
def test_any_place_of_a_file_can_be_read(encoding: Encoding, tmp_path: Path, noise: Callable[..., Tensor]) -> None:
    path = tmp_path / f"x{encoding.extension}"
    Recording(noise(3.0, 16000, channels=2), 16000, encoding).write(path, encoding=encoding)
    whole = read(path).samples
    with open_source(path) as source:
        for start, end in ((30000, 40000), (0, 100), (17, 20000), (source.length - 5, source.length)):
            assert torch.equal(source.read(start, end), whole[:, start:end])
        assert torch.equal(torch.cat(list(chunks(source)), 1), whole)


def test_no_seam_at_the_borders_of_blocks(tone: Callable[..., Tensor], noise: Callable[..., Tensor]) -> None:
    clean = tone(440, 6.0, RATE)
    settings = Denoise(block_s=1.5, overlap_s=0.25)
    result = ap.denoise(clean + noise(6.0, RATE), sample_rate=RATE, method="nmf", settings=settings)
    restored = result.restored.samples[0]
    frames = restored[: 6 * RATE].view(-1, RATE // 10)
    levels = 10 * frames.square().mean(1).log10()
    # The tone is as loud in each tenth of a second, in the middle of a block or at its border.
    assert levels.max() - levels.min() < 0.5
    error = (restored - clean[0]).view(-1, RATE // 10).square().mean(1)
    borders = {round(10 * edge) for edge in itertools.accumulate([1.4375] * 3)}  # (6 - 0.25) / 4 seconds apart
    at, away = (error[[i for i in range(2, 58) if (i in borders) == here]].mean() for here in (True, False))
    assert at < 3 * away


def test_the_time_left_counts_what_this_run_did_and_no_more() -> None:
    """Four blocks of ten steps, a second a step; two were finished by a run before."""
    seconds = iter(range(1000))
    pace = Pace(clock=lambda: float(next(seconds)))
    for number, step in ((block, step) for block in (3, 4) for step in range(1, 11)):
        progress = Progress(number, 4, step, 10, 1.0, lambda: torch.zeros(1, 1), lambda: torch.zeros(1, 1, 1), 0)
        assert pace.left_s(progress) == pytest.approx(10 * (4 - number) + 10 - step)


@pytest.mark.parametrize("name", ["consensus", "nmf"])
def test_blocks_fitted_as_one_batch_sound_as_one_by_one(name: str, long: Path) -> None:
    """As on a GPU, where many small fits would leave it idle."""
    alone = replace(method(name, steps=12), later_share=1.0)
    run = Run(name=name, method=alone, task=Denoise(block_s=1, overlap_s=0.25, device="cpu"))
    sounds, firsts, whole = [], [], read(long)
    for together in (1, 3):
        job = start(whole.with_samples(whole.samples[:, :-3]), run)
        job.together = together
        firsts.append([progress.block for progress in job if progress.step == 1])
        result = job.result()
        assert job.complete
        assert [fit.block for fit in result.fits] == [number for number in range(1, 9) for _ in run.method.windows_ms]
        sounds.append(result.restored.samples)
    assert firsts[0] == list(range(1, 9))
    assert firsts[1] == [1, 4, 7, 8]  # the last one is shorter
    assert float((sounds[0] - sounds[1]).square().mean() / sounds[0].square().mean()) < 1e-8


def test_where_memory_runs_out_half_as_many_blocks_are_fitted_together(long: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = replace(method("nmf", steps=3), later_share=1.0)
    run = Run(name="nmf", method=alone, task=Denoise(block_s=1, overlap_s=0.25, device="cpu"))
    job, begun, fitting = start(read(long), run), list[int](), Job._fit
    job.together = 8

    def fit(self: Job, seats: list[Seat], method: Method, learned: Learned | None) -> Fit:
        begun.append(len(seats))
        if len(seats) > room:
            raise torch.OutOfMemoryError
        return fitting(self, seats, method, learned)

    monkeypatch.setattr(Job, "_fit", fit)
    room = 2
    for _ in job:
        pass
    assert job.complete
    assert begun[:3] == [8, 4, 2]
    assert [fit.block for fit in job.result().fits[::3]] == list(range(1, 9))
    job, room = start(read(long), run), 0
    with pytest.raises(FitError, match="does not fit into the memory of cpu; use --device cpu"):
        list(job)


@pytest.mark.parametrize("name", ["consensus", "fast"])
def test_later_blocks_start_from_what_was_learned(
    name: str, tone: Callable[..., Tensor], noise: Callable[..., Tensor]
) -> None:
    """A quarter of the steps, and no less of a steady tone is found, whether blocks go one by one or in batches."""
    clean = tone(440, 6.0, RATE)
    noisy = Recording(clean + noise(6.0, RATE), RATE)
    run = Run(name=name, method=method(name), task=Denoise(block_s=1, overlap_s=0.25, device="cpu"))
    gains = []
    for share, together in ((1.0, 1), (0.25, 1), (0.25, 4)):
        job = start(noisy, replace(run, method=replace(run.method, later_share=share)))
        job.together = together
        firsts = [progress.block for progress in job if progress.step == 1]
        assert firsts == ([1, 2, 6] if together == 4 else list(range(1, 9)))
        result, most = job.result(), run.method.stopping.max_steps
        assert [fit.steps for fit in result.fits] == [most] * 3 + [math.ceil(share * most)] * 21
        gains.append(float(si_sdr(result.restored.samples, clean) - si_sdr(noisy.samples, clean)))
    assert min(gains[1:]) > gains[0] - 0.3


def test_an_earlier_output_is_the_same_by_blocks_and_in_memory(long: Path) -> None:
    folder = long.parent
    options = [*OPTIONS, "--stop-at", "0.25", "--protect", "1.5-2.5:0-4000", "--protect", "4-5:300-600"]
    assert call("denoise", long, *options) == 0
    assert call("denoise", long, *options, "--report", folder / "r.html", "-o", folder / "whole.wav") == 0
    assert call("denoise", long, *OPTIONS, "-o", folder / "end.wav") == 0
    assert (folder / "x.denoise.wav").read_bytes() == (folder / "whole.wav").read_bytes()
    before, early, end = (read(folder / name).samples for name in ("x.wav", "x.denoise.wav", "end.wav"))
    assert torch.equal(early[:, 12000:20000], before[:, 12000:20000])  # protected, across a border of blocks
    assert not torch.equal(early, end)
    assert call("denoise", long, "--config", folder / "x.denoise.wav.json", "-o", folder / "again.wav") == 0
    assert (folder / "again.wav").read_bytes() == (folder / "x.denoise.wav").read_bytes()
