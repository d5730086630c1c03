"""Comparing: the folder, the scores, and what happens when a system or a file is no good."""

import base64
import json
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args, get_type_hints

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

import audioprior as ap
from audioprior.cli.compare import compare as command
from audioprior.compare import System, compare, metrics
from audioprior.compare.folder import replacing_folder
from audioprior.compare.measure import SCORES, measure, scored
from audioprior.compare.peers import PEERS, Peer
from audioprior.compare.systems import LINEUPS, installed, names, system
from audioprior.errors import AudioError, SettingsError
from audioprior.sound.encoding import Encoding
from audioprior.sound.recording import Recording
from audioprior.sound.source import read
from audioprior.tasks import TASKS
from tests.conftest import SAMPLES
from tests.test_cli import call

QUICK = "free,log-mmse"


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """The sample, cut to a second and a half, and the same without its damage."""
    cut = []
    for name, source in (("x.flac", "guitar_vinyl"), ("clean.flac", "guitar")):
        samples, rate = soundfile.read(SAMPLES / f"{source}.flac", start=44100, frames=66150)
        soundfile.write(tmp_path / name, samples, rate, subtype="PCM_16")
        cut.append(tmp_path / name)
    return cut[0], cut[1]


def shown(page: Path) -> dict[str, Any]:
    """What the page's script is given."""
    found = re.search(r'<script id="data" type="text/plain">([^<]*)</script>', page.read_text(encoding="utf-8"))
    assert found
    return dict(json.loads(base64.b64decode(found[1])))


def same(name: str = "same", act: Callable[[Tensor, int], Tensor] = lambda samples, _: samples) -> System:
    return System(name, act)


def test_the_folder_holds_what_denoise_gives(pair: tuple[Path, Path]) -> None:
    path, clean = pair
    assert call("compare", path, "--clean", clean, "--systems", QUICK, "-q") == 0
    folder = path.parent / "x.compare"
    scores = json.loads((folder / "scores.json").read_text())
    sounds = [scores["input"], scores["reference"], *scores["rows"]]
    files = {one[kind] for one in sounds for kind in ("sound", "picture")}
    assert {file.name for file in folder.iterdir()} == {"index.html", "scores.json", *files}
    assert all(re.fullmatch(r"sound-0\d\.(wav|png)", file) for file in files)  # neutral, and each its own
    assert len(files) == 2 * len(sounds)
    assert not any(one.name.startswith(".") for one in path.parent.iterdir())
    for row in scores["rows"]:
        assert call("denoise", path, "-m", row["name"], "-o", folder.parent / "y.flac", "--force", "-q") == 0
        page, file = read(folder / row["sound"]), read(folder.parent / "y.flac")
        assert torch.equal(page.samples, file.samples)
        assert (page.sample_rate, page.encoding.subtype) == (file.sample_rate, file.encoding.subtype)
    assert torch.equal(read(folder / scores["input"]["sound"]).samples, read(path).samples)
    assert torch.equal(read(folder / scores["reference"]["sound"]).samples, read(clean).samples)


@pytest.mark.parametrize(
    ("encoding", "subtype"),
    [
        (Encoding("WAV", "PCM_U8"), "PCM_16"),
        (Encoding("AIFF", "PCM_24"), "PCM_24"),
        (Encoding("WAV", "PCM_32"), "PCM_32"),
        (Encoding("WAV", "DOUBLE"), "FLOAT"),
        (Encoding("OGG", "VORBIS"), "PCM_24"),
    ],
)
def test_browsers_can_play_it_whatever_came_in(
    tmp_path: Path, noise: Callable[..., Tensor], encoding: Encoding, subtype: str
) -> None:
    path = tmp_path / f"x{encoding.extension}"
    Recording(noise(0.5, channels=2), 16000, encoding).write(path, encoding=encoding)
    compare(path, systems=["free"]).write(tmp_path / "out")
    ap.denoise(path, method="free").restored.write(tmp_path / f"y{encoding.lossless().extension}")
    row = json.loads((tmp_path / "out" / "scores.json").read_text())["rows"][0]
    sound = read(tmp_path / "out" / row["sound"])
    assert sound.encoding == Encoding("WAV", subtype)
    assert (sound.samples - read(next(tmp_path.glob("y.*"))).samples).abs().max() < 1e-7  # a DOUBLE is played as FLOAT


