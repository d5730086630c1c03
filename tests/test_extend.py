"""extend(): the low band stays, the high band is invented, and it is said so."""

from pathlib import Path

import pytest
import soundfile
import torch
from torch import Tensor

import audioprior as ap
from audioprior.damage.cutoff import find_cutoff
from audioprior.errors import SettingsError
from audioprior.sound.resampling import resampled
from audioprior.sound.source import as_recording
from audioprior.tasks import Extend

RATE = 16000


def wide(seconds: float = 2.0, seed: int = 0, channels: int = 1) -> Tensor:
    """Pink noise that comes and goes: (channel, time)."""
    numbers = torch.Generator().manual_seed(seed)
    length = round(seconds * RATE)
    spectrum = torch.fft.rfft(torch.randn(channels, length, generator=numbers, dtype=torch.float64))
    spectrum = spectrum / (torch.arange(spectrum.shape[1]) + 50).sqrt()
    swell = 1.1 + torch.sin(2 * torch.pi * 3 * torch.arange(length, dtype=torch.float64) / RATE)
    sound: Tensor = torch.fft.irfft(spectrum, length)
    return (0.5 * sound * swell).float().double()


def cut(samples: Tensor, cutoff_hz: float, rate: int = RATE) -> Tensor:
    """Return (channel, time) with nothing above a frequency."""
    spectrum = torch.fft.rfft(samples)
    spectrum[:, torch.fft.rfftfreq(samples.shape[1], 1 / rate) > cutoff_hz] = 0
    sound: Tensor = torch.fft.irfft(spectrum, samples.shape[1])
    return sound.float().double()


def energy(samples: Tensor, low: float, high: float, rate: int = RATE) -> float:
    spectrum = torch.fft.rfft(samples).abs().square()
    frequency = torch.fft.rfftfreq(samples.shape[1], 1 / rate)
    return float(spectrum[:, (frequency >= low) & (frequency < high)].sum())


@pytest.mark.parametrize("cutoff_hz", [3000.0, 4000.0, 6500.0])
def test_the_cutoff_is_found(cutoff_hz: float) -> None:
    found = find_cutoff(as_recording(cut(wide(), cutoff_hz), RATE))
    assert found is not None
    assert abs(found - cutoff_hz) < 100


def test_where_there_is_no_cliff_nothing_is_done() -> None:
    sound = wide()
    result = ap.extend(sound, sample_rate=RATE)
    assert not result.findings
    assert torch.equal(result.restored.samples, sound)


def test_the_low_band_stays_and_the_high_band_is_filled() -> None:
    whole = wide(channels=2)
    sound = cut(whole, 4000)
    result = ap.extend(sound, sample_rate=RATE)
    change = result.restored.samples - sound
    assert torch.equal(result.restored.samples + result.removed.samples, sound)
    assert energy(change, 0, 3890) < 1e-10 * energy(sound, 0, 3890)
    share = energy(change, 4200, 8000) / energy(whole, 4200, 8000)
    assert 0.2 < share < 5
    (found,) = result.findings
    assert found.kind == "band"
    assert found.low_hz == pytest.approx(4000, abs=100)
    assert found.high_hz == 8000
    assert "invented" in found.note


def test_a_higher_rate() -> None:
    sound = wide()
    result = ap.extend(sound, sample_rate=RATE, settings=Extend(rate_hz=44100))
    assert result.restored.sample_rate == 44100
    assert result.restored.samples.shape == (1, 88200)
    low = resampled(sound, RATE, 44100)
    change = result.restored.samples - low
    assert energy(change, 0, 7250, 44100) < 1e-9 * energy(low, 0, 7250, 44100)
    assert result.findings[0].low_hz == 7360
    assert energy(change, 8000, 16000, 44100) > 0
    tone = torch.sin(2 * torch.pi * 440 * torch.arange(RATE, dtype=torch.float64) / RATE)[None]
    wanted = torch.sin(2 * torch.pi * 440 * torch.arange(44100, dtype=torch.float64) / 44100)[None]
    assert float((resampled(tone, RATE, 44100) - wanted)[:, 4000:-4000].abs().max()) < 0.01


def test_an_excerpt_teaches_the_level_of_the_band(tmp_path: Path) -> None:
    """A band that is 20 dB louder than its low band foretells."""

    def loud_top(seed: int) -> Tensor:
        sound = wide(seed=seed)
        return sound + 9 * (sound - cut(sound, 4000))

    soundfile.write(tmp_path / "like.wav", 0.1 * loud_top(1).T.numpy(), RATE, subtype="DOUBLE")
    whole = loud_top(0)
    like = Extend(cutoff_hz=4000, like=str(tmp_path / "like.wav"))
    taught, plain = (
        energy(ap.extend(cut(whole, 4000), sample_rate=RATE, settings=one).restored.samples, 4200, 8000)
        for one in (like, Extend(cutoff_hz=4000))
    )
    truth = energy(whole, 4200, 8000)
    assert 0.3 < taught / truth < 3
    assert plain / truth < 0.1


def test_passages_that_have_the_band_are_left_as_they_are() -> None:
    whole = wide(4.0)
    sound = torch.cat([whole[:, : 2 * RATE], cut(whole[:, 2 * RATE :], 4000)], 1)
    change = ap.extend(sound, sample_rate=RATE, settings=Extend(cutoff_hz=4000)).restored.samples - sound
    assert energy(change[:, :RATE], 0, 8000) < 1e-3 * energy(change[:, 3 * RATE :], 0, 8000)


@pytest.mark.parametrize("samples", [torch.zeros(2, 8000), torch.full((1, 8000), 0.5), torch.ones(1, 1)])
def test_nothing_to_extend(samples: Tensor) -> None:
    for settings in (Extend(), Extend(cutoff_hz=4000)):
        result = ap.extend(samples.double(), sample_rate=RATE, settings=settings)
        assert result.restored.samples.shape == samples.shape
        assert bool(result.restored.samples.isfinite().all())


@pytest.mark.parametrize(
    ("settings", "message"),
    [(Extend(rate_hz=8000), "rate_hz is 8000, the recording has 16000"), (Extend(cutoff_hz=9000), "cutoff_hz is 8000")],
)
def test_bad_settings(settings: Extend, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        ap.extend(wide(), sample_rate=RATE, settings=settings)
