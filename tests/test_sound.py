"""Recordings piece by piece, their channels, their ends, and files as a whole."""

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

from audioprior.errors import AudioError
from audioprior.sound import source as pieces
from audioprior.sound.channels import principal_axes
from audioprior.sound.encoding import Encoding
from audioprior.sound.recording import Recording, encoder
from audioprior.sound.source import read
from audioprior.sound.spectrum import Transform
from audioprior.sound.writing import replacing
from audioprior.sound.zeros import long_zeros
from tests import sounds

RATE = 8000


@pytest.fixture
def long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stereo file of three chunks and a bit."""
    monkeypatch.setattr(pieces, "_CHUNK", 1000)
    samples = torch.cat([sounds.speech(0.4, RATE), sounds.music(0.4, RATE)])
    Recording(samples, RATE, Encoding("WAV", "DOUBLE")).write(tmp_path / "long.wav")
    return tmp_path / "long.wav"


# --- channels


def test_axes_and_level_are_of_all_chunks() -> None:
    loud, silent = torch.cat([sounds.speech(0.5), 0.5 * sounds.music(0.5)]), torch.zeros(2, 8000, dtype=torch.float64)
    axes, level = principal_axes([loud, silent])
    whole_axes, whole_level = principal_axes([torch.cat([loud, silent], 1)])
    assert torch.allclose(axes.rotation, whole_axes.rotation)
    assert level == pytest.approx(whole_level)
    # Of two channels at 0.1 and 0.05, half of whose time is silent: √((0.01 + 0.0025) / 4).
    assert level == pytest.approx(0.0559, abs=1e-4)


def test_channels_that_end_alike_stay_two() -> None:
    apart, alike = torch.cat([sounds.speech(0.5), sounds.music(0.5)]), torch.zeros(2, 8000, dtype=torch.float64)
    axes, _ = principal_axes([apart, alike])
    assert axes.sources == (0, 1)
    assert torch.allclose(axes.synthesise(axes.analyse(apart)), apart)


# --- piece by piece


def test_all_chunks_are_the_recording(long: Path) -> None:
    with pieces.open_source(long) as source:
        chunks = list(pieces.chunks(source))
    assert [chunk.shape[1] for chunk in chunks] == [1000, 1000, 1000, 200]
    assert torch.equal(torch.cat(chunks, 1), read(long).samples)


def test_the_place_of_what_is_no_number_is_counted_from_the_beginning(long: Path) -> None:
    samples, _ = soundfile.read(long)
    samples[2500, 1] = np.nan
    soundfile.write(long, samples, RATE, subtype="DOUBLE")
    with (
        pieces.open_source(long) as source,
        pytest.raises(AudioError, match=r"holds 1 samples that are NaN or infinite, the first at 0\.312 s"),
    ):
        list(pieces.chunks(source))


# --- ends


def test_a_click_at_the_end_is_not_heard_at_the_beginning() -> None:
    transform, samples = Transform.of(16000, 64), sounds.speech(0.5)
    clicked = samples.clone()
    clicked[:, -1] += 1
    change = (transform.analyse(clicked) - transform.analyse(samples)).abs().amax((0, 1))
    reach = transform.window // 2 // transform.hop  # the frames that a window around the end holds
    assert float(change[: -reach - 1].max()) == 0
    assert float(change[-1]) > 1  # twice: it is mirrored


# --- files


def test_the_earlier_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(b"earlier")
    with replacing(path, force=True) as beside:
        beside.write_bytes(b"half")
        assert path.read_bytes() == b"earlier"
    assert path.read_bytes() == b"half"
    with pytest.raises(AudioError, match="cannot be written"), replacing(path, force=True) as beside:
        (beside / "no folder").write_bytes(b"nothing")
    assert path.read_bytes() == b"half"


def test_what_killed_processes_left_is_cleared_away(tmp_path: Path) -> None:
    left, others = tmp_path / ".x.wav.123.part", tmp_path / ".y.wav.123.part"
    left.write_bytes(b"half")
    others.write_bytes(b"half")
    with replacing(tmp_path / "x.wav") as beside:
        beside.write_bytes(b"whole")
    assert sorted(tmp_path.iterdir()) == [others, tmp_path / "x.wav"]


def test_a_lossy_recording_is_written_without_loss(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    sound = Recording(sounds.speech(0.2), 16000, Encoding("MP3", "MPEG_LAYER_III"))
    sound.write(tmp_path / "x.wav")
    sound.write("-")
    (tmp_path / "piped.flac").write_bytes(capsysbinary.readouterr().out)
    for name, container in (("x.wav", "WAV"), ("piped.flac", "FLAC")):
        again = read(tmp_path / name)
        assert again.encoding == Encoding(container, "PCM_24")
        assert float((again.samples - sound.samples).abs().max()) <= 2**-24


class Described:
    """A long recording that is not there."""

    sample_rate, channels, tags = 48000, 2, dict[str, str]()

    def __init__(self, length: int) -> None:
        self.length = length


@pytest.mark.parametrize(("length", "container"), [(2**20, "WAV"), (2**28 - 2**12 - 1, "WAV"), (2**30, "RF64")])
def test_what_a_wav_header_cannot_count_becomes_rf64(length: int, container: str) -> None:
    with encoder(io.BytesIO(), Described(length), Encoding("WAV", "PCM_24")) as file:
        assert file.format == container


def test_a_tone_in_one_channel_stays_in_it(tone: Callable[..., Tensor]) -> None:
    one = torch.cat([tone(440), 0 * tone(440)])
    axes, _ = principal_axes([one])
    assert axes.rotation.tolist() == [[1, 0], [0, 1]]


def test_runs_of_zeros_are_the_same_from_every_passage() -> None:
    samples = torch.ones(1, 3000, dtype=torch.float64)
    runs = [(0, 12), (500, 510), (600, 609), (1495, 1506), (2980, 3000)]
    for start, end in runs:
        samples[:, start:end] = 0
    sound = Recording(samples, 1000)
    expected = torch.zeros(1, 3000, dtype=torch.bool)
    for start, end in runs:
        expected[:, start:end] = end - start >= 10
    assert torch.equal(long_zeros(sound, 0, 3000), expected)
    for step in (1500, 7):
        pieces = [long_zeros(sound, start, min(3000, start + step)) for start in range(0, 3000, step)]
        assert torch.equal(torch.cat(pieces, 1), expected)
    assert not long_zeros(Recording(torch.zeros(1, 5, dtype=torch.float64), 1000), 0, 5).any()