def test_scores_are_those_of_metrics(pair: tuple[Path, Path]) -> None:
    recording, clean = map(read, pair)
    result = compare(recording, clean=clean, systems=["free", same()])
    free, untouched = (row.measured for row in result.rows)
    assert free
    assert untouched
    rate = recording.sample_rate
    assert torch.equal(free.samples, ap.denoise(recording, method="free").restored.samples)
    assert free.scores["si_sdr"] == metrics.si_sdr(clean.samples, free.samples)
    for name in ("lsd", "pesq", "stoi", "visqol"):
        if name not in free.unscored:
            assert free.scores[name] == getattr(metrics, name if name != "lsd" else "log_spectral_distance")(
                clean.samples, free.samples, rate
            )
    assert untouched.scores == result.scores
    assert free.scores["si_sdr"] > result.scores["si_sdr"] + 0.5
    assert free.seconds > 0
    assert not compare(recording, systems=[same()]).rows[0].measured.scores  # type: ignore[union-attr]


def test_the_best_of_each_score_is_marked(pair: tuple[Path, Path], tmp_path: Path) -> None:
    half = same("half", lambda samples, _: 0.5 * samples)
    compare(pair[0], clean=pair[1], systems=["free", half]).write(tmp_path / "out")
    rows = {row["name"]: row for row in shown(tmp_path / "out" / "index.html")["rows"]}
    assert list(rows) == ["as it is", "reference", "free", "half"]  # the best system first
    free, half_row = rows["free"]["scores"], rows["half"]["scores"]
    for key, score in SCORES.items():
        if key in free and key in half_row:
            better = free[key] > half_row[key] if score.higher else free[key] < half_row[key]
            assert (key in rows["free"]["best"]) == better
    assert rows["half"]["level_dbfs"] - rows["as it is"]["level_dbfs"] == pytest.approx(-6.02, abs=0.01)
    assert rows["half"]["raise_db"] == pytest.approx(6.02, abs=0.01)
    assert rows["free"]["speed"] == pytest.approx(1.5 / rows["free"]["seconds"])


def test_no_system_sees_the_reference_or_what_another_did(noise: Callable[..., Tensor]) -> None:
    sound, clean = noise(0.5), noise(0.5, seed=1)
    given: list[tuple[Any, ...]] = []

    def greedy(*arguments: Any) -> Tensor:
        given.append((arguments[0].clone(), *arguments[1:]))
        arguments[0].zero_()  # in place
        return torch.zeros_like(sound)

    result = compare(sound, clean=clean, sample_rate=16000, systems=[same("one", greedy), same("two", greedy)])
    assert len(given) == 2
    for samples, *rest in given:
        assert torch.equal(samples, sound)
        assert rest == [16000]
    assert torch.equal(result.recording.samples, sound)


@pytest.mark.parametrize(
    ("act", "why"),
    [
        (lambda samples, _: samples[:, 1:], "failed: ValueError (it gave samples of shape (1, 7999) for (1, 8000))."),
        (lambda samples, _: samples / 0, "failed: ValueError (it gave samples that are NaN or infinite)."),
        (lambda samples, _: samples.no_such_thing, "failed: AttributeError ("),
    ],
)
def test_one_that_fails_does_not_stop_the_rest(
    tmp_path: Path, noise: Callable[..., Tensor], act: Callable[[Tensor, int], Tensor], why: str
) -> None:
    result = compare(noise(0.5), sample_rate=16000, systems=[same("bad", act), same()])
    assert [row.measured is None for row in result.rows] == [True, False]
    assert result.rows[0].failure.startswith(f"bad {why}")
    assert "\n" not in result.rows[0].failure
    result.write(tmp_path / "out")
    kinds = [(row["kind"], row.get("failure", "")) for row in shown(tmp_path / "out" / "index.html")["rows"]]
    assert kinds == [("input", ""), ("system", ""), ("failed", result.rows[0].failure)]


