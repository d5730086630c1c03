"""The server behind the page: what it takes, what it refuses, and that nothing is lost."""

import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from audioprior.cli.app import app
from audioprior.errors import SettingsError
from audioprior.settings.json import encode
from audioprior.sound.encoding import Encoding
from audioprior.sound.levels import levels
from audioprior.sound.recording import Recording
from audioprior.sound.source import read
from audioprior.tasks import Denoise, Inpaint, Run
from audioprior.web.recordings import Recordings, clean_name
from audioprior.web.requests import Wish, adjusted, asked, command_line
from tests.serving import Server, run_command

RATE = 8000


@pytest.fixture
def noisy(tmp_path: Path, tone: Callable[..., Tensor], noise: Callable[..., Tensor]) -> Path:
    """Two seconds of a stereo tone in noise."""
    samples = tone(440, 2.0, RATE, channels=2) + noise(2.0, RATE, channels=2)
    Recording(samples, RATE, Encoding("WAV", "PCM_16")).write(tmp_path / "a tape.wav")
    return tmp_path / "a tape.wav"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("page"), "--max-mb", "3") as running:
        yield running


@pytest.fixture(scope="module")
def stored(server: Server, tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A second of quiet noise that has arrived."""
    path = tmp_path_factory.mktemp("quiet") / "quiet.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.01, RATE), RATE)
    return server.send(path)


WISHES = [
    {"task": "denoise", "method": "fast", "settings": {"strength": 0.7, "noise": [0.1, 0.5], "stop_at": 0.25}},
    {"task": "denoise", "method": "fast", "settings": {"protect": [[0.5, 1.0, 100.0, 900.0], [1.2, 1.4, 0.0, 4000.0]]}},
    {"task": "inpaint", "settings": {"gaps": [[0.5, 0.51], [1.0, 1.02]], "fill": "sample", "seed": 3}},
    {"task": "inpaint", "settings": {"regions": [[0.5, 0.6, 300.0, 1000.0]]}},
    {"task": "declip", "settings": {"level": -8.0}},
    {"task": "declick", "settings": {"sensitivity": 0.8, "keep": [2, 5]}},
    {"task": "dequantise", "settings": {"bits": 8}},
    {"task": "extend", "settings": {"cutoff_hz": 3000.0}},
]


@pytest.mark.parametrize("wish", WISHES)
def test_the_command_line_shown_means_the_same_settings(wish: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    run = asked(Wish(**wish))
    seen: list[Run] = []
    monkeypatch.setattr("audioprior.files.runner.restore_each", lambda _, chain, *__, **___: seen.extend(chain))
    program, *words = shlex.split(command_line(run, "-my 'tape'.wav"))
    app(words, exit_on_error=False, print_error=False, result_action="return_value")
    assert program == "audioprior"
    assert encode(seen[0]) == encode(run)


@pytest.mark.parametrize(
    ("wish", "sentence"),
    [
        ({"task": "erase"}, "there is no task 'erase'"),
        ({"task": "denoise", "settings": {"noise": "/etc/passwd.json"}}, "the page cannot set noise"),
        ({"task": "extend", "settings": {"like": "/etc/passwd"}}, "the page cannot set like"),
        ({"task": "denoise", "settings": {"strength": 2}}, "strength is 2"),
        ({"task": "denoise", "settings": {"strength": "all"}}, "not valid"),
        ({"task": "denoise", "method": "magic"}, "there is no method 'magic'"),
    ],
)
def test_what_makes_no_sense_is_refused(wish: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence):
        asked(Wish(**wish))


def test_only_what_needs_no_fit_is_adjusted() -> None:
    run = asked(Wish(task="denoise"))
    moved = adjusted(run, {"strength": 0.5, "stop_at": 0.25})
    assert moved.task == Denoise(strength=0.5, stop_at=0.25)
    with pytest.raises(SettingsError, match="strength is 2"):
        adjusted(run, {"strength": 2.0})
    with pytest.raises(SettingsError, match="run inpaint again"):
        adjusted(Run(task=Inpaint()), {"strength": 0.5})


@given(st.text(max_size=300))
def test_any_name_becomes_one_that_any_disk_can_hold(name: str) -> None:
    clean = clean_name(name)
    assert clean
    assert len(clean) <= 110
    assert not clean.startswith(".")
    assert not set(clean) & set('/\\<>:"|?*\0\n')


def test_names_keep_their_ending() -> None:
    assert clean_name("../../etc/passwd") == "passwd"
    assert clean_name("C:\\tapes\\one.wav") == "one.wav"
    assert clean_name("<img src=x onerror=alert(1)>.flac") == "img src=x onerror=alert(1).flac"
    assert clean_name("x" * 300 + ".wav").endswith(".wav")
    assert clean_name("..") == "recording"


def test_a_spectrogram_is_the_same_seen_closely_and_from_afar(tone: Callable[..., Tensor]) -> None:
    sound = Recording(tone(1031.25, 60.0, RATE), RATE)
    close, afar = levels(sound, 10, 11, 50, 64), levels(sound, 0, 60, 50, 64)
    assert close.argmax(0).tolist() == [16] * 50  # in the middle of row 16 of 64
    assert afar.argmax(0)[1:-1].tolist() == [16] * 48
    mel = levels(sound, 10, 11, 50, 64, mel=True)
    share = np.log1p(1031.25 / 700) / np.log1p(RATE / 2 / 700)
    assert mel.argmax(0).tolist() == [int(64 * share)] * 50
    level_db = 20 * np.log10(0.3)
    assert level_db - 1.5 < close.max() < level_db + 0.1  # less by up to the Hann window's scalloping between two bins
    assert afar[:, 20].max() == pytest.approx(close.max(), abs=0.2)


def test_a_job_gives_what_the_command_gives(server: Server, noisy: Path) -> None:
    recording = server.send(noisy)
    assert (recording["name"], recording["channels"], recording["seconds"]) == ("a tape.wav", 2, 2.0)
    suggestions = server.client.get(f"/api/recordings/{recording['id']}/suggestions").json()
    assert suggestions[-1]["task"] == "denoise"
    job = server.finish(server.start(recording["id"], method="fast")["id"])
    assert job["state"] == "done", job["message"]
    run_command(job["command"], noisy.parent)
    result = noisy.with_name("a tape.denoise.wav")
    assert server.file(job["id"], "restored") == result.read_bytes()
    restored, removed = (soundfile.read(io.BytesIO(server.file(job["id"], x)))[0] for x in ("restored", "removed"))
    assert np.array_equal(restored + removed, soundfile.read(noisy)[0])
    assert b"<audio" in server.file(job["id"], "report")

    # The strength and the stopping point are moved without another fit, and the command says so.
    answer = server.client.post(f"/api/jobs/{job['id']}/adjust", json={"strength": 0.5, "stop_at": 0.125})
    job = answer.json()
    assert job["version"] == 2
    assert job["command"].endswith("-m fast --strength 0.5 --stop-at 0.125")
    run_command(job["command"] + " --force", noisy.parent)
    assert server.file(job["id"], "restored") == result.read_bytes()
    sidecar = json.loads(server.file(job["id"], "settings"))
    assert sidecar["steps"][0]["run"]["task"]["stop_at"] == 0.125
    refused = server.client.post(f"/api/jobs/{job['id']}/adjust", json={"stop_at": 0.3})
    assert refused.status_code == 400
    assert "choose one of these" in refused.json()["message"]


@pytest.mark.parametrize("wish", [WISHES[2], WISHES[4], WISHES[7]])
def test_repairs_give_what_the_command_gives(server: Server, noisy: Path, wish: dict[str, object]) -> None:
    recording = server.send(noisy)
    job = server.client.post(f"/api/recordings/{recording['id']}/jobs", json=wish).json()
    job = server.finish(job["id"])
    assert job["state"] == "done", job["message"]
    run_command(job["command"], noisy.parent)
    result = noisy.with_name(job["result"]["files"]["restored"])
    assert server.file(job["id"], "restored") == result.read_bytes()
    assert server.file(job["id"], "report")


def test_what_is_no_sound_is_refused_and_leaves_nothing(server: Server, tmp_path: Path) -> None:
    before = server.client.get("/api/about")
    assert before.status_code == 200
    answer = server.client.post("/api/recordings", params={"name": "thesis.wav"}, content=b"no sound at all")
    assert answer.status_code == 422
    assert answer.json()["message"].startswith("thesis.wav cannot be read as sound")
    assert str(tmp_path.parent) not in answer.text
    too_large = server.client.post("/api/recordings", params={"name": "x.wav"}, content=b"\0" * 3_000_001)
    assert "larger than 3 MB" in too_large.json()["message"]
    chunks = server.client.post("/api/recordings", params={"name": "x.wav"}, content=(b"\0" * 100_000 for _ in range(40)))
    assert "larger than 3 MB" in chunks.json()["message"]
    empty = io.BytesIO()
    soundfile.write(empty, np.zeros((0, 1)), RATE, format="WAV")
    answer = server.client.post("/api/recordings", params={"name": "none.wav"}, content=empty.getvalue())
    assert "holds no samples" in answer.json()["message"]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"{", "the request is no JSON .*; reload the page"),
        (b"[]", r"the request is \[\]; it must be a valid dictionary"),
        (b"", "the request is missing; give it"),
        (b"{}", "task is missing; give it"),
        (b'{"task": 3}', "task is 3; it must be a valid string"),
        (b'{"task": "denoise", "settings": [1]}', r"settings is \[1\]; it must be a valid dictionary"),
        (b'{"task": "denoise", "folder": "/etc"}', "folder is '/etc', and cannot be set here; leave it out"),
        (b'{"task": "erase"}', "there is no task 'erase'; choose one of"),
        (b'{"task": "denoise", "settings": {"strength": 2}}', "strength is 2"),
    ],
)
def test_a_request_that_makes_no_sense_is_a_sentence(server: Server, stored: Any, body: bytes, sentence: str) -> None:
    answer = server.client.post(
        f"/api/recordings/{stored['id']}/jobs", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400
    assert re.match(sentence, answer.json()["message"])
    assert answer.json()["message"].endswith(".")


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ({"columns": 2001}, "columns is '2001'; it must be less than or equal to 2000"),
        ({"rows": 0}, "rows is '0'; it must be greater than or equal to 1"),
        ({"rows": "many"}, "rows is 'many'; it must be a valid integer"),
        ({"start": -1}, "start is '-1'; it must be greater than or equal to 0"),
        ({"end": "inf"}, "end is 'inf'; it must be a finite number"),
        ({"start": 1, "end": 1}, "there is no picture of 1 to 1 s; start it before its end"),
        ({"columns": None}, "columns is missing; give it"),
    ],
)
def test_a_picture_that_there_is_not_is_a_sentence(
    server: Server, stored: Any, query: dict[str, Any], sentence: str
) -> None:
    whole = {"start": 0, "end": 1, "columns": 2000, "rows": 1}
    address = f"/api/recordings/{stored['id']}/levels/before"
    assert len(server.client.get(address, params={**whole, "end": 1e300}).content) == 2000
    wanted = {name: value for name, value in (whole | query).items() if value is not None}
    answer = server.client.get(address, params=wanted)
    assert answer.status_code == 400
    assert re.match(sentence, answer.json()["message"])
    other = server.client.get(address.replace("before", "between"), params=whole)
    assert other.status_code == 404
    assert other.json()["message"] == "which is 'between'; it must be 'before', 'after' or 'removed'."


def test_other_sites_cannot_use_it(server: Server) -> None:
    bare = httpx.post(f"{server.address}api/recordings?name=x.wav", content=b"x", timeout=300)
    assert bare.status_code == 403
    other = httpx.get(server.address, headers={"Host": "evil.example"}, timeout=300)
    assert other.status_code == 400
    page = httpx.get(server.address, timeout=300)
    assert "default-src 'self'" in page.headers["content-security-policy"]


@pytest.mark.parametrize("name", ["../../etc", "..%2f..%2fetc%2fpasswd", "x", "A" * 22])
def test_addresses_of_nothing_are_a_sentence(server: Server, name: str) -> None:
    for path in (f"/api/recordings/{name}", f"/api/jobs/{name}", f"/api/recordings/{name}/sound/before"):
        answer = server.client.get(path)
        assert answer.status_code == 404
        assert "root:" not in answer.text


def test_a_cancelled_job_makes_way(server: Server, noisy: Path) -> None:
    recording = server.send(noisy)
    slow, quick = (server.start(recording["id"], method=method) for method in ("seed-dcgan", "fast"))  # minutes, a second
    assert quick["before"] >= 1
    answer = server.client.delete(f"/api/jobs/{slow['id']}")
    assert answer.json()["state"] == "cancelled"
    assert server.finish(quick["id"])["state"] == "done"
    assert server.job(slow["id"])["state"] == "cancelled"
    gone = server.client.get(f"/api/jobs/{slow['id']}/files/restored")
    assert gone.status_code == 404
    assert server.client.delete(f"/api/recordings/{recording['id']}").status_code == 200
    assert server.client.get(f"/api/jobs/{quick['id']}").status_code == 404


def test_a_job_survives_the_end_of_the_server(tmp_path: Path, noisy: Path) -> None:
    first = Server(tmp_path / "page")
    recording = first.send(noisy)
    done = first.finish(first.start(recording["id"], method="fast")["id"])
    restored = first.file(done["id"], "restored")
    running, waiting = (first.start(recording["id"], method=method) for method in ("consensus", "fast"))
    deadline = time.monotonic() + 120
    while first.job(running["id"])["state"] == "queued":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    first.kill()
    with Server(tmp_path / "page") as second:
        assert second.file(done["id"], "restored") == restored
        assert second.finish(running["id"])["state"] == "done"
        assert second.finish(waiting["id"])["state"] == "done"
        assert second.file(waiting["id"], "restored") == restored


def an_hour_passes(folder: Path) -> None:
    """Make all that lies in a folder older, in place of waiting."""
    for path in folder.rglob("*"):
        os.utime(path, times=(path.stat().st_atime - 3601, path.stat().st_mtime - 3601))


def test_what_nobody_asks_for_is_removed(tmp_path: Path, noisy: Path) -> None:
    recordings = Recordings(tmp_path / "page", keep_s=3600)
    place = recordings.place(noisy.name)
    place.write_bytes(noisy.read_bytes())
    kept = recordings.admit(place)
    half = recordings.place("half.wav")
    assert recordings.outdated() == []
    an_hour_passes(tmp_path)
    recordings.get(kept.id)  # asked for just now
    assert recordings.outdated() == [half.parent.parent.name]
    an_hour_passes(tmp_path)
    assert set(recordings.outdated()) == {kept.id, half.parent.parent.name}
    recordings.remove(kept.id)
    assert not recordings.path(kept.id).exists()


def test_a_long_recording_is_heard_before_it_is_finished(
    server: Server, tmp_path: Path, tone: Callable[..., Tensor], noise: Callable[..., Tensor]
) -> None:
    samples = tone(440, 45.0, RATE) + noise(45.0, RATE)
    Recording(samples, RATE, Encoding("WAV", "PCM_16")).write(tmp_path / "long.wav")
    recording = server.send(tmp_path / "long.wav")
    job = server.start(recording["id"], method="nmf")
    address = f"/api/recordings/{recording['id']}/sound/after"
    with server.client.stream("GET", f"/api/jobs/{job['id']}/events") as stream:
        for line in stream.iter_lines():
            if line.startswith("data:") and '"block", "number": 1' in line:
                until = round(json.loads(line[5:])["until_s"] * RATE)
                heard = soundfile.read(io.BytesIO(server.client.get(address, params={"job": job["id"]}).content))[0]
                break
    original = read(tmp_path / "long.wav").samples[0].numpy()
    assert not np.allclose(heard[: until // 2], original[: until // 2])
    assert np.allclose(heard[-RATE:], original[-RATE:], atol=1e-6)
    job = server.finish(job["id"])
    whole = soundfile.read(io.BytesIO(server.file(job["id"], "restored")))[0]
    assert np.allclose(heard[:until], whole[:until], atol=1e-4)


def test_it_says_what_another_address_means_and_ends_at_once(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "audioprior", "serve", "--no-browser", "--port", "0", "--host", "0.0.0.0"]
    options: dict[str, Any] = {"stderr": subprocess.PIPE, "text": True, "start_new_session": True}
    with subprocess.Popen([*command, "--folder", str(tmp_path)], **options) as server:
        assert server.stderr is not None
        said = server.stderr.readline() + server.stderr.readline()
        os.killpg(server.pid, signal.SIGINT)  # Ctrl-C reaches its worker as well, which has hardly begun
        said += server.communicate(timeout=300)[1]
    assert "can be reached from other machines" in said
    assert "open http://127.0.0.1:" in said
    assert said.splitlines()[-1] == "audioprior: interrupted."
    assert "Traceback" not in said


def test_two_visits_at_once_look_once(tmp_path: Path, noisy: Path) -> None:
    recordings = Recordings(tmp_path / "recordings", 3600)
    place = recordings.place(noisy.name)
    place.write_bytes(noisy.read_bytes())
    recording = recordings.admit(place).id
    with ThreadPoolExecutor(4) as visits:
        answers = list(visits.map(recordings.suggestions, [recording] * 4))
    assert answers[0]
    assert answers.count(answers[0]) == 4
