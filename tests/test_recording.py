"""What goes in comes out: rate, depth, channels, length and tags over formats."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from audioprior.errors import AudioError, SettingsError
from audioprior.sound.encoding import Encoding, fit_in_range, quantise
from audioprior.sound.recording import Recording
from audioprior.sound.source import as_recording, read
from audioprior.sound.writing import replacing

LOSSLESS = [
    ("WAV", "PCM_16"), ("WAV", "PCM_24"), ("WAV", "PCM_32"), ("WAV", "FLOAT"), ("WAV", "PCM_U8"), ("RF64", "PCM_24"),
    ("FLAC", "PCM_16"), ("FLAC", "PCM_24"), ("AIFF", "PCM_16"), ("AIFF", "PCM_24"), ("W64", "FLOAT"), ("CAF", "PCM_32"),
]  # fmt: skip
TAGS = {"title": "Séance", "artist": "N. N.", "comment": "tape 3, side B", "date": "1961"}


@pytest.mark.parametrize(("container", "subtype"), LOSSLESS)
def test_lossless_files_come_back_sample_for_sample(
    tmp_path: Path, noise: Callable[..., Tensor], container: str, subtype: str
) -> None:
    encoding = Encoding(container, subtype)
    samples = quantise(noise(0.1, channels=2), encoding)
    path = tmp_path / f"x{encoding.extension if container != 'RF64' else '.rf64'}"
    Recording(samples, 22050, encoding).write(path)
    again = read(path)
    assert torch.equal(again.samples, samples)
    assert (again.sample_rate, again.encoding.subtype) == (22050, subtype)
    assert again.encoding.container == container


@pytest.mark.parametrize("container", ["WAV", "FLAC", "AIFF", "OGG"])
def test_tags_are_kept(tmp_path: Path, noise: Callable[..., Tensor], container: str) -> None:
    path = tmp_path / {"WAV": "x.wav", "FLAC": "x.flac", "AIFF": "x.aiff", "OGG": "x.ogg"}[container]
    encoding = Encoding(container, "VORBIS" if container == "OGG" else "PCM_16")
    known = {"AIFF": ("title", "artist", "comment")}.get(container, tuple(TAGS))  # what the format can hold
    tags = {name: TAGS[name].replace("é", "e") if container == "AIFF" else TAGS[name] for name in known}
    Recording(noise(0.1), 16000, encoding, tags).write(path, encoding=encoding)
    again = read(path)
    assert {name: again.tags[name] for name in known} == tags
    again.write(tmp_path / "again.flac")
    assert {name: read(tmp_path / "again.flac").tags[name] for name in known} == tags


@pytest.mark.parametrize(("name", "subtype"), [("x.mp3", "MPEG_LAYER_III"), ("x.ogg", "VORBIS"), ("x.opus", "OPUS")])
def test_lossy_input_is_read_and_gives_flac(tmp_path: Path, tone: Callable[..., Tensor], name: str, subtype: str) -> None:
    samples = tone(440, rate=48000)
    container = "MP3" if name == "x.mp3" else "OGG"
    soundfile.write(tmp_path / name, samples.T.numpy(), 48000, format=container, subtype=subtype)
    recording = read(tmp_path / name)
    assert recording.encoding.lossy
    assert recording.encoding.lossless() == Encoding("FLAC", "PCM_24")
    assert recording.encoding.extension == Path(name).suffix
    # The tone survives the codec, up to the delay that it may add.
    assert float(recording.samples.square().mean()) == pytest.approx(0.045, rel=0.1)


@pytest.mark.parametrize("rate", [8000, 44100, 192000])
@pytest.mark.parametrize("channels", [1, 2, 7, 8])
def test_any_rate_and_channel_count(tmp_path: Path, noise: Callable[..., Tensor], rate: int, channels: int) -> None:
    samples = quantise(noise(0.01, rate, channels), Encoding("FLAC", "PCM_16"))
    Recording(samples, rate, Encoding("FLAC", "PCM_16")).write(tmp_path / "x.flac")
    again = read(tmp_path / "x.flac")
    assert (again.sample_rate, again.channels) == (rate, channels)
    assert torch.equal(again.samples, samples)


def test_the_name_chooses_the_nearest_encoding() -> None:
    assert Encoding("WAV", "FLOAT").for_path(Path("x.flac")) == Encoding("FLAC", "PCM_24")
    assert Encoding("WAV", "PCM_16").for_path(Path("x.flac")) == Encoding("FLAC", "PCM_16")
    assert Encoding("WAVEX", "PCM_24").for_path(Path("x.wav")) == Encoding("WAVEX", "PCM_24")
    assert Encoding("FLAC", "PCM_24").for_path(Path("x.ogg")) == Encoding("OGG", "VORBIS")
    assert Encoding("FLAC", "PCM_24").for_path(Path("x.opus")) == Encoding("OGG", "OPUS")
    with pytest.raises(SettingsError, match=r"'x\.xyz' ends in '.xyz'; use one of"):
        Encoding().for_path(Path("x.xyz"))


def test_existing_files_are_kept_unless_forced(tmp_path: Path, noise: Callable[..., Tensor]) -> None:
    path = tmp_path / "x.wav"
    path.write_bytes(b"mine")
    with pytest.raises(SettingsError, match="exists; use --force"):
        Recording(noise(0.01), 16000).write(path)
    assert path.read_bytes() == b"mine"
    Recording(noise(0.01), 16000).write(path, force=True)
    assert read(path).sample_rate == 16000


def test_a_failed_write_leaves_nothing(tmp_path: Path) -> None:
    def fail(beside: Path) -> None:
        beside.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(AudioError, match=r"cannot be written .*No space left"), replacing(tmp_path / "x.wav") as beside:
        fail(beside)
    assert list(tmp_path.iterdir()) == []


@contextmanager
def as_nobody() -> Iterator[None]:
    """Do without root's rights: file permissions bind everybody else only."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_no_permission(tmp_path: Path, noise: Callable[..., Tensor]) -> None:
    for folder in (*tmp_path.parents, tmp_path):
        if folder.stat().st_uid == os.getuid() and folder.name.startswith(("pytest", "popen", "test")):
            folder.chmod(0o755)
    secret = tmp_path / "secret.wav"
    Recording(noise(0.01), 16000).write(secret)
    secret.chmod(0)
    tmp_path.chmod(0o555)
    try:
        with as_nobody(), pytest.raises(AudioError, match="may not be read; check its permissions"):
            read(secret)
        with as_nobody(), pytest.raises(SettingsError, match="may not be written to; choose another with -o"):
            Recording(noise(0.01), 16000).write(tmp_path / "y.wav")
    finally:
        tmp_path.chmod(0o755)


