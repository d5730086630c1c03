"""How long a file is, is counted: joined, cut off, without a length in its header, with a false one."""

import json
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from audioprior.cli import main
from audioprior.errors import AudioError
from audioprior.sound.source import open_source, read

RATE = 16000


@pytest.fixture
def sound() -> np.ndarray:
    """Two seconds of a tone in noise, as 16-bit files hold it."""
    numbers = np.random.default_rng(0)
    samples = 0.3 * np.sin(2 * np.pi * 440 * np.arange(2 * RATE) / RATE) + 0.02 * numbers.standard_normal(2 * RATE)
    whole: np.ndarray = np.round(samples * 32768) / 32768
    return whole


def written(path: Path, sound: np.ndarray, subtype: str = "PCM_16", **more: str) -> bytes:
    soundfile.write(path, sound, RATE, subtype=subtype, **more)
    return path.read_bytes()


def length_and_notes(path: Path) -> tuple[int, str]:
    with open_source(path) as source:
        assert source.read(source.length - 10, source.length).shape[1] == 10
        return source.length, " ".join(source.notes)


@pytest.mark.parametrize(("name", "subtype"), [("x.mp3", "MPEG_LAYER_III"), ("x.ogg", "VORBIS"), ("x.flac", "PCM_16")])
def test_files_joined_end_to_end_are_read_to_the_end(name: str, subtype: str, sound: np.ndarray, tmp_path: Path) -> None:
    content = written(tmp_path / name, sound, subtype)
    whole, notes = length_and_notes(tmp_path / name)
    assert whole == pytest.approx(2 * RATE, abs=2304)
    assert not notes
    (tmp_path / name).write_bytes(content + content)
    joined, notes = length_and_notes(tmp_path / name)
    assert joined == pytest.approx(2 * whole, abs=6000)  # an encoder's padding lies between
    assert joined >= 2 * whole
    assert "its header promises 2.000 s, and 4." in notes


