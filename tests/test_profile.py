"""Noise profiles: learned, kept, and used on other recordings."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

import audioprior as ap
from audioprior.compare.metrics import si_sdr
from audioprior.noise.profile import Profile, learn, read_profile
from audioprior.settings.presets import METHODS
from audioprior.sound.channels import principal_axes
from audioprior.sound.recording import Recording
from audioprior.sound.spectrum import Transform
from audioprior.tasks import Denoise


@pytest.mark.parametrize("seconds", [0.06, 0.3, 2.0])
@pytest.mark.parametrize("window_ms", [16, 64, 200])
def test_white_noise_has_its_power_in_every_window(noise: Callable[..., Tensor], seconds: float, window_ms: float) -> None:
    samples = noise(2.0, channels=2, level=0.1)
    profile = learn(Recording(samples, 16000), (0.0, seconds))
    transform = Transform.of(16000, window_ms)
    power = profile.power(transform, principal_axes([samples])[0], level=0.1)
    ratio = power / transform.noise_gain()
    assert power.shape == (2, transform.bins, 1)
    assert abs(float(10 * ratio.mean().log10())) < 1.0


def test_a_profile_serves_another_rate(noise: Callable[..., Tensor]) -> None:
    profile = learn(Recording(noise(1.0, level=0.1), 16000), (0.0, 1.0))
    transform = Transform.of(8000, 64)
    one = torch.ones(1, 10, dtype=torch.float64)
    ratio = profile.power(transform, principal_axes([one])[0], level=0.1) / transform.noise_gain()
    assert abs(float(10 * ratio.mean().log10())) < 0.5


def test_noise_that_both_channels_share_lies_on_one_axis(noise: Callable[..., Tensor], tone: Callable[..., Tensor]) -> None:
    shared = noise(1.0, level=0.1)
    both = torch.cat([shared, shared]) + noise(1.0, channels=2, level=0.001, seed=1)
    profile = learn(Recording(both, 16000), (0.0, 1.0))
    axes = principal_axes([torch.cat([tone(440), tone(440)]) + noise(1.0, channels=2, level=0.01, seed=2)])[0]
    power = profile.power(Transform.of(16000, 64), axes, 1.0).mean((1, 2))
    assert float(power[0] / power[1]) > 1000


def test_files_come_back(tmp_path: Path, noise: Callable[..., Tensor]) -> None:
    profile = learn(Recording(noise(0.5, channels=2), 22050), (0.1, 0.4))
    profile.write(tmp_path / "p.json")
    again = read_profile(tmp_path / "p.json")
    assert again.sample_rate == 22050
    assert torch.equal(again.covariance, profile.covariance)
    for content in ("nothing", "{}", '{"file_version": 1, "sample_rate": 8000, "covariance": [1, 2]}'):
        (tmp_path / "bad.json").write_text(content)
        with pytest.raises(ap.SettingsError, match="is no noise profile"):
            read_profile(tmp_path / "bad.json")
    with pytest.raises(ap.SettingsError, match="cannot be read"):
        read_profile(tmp_path / "missing.json")


def test_the_same_profile_as_the_passage_it_came_from(
    tmp_path: Path, noise: Callable[..., Tensor], tone: Callable[..., Tensor]
) -> None:
    clean = torch.cat([torch.zeros(1, 8000, dtype=torch.float64), tone(440, 1.0)], 1)
    noisy = (clean + noise(1.5, level=0.1)).float().double()
    learn(Recording(noisy, 16000), (0.0, 0.5)).write(tmp_path / "p.json")
    free = METHODS["free"]
    from_passage = ap.denoise(noisy, sample_rate=16000, method=free, settings=Denoise(noise=(0.0, 0.5)))
    from_file = ap.denoise(noisy, sample_rate=16000, method=free, settings=Denoise(noise=f"{tmp_path}/p.json"))
    assert torch.equal(from_passage.restored.samples, from_file.restored.samples)
    assert si_sdr(clean, from_file.restored.samples) > si_sdr(clean, noisy) + 4


def test_channels_must_fit(noise: Callable[..., Tensor]) -> None:
    profile = Profile(16000, torch.ones(5, 2, 2, dtype=torch.float64))
    with pytest.raises(ap.SettingsError, match="has 2 channels, the recording 1"):
        profile.power(Transform.of(16000, 64), principal_axes([noise(0.1)])[0], 1.0)


def test_the_command(tmp_path: Path, noise: Callable[..., Tensor], capsys: pytest.CaptureFixture[str]) -> None:
    from tests.test_cli import call

    Recording(noise(1.0), 16000).write(tmp_path / "x.wav")
    assert call("profile", f"{tmp_path}/x.wav", "0.2-0.8", "-o", f"{tmp_path}/p.json") == 0
    assert call("denoise", f"{tmp_path}/x.wav", "--noise", f"{tmp_path}/p.json", "-m", "free", "-q") == 0
    assert (
        json.loads((tmp_path / "x.denoise.wav.json").read_text())["steps"][0]["run"]["task"]["noise"] == f"{tmp_path}/p.json"
    )
    assert call("profile", f"{tmp_path}/x.wav", "0.2-0.8", "-o", f"{tmp_path}/p.wav") == 2
    assert call("profile", f"{tmp_path}/x.wav", "5-6", "-o", f"{tmp_path}/q.json") == 2
    assert "begins after the end" in capsys.readouterr().err