def test_bad_arrays() -> None:
    with pytest.raises(SettingsError, match="without sample_rate"):
        as_recording(np.zeros(10))
    with pytest.raises(SettingsError, match=r"shape \(1, 2, 3\)"):
        as_recording(np.zeros((1, 2, 3)), 16000)
    with pytest.raises(SettingsError, match="sample rate is -1 Hz"):
        as_recording(np.zeros(10), -1)
    with pytest.raises(AudioError, match="holds no samples"):
        as_recording(np.zeros(0), 16000)
    with pytest.raises(AudioError, match=r"holds 2 samples that are NaN or infinite, the first at 0.500 s"):
        as_recording(np.r_[np.zeros(8000), np.nan, np.inf], 16000)


def test_arrays_are_not_changed(noise: Callable[..., Tensor]) -> None:
    samples = noise(0.01)
    before = samples.clone()
    fit_in_range(as_recording(samples, 16000).samples * 100, Encoding("WAV", "PCM_16"), "clamp")
    assert torch.equal(samples, before)


def test_full_scale_is_dealt_with_as_asked() -> None:
    samples = torch.tensor([[0.5, 1.5, -2.0]], dtype=torch.float64)
    pcm = Encoding("WAV", "PCM_16")
    clamped = fit_in_range(samples, pcm, "clamp")
    assert clamped.samples.tolist() == [[0.5, 1 - 2**-15, -1.0]]
    assert clamped.note is not None
    assert "2 samples would exceed full scale (peak +6.02 dBFS)" in clamped.note
    rescaled = fit_in_range(samples, pcm, "rescale")
    assert float(rescaled.samples.abs().max()) == 1 - 2**-15
    assert torch.allclose(rescaled.samples, samples * rescaled.gain, atol=2**-16)
    kept = fit_in_range(samples, Encoding("FLAC", "PCM_16"), "float")
    assert kept.encoding == Encoding("WAV", "FLOAT")
    assert torch.equal(kept.samples, samples)
    assert fit_in_range(samples, Encoding("WAV", "FLOAT"), "clamp").note is None


@given(st.lists(st.floats(-1, 1), min_size=1, max_size=50), st.sampled_from(["PCM_U8", "PCM_16", "PCM_24", "PCM_32"]))
def test_quantising_twice_changes_nothing(values: list[float], subtype: str) -> None:
    encoding = Encoding("WAV", subtype)
    once = quantise(torch.tensor([values], dtype=torch.float64), encoding)
    assert torch.equal(quantise(once, encoding), once)