@pytest.mark.parametrize(("name", "subtype"), [("x.mp3", "MPEG_LAYER_III"), ("x.flac", "PCM_16"), ("x.wav", "PCM_16")])
def test_what_is_there_of_a_file_that_was_cut_off_is_read(
    name: str, subtype: str, sound: np.ndarray, tmp_path: Path
) -> None:
    content = written(tmp_path / name, sound, subtype)
    (tmp_path / name).write_bytes(content[: len(content) * 2 // 3])
    length, notes = length_and_notes(tmp_path / name)
    assert 0.5 * 2 * RATE < length < 0.75 * 2 * RATE
    assert "its end is missing" in notes
    restored = read(tmp_path / name).samples[0]
    assert float(restored[-100:].abs().max()) < 0.6  # sound, and no memory of something else
    if subtype == "PCM_16":
        assert torch.equal(restored, torch.from_numpy(sound[:length]))


@pytest.mark.parametrize("size", [0, 0xFFFFFFFF])
def test_a_recorder_that_crashed_wrote_no_size(size: int, sound: np.ndarray, tmp_path: Path) -> None:
    content = bytearray(written(tmp_path / "x.wav", sound))
    place = content.index(b"data") + 4
    content[place : place + 4] = struct.pack("<I", size)
    content[4:8] = struct.pack("<I", size)
    (tmp_path / "x.wav").write_bytes(content)
    recording = read(tmp_path / "x.wav")
    assert torch.equal(recording.samples[0], torch.from_numpy(sound))
    if size == 0:
        assert "holds no length" in length_and_notes(tmp_path / "x.wav")[1]


def test_flac_from_a_pipe_has_no_length(sound: np.ndarray, tmp_path: Path) -> None:
    content = bytearray(written(tmp_path / "x.flac", sound))
    content[21] &= 0xF0  # 36 bits of STREAMINFO from there on hold the number of samples
    content[22:26] = bytes(4)
    (tmp_path / "x.flac").write_bytes(content)
    assert torch.equal(read(tmp_path / "x.flac").samples[0], torch.from_numpy(sound))
    assert "holds no length" in length_and_notes(tmp_path / "x.flac")[1]


def test_a_false_number_of_samples_takes_no_memory(sound: np.ndarray, tmp_path: Path) -> None:
    content = bytearray(written(tmp_path / "x.flac", sound))
    content[21] |= 0x0F
    (tmp_path / "x.flac").write_bytes(content)
    length, notes = length_and_notes(tmp_path / "x.flac")
    assert length == len(sound)
    assert notes


@pytest.mark.parametrize("rate", [10_000_000, 2**31 - 1, 0])
def test_a_rate_that_no_recording_has_is_refused(rate: int, sound: np.ndarray, tmp_path: Path) -> None:
    content = bytearray(written(tmp_path / "x.wav", sound))
    content[24:28] = struct.pack("<I", rate)
    (tmp_path / "x.wav").write_bytes(content)
    with pytest.raises(AudioError, match=r"claims a sample rate|cannot be read as sound"):
        read(tmp_path / "x.wav")


@pytest.mark.parametrize(
    ("name", "subtype", "format_"),
    [
        ("gsm.wav", "GSM610", "WAV"),
        ("g721.au", "G721_32", "AU"),
        ("a.wav", "ALAW", "WAV"),
        ("u.wav", "ULAW", "WAV"),
        ("u8.wav", "PCM_U8", "WAV"),
        ("ima.wav", "IMA_ADPCM", "WAV"),
        ("x.caf", "PCM_16", "CAF"),
        ("x.w64", "PCM_16", "W64"),
        ("x.aifc", "ALAW", "AIFF"),
        ("x.voc", "PCM_16", "VOC"),
        ("x.bwf", "PCM_16", "WAV"),
        ("x.oga", "FLAC", "OGG"),
    ],
)
def test_what_recorders_and_archives_write_is_read_alone_and_in_a_batch(
    name: str, subtype: str, format_: str, sound: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    if not soundfile.check_format(format_, subtype):
        pytest.skip(f"this libsndfile writes no {format_} {subtype}")
    (tmp_path / "in").mkdir()
    soundfile.write(tmp_path / "in" / name, sound, 8000 if subtype == "GSM610" else RATE, format=format_, subtype=subtype)
    recording = read(tmp_path / "in" / name)
    assert recording.length == pytest.approx(len(sound), abs=1000)
    error = recording.samples[0][: len(sound) - 1000] - torch.from_numpy(sound[: len(sound) - 1000])[: recording.length]
    assert float(error.square().mean()) < 0.1 * float(np.square(sound).mean())
    with pytest.raises(SystemExit) as exit_:
        main(["batch", str(tmp_path / "in"), "-o", str(tmp_path / "out"), "-m", "free", "--json"])
    assert not exit_.value.code
    (event,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert event["status"] == "done"
    assert read(event["target"]).length == recording.length


def test_how_a_file_was_read_is_told_and_kept(sound: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = written(tmp_path / "x.flac", sound)
    (tmp_path / "x.flac").write_bytes(content[: len(content) * 2 // 3])
    with pytest.raises(SystemExit) as exit_:
        main(["denoise", str(tmp_path / "x.flac"), "-m", "free", "-q"])
    assert not exit_.value.code
    assert "its end is missing" in capsys.readouterr().err
    notes = json.loads((tmp_path / "x.denoise.flac.json").read_text())["notes"]
    assert any("its end is missing" in note for note in notes)


def test_no_sound_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "empty.wav").write_bytes(b"")
    (tmp_path / "text.wav").write_text("dear diary")
    for name, message in (("empty.wav", "holds no samples"), ("text.wav", "cannot be read as sound")):
        with pytest.raises(AudioError, match=message):
            read(tmp_path / name)
    with pytest.raises(AudioError, match="is no file but a device or a pipe"):
        read("/dev/zero")


def test_a_silent_stretch_decodes_to_its_length(tmp_path: Path, noise: Callable[..., torch.Tensor]) -> None:
    """Whatever a decoder's blocks are: the samples after the last whole one are there too."""
    for length in (1, 1151, 1152, 4097, 70001):
        samples = noise(length / RATE, RATE)[0].numpy()
        soundfile.write(tmp_path / "x.ogg", samples, RATE, subtype="VORBIS")
        assert read(tmp_path / "x.ogg").length == length