def test_the_command_says_which_failed(
    pair: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(samples: np.ndarray, rate: int) -> np.ndarray:  # noqa: ARG001
        print("chatter")
        raise OSError(f"no model for {rate} Hz")

    monkeypatch.setitem(PEERS, "noisereduce", Peer(broken, (), "noisereduce", ""))
    assert call("compare", pair[0], "--systems", "noisereduce,free", "--json") == 0
    printed = capsys.readouterr()
    events = [json.loads(line) for line in printed.out.splitlines()]  # and no chatter between
    assert [event["event"] for event in events] == ["system", "system", "done"]
    assert events[0]["failure"] == "noisereduce failed: OSError (no model for 44100 Hz)."
    assert printed.err == f"audioprior: {events[0]['failure']}\n"
    assert Path(events[-1]["output"]).is_file()
    assert call("compare", pair[0], "--systems", "noisereduce", "-q", "--force") == 1  # nothing came out
    assert json.loads((Path(events[-1]["output"]).parent / "scores.json").read_text())["rows"][0]["failure"]


def test_a_page_asks_nobody_and_a_blind_one_names_nobody(pair: tuple[Path, Path]) -> None:
    assert call("compare", pair[0], "--systems", "log-mmse,nmf-2", "--blind", "-q") == 0
    page = pair[0].parent / "x.compare" / "index.html"
    text = page.read_text(encoding="utf-8")
    assert not re.search(r"https?:|//[a-z]+\.[a-z]|@import|url\(|\s(src|href)=", text)
    assert "log-mmse" not in text  # a hyphen, which base64 does not hold
    assert "nmf-2" not in text
    assert "SI-SDR" not in text  # no reference, no scores
    assert shown(page)["blind"]
    assert [row["name"] for row in shown(page)["rows"]] == ["as it is", "log-mmse", "nmf-2"]


def test_markup_in_a_name_is_text(tmp_path: Path, noise: Callable[..., Tensor]) -> None:
    recording = Recording(noise(0.1), 16000, name="<img src=x onerror=alert(1)> & {{ 7 * 7 }}.wav")
    compare(recording, clean=recording, systems=[same("<script>alert(2)")]).write(tmp_path / "out")
    text = (tmp_path / "out" / "index.html").read_text(encoding="utf-8")
    assert "<img src=x" not in text
    assert "<script>alert" not in text
    assert "<h1>&lt;img src=x onerror=alert(1)&gt; &amp; {{ 7 * 7 }}.wav: denoise, compared</h1>" in text
    assert all(f"<dt>{score.label} " in text for score in SCORES.values())
    assert shown(tmp_path / "out" / "index.html")["title"] == recording.name


def test_too_short_for_a_score_is_no_score(noise: Callable[..., Tensor]) -> None:
    found, unscored = scored(noise(0.1), noise(0.1, seed=1), 16000)
    assert {"si_sdr", "lsd"} <= found.keys()
    assert unscored.keys() >= {"pesq", "stoi"}
    assert found.keys() | unscored.keys() == SCORES.keys()
    assert all(text.endswith(".") and "\n" not in text for text in unscored.values())


def test_a_score_whose_package_is_missing_says_so(noise: Callable[..., Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pesq", None)
    measured = measure(same(), noise(1.0), 16000, clean=noise(1.0, seed=1), scores=["pesq"])
    assert measured.unscored == {"pesq": "PESQ needs the package pesq; `pip install 'audioprior[metrics]'` brings it."}


@pytest.mark.parametrize("name", PEERS)
def test_peers_keep_channels_and_length(name: str, noise: Callable[..., Tensor], tone: Callable[..., Tensor]) -> None:
    if PEERS[name].missing():
        pytest.skip(f"{PEERS[name].missing()} is not here")
    samples = tone(440, 1.0, channels=2) + noise(1.0, channels=2)
    assert measure(system(name), samples, 16000).samples.shape == samples.shape
    assert system(name).trained == ("speech" if name in ("rnnoise", "deepfilternet3") else "")


def test_declip_and_inpaint_stand_beside_what_was_used_before(tone: Callable[..., Tensor], tmp_path: Path) -> None:
    clean = tone(440, 0.4) + tone(620, 0.4)
    clipped, gap = clean.clamp(-0.4, 0.4), clean.clone()
    gap[:, 3000:3100] = 0
    for task, sound, other in (("declip", clipped, "a-spade"), ("inpaint", gap, "janssen")):
        result = compare(sound, clean=clean, sample_rate=16000, task=task, systems=["free", other])
        assert not any(row.failure for row in result.rows)
        for row in result.rows:
            assert row.measured
            assert row.measured.scores["si_sdr"] > result.scores["si_sdr"] + 3, (task, row.system.name)
        result.write(tmp_path / task)
        with pytest.raises(SettingsError, match=f"nothing to {task} was found in input; give a recording that needs it"):
            compare(clean, sample_rate=16000, task=task, systems=["free"])


def test_bad_requests_are_told_in_one_sentence(
    pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path, clean = pair
    folder = path.parent
    (folder / "notes.txt").write_text("not sound")
    (folder / "full").mkdir()
    (folder / "full" / "letter.txt").write_text("dear")
    samples, rate = soundfile.read(clean)
    soundfile.write(folder / "other_rate.wav", samples, 48000)
    soundfile.write(folder / "mono.wav", samples[:, 0], rate)
    soundfile.write(folder / "short.wav", samples[:-1], rate)
    monkeypatch.setitem(PEERS, "logmmse", replace(PEERS["logmmse"], modules=("no_such_module",)))
    monkeypatch.setitem(PEERS, "afftdn", replace(PEERS["afftdn"], modules=("no_such_program",)))
    for options, code, message in (
        (["--systems", "oracle"], 2, "there is no system 'oracle' to denoise; choose from consensus, fast, best"),
        (["--systems", "free,a-spade"], 2, "there is no system 'a-spade' to denoise"),
        (["--systems", "log-mmse", "--task", "declip"], 2, "choose from consensus, blindspot"),
        (["--systems", "logmmse"], 2, "logmmse needs the package no_such_module, which is not here; `pip install"),
        (["--systems", "afftdn"], 2, "afftdn needs the program no_such_program, which is not here; install it"),
        (["--clean", folder / "other_rate.wav"], 2, "has 2 channels, 66150 samples at 48000 Hz, but "),
        (["--clean", folder / "mono.wav"], 2, "has 1 channel, 66150 samples at 44100 Hz, but "),
        (["--clean", folder / "short.wav"], 2, "66149 samples at 44100 Hz, but "),
        (["--clean", folder / "notes.txt"], 3, "cannot be read as sound"),
        (["--clean", folder / "gone.wav"], 3, "does not exist; check the path"),
        (["-o", folder / "full"], 2, "holds letter.txt, which no comparison wrote; name another folder with -o"),
        (["-o", folder / "full", "--force"], 2, "holds letter.txt, which no comparison wrote"),
        (["-o", clean], 2, "is a file; name a folder with -o"),
        (["-o", folder / "no" / "such"], 2, "does not exist; create it first"),
        (["--task", "separate"], 2, "separate"),
    ):
        assert call("compare", path, *options) == code, options
        printed = capsys.readouterr()
        assert message in printed.err, options
        assert printed.err.startswith("audioprior: ")
        assert printed.err.count("\n") == 1
        assert printed.out == ""
    assert call("compare", folder / "notes.txt") == 3
    assert call("compare", "-") == 2
    assert (folder / "full" / "letter.txt").read_text() == "dear"
    assert not (folder / "x.compare").exists()
    assert not (folder / "notes.compare").exists()


def test_only_an_earlier_comparison_is_replaced(pair: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    folder = pair[0].parent / "x.compare"
    folder.mkdir()  # empty: may be used
    assert call("compare", pair[0], "--systems", "free,log-mmse", "-q") == 0
    assert call("compare", pair[0], "--systems", "free", "-q") == 2
    assert "holds a comparison; use --force to replace it" in capsys.readouterr().err
    assert call("compare", pair[0], "--systems", "free", "-q", "--force") == 0
    assert len(list(folder.iterdir())) == 6  # nothing of the earlier one is left


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError(28, "No space left on device")])
def test_a_failure_leaves_what_was_there(tmp_path: Path, error: BaseException | type[BaseException]) -> None:
    folder = tmp_path / "x"
    folder.mkdir()
    (folder / "index.html").write_text("before")

    def write() -> Iterator[None]:
        with replacing_folder(folder, force=True) as beside:
            (beside / "index.html").write_text("after")
            yield
            raise error

    with pytest.raises((KeyboardInterrupt, AudioError)) as caught:
        list(write())
    if isinstance(caught.value, AudioError):
        assert str(caught.value) == f"{folder} cannot be written (No space left on device); check the disk and the folder."
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
    assert (folder / "index.html").read_text() == "before"


def test_an_interruption_leaves_nothing(pair: tuple[Path, Path]) -> None:
    command = [sys.executable, "-m", "audioprior", "compare", str(pair[0]), "--json", "--systems", "free,skip"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert json.loads(process.stdout.readline())["name"] == "free"
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=300)
    assert process.returncode == 130
    assert errors == "audioprior: interrupted.\n"
    assert {path.name for path in pair[0].parent.iterdir()} == {"x.flac", "clean.flac"}


def test_defaults_exist() -> None:
    with pytest.raises(SettingsError, match="systems to extend cannot be compared; choose one of denoise, declip, inpaint"):
        compare(torch.ones(8), sample_rate=8000, task="extend")
    for task, lineup in LINEUPS.items():
        assert task in TASKS
        assert {*lineup.methods, *lineup.others} <= set(names(task))
        assert set(installed(task)) <= {*lineup.methods, *lineup.others}
        assert all(system(name, task).about for name in installed(task))
        assert all(system(name, task).name == name for name in installed(task))


def test_the_command_offers_every_task_that_has_something_to_compare() -> None:
    offered = get_args(get_type_hints(command)["task"])
    assert set(offered) == set(LINEUPS)


def test_silence_leaves_nothing_to_compare() -> None:
    with pytest.raises(SettingsError, match="nothing to denoise was found in input; give a recording that needs it"):
        compare(torch.zeros(1, 8000), sample_rate=16000, systems=["free"])
