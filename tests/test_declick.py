"""declick(): clicks are found and taken out, onsets are not, and all else stays as it is."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import audioprior as ap
from audioprior.errors import SettingsError
from audioprior.tasks import Declick

RATE = 16000


def click(at: int, length: int, level: float = 0.4) -> Tensor:
    """A burst of six samples, (time,)."""
    made = torch.zeros(length, dtype=torch.float64)
    made[at : at + 6] = level * torch.tensor([0.4, 1.0, -0.7, 0.5, -0.3, 0.2], dtype=torch.float64)
    return made.float().double()


@pytest.fixture
def hum(tone: Callable[..., Tensor], noise: Callable[..., Tensor]) -> Tensor:
    """Three partials and a little hiss: (1, time)."""
    return (tone(220) + tone(660, level=0.1) + tone(1540, level=0.05) + noise(level=0.001)).float().double()


def test_a_click_in_a_tone_is_found_and_repaired(hum: Tensor) -> None:
    for at in (4000, 9001):
        result = ap.declick(hum + click(at, RATE), sample_rate=RATE)
        (found,) = result.findings
        assert abs(found.start_s - at / RATE) < 0.001
        assert abs(found.end_s - (at + 6) / RATE) < 0.001
        assert found.confidence > 0.9
        before, after = click(at, RATE).square().sum(), (result.restored.samples - hum).square().sum()
        assert float(10 * (before / after).log10()) > 20


def test_samples_outside_clicks_are_exact(hum: Tensor) -> None:
    damaged = (hum + click(8000, RATE)).float().double()
    result = ap.declick(damaged, sample_rate=RATE)
    (found,) = result.findings
    inside = torch.zeros(RATE, dtype=torch.bool)
    inside[round(found.start_s * RATE) : round(found.end_s * RATE)] = True
    assert torch.equal(result.restored.samples[:, ~inside], damaged[:, ~inside])
    assert torch.equal(result.restored.samples + result.removed.samples, damaged)


@pytest.mark.parametrize("decay_s", [0.01, 0.05])
def test_a_drum_is_no_click(decay_s: float, hum: Tensor, noise: Callable[..., Tensor]) -> None:
    time = torch.arange(RATE, dtype=torch.float64) / RATE
    hits = sum((time >= start) * torch.exp(-(time - start).clamp_min(0) / decay_s) for start in (0.2, 0.45, 0.7))
    sound = hum + hits * noise(level=0.3, seed=1)
    result = ap.declick(sound, sample_rate=RATE)
    assert not result.findings
    assert torch.equal(result.restored.samples, sound)


def test_pulses_of_a_voice_are_no_clicks(noise: Callable[..., Tensor]) -> None:
    pulses = torch.zeros(1, RATE, dtype=torch.float64)
    pulses[:, ::160] = 0.5  # 100 Hz
    ringing = 0.9 ** torch.arange(200, dtype=torch.float64) * torch.cos(0.3 * torch.arange(200, dtype=torch.float64))
    voice = torch.nn.functional.conv1d(torch.nn.functional.pad(pulses, (199, 0))[None], ringing.flip(0)[None, None])[0]
    result = ap.declick(voice + noise(level=0.002), sample_rate=RATE)
    assert not result.findings


def test_kept_findings_are_exact_and_still_listed(hum: Tensor) -> None:
    damaged = hum + click(4000, RATE) + click(12000, RATE)
    found = ap.declick(damaged, sample_rate=RATE).findings
    assert len(found) == 2
    result = ap.declick(damaged, sample_rate=RATE, settings=Declick(keep=(1,)))
    assert len(result.findings) == 2
    assert torch.equal(result.restored.samples[:, :8000], damaged[:, :8000])
    assert not torch.equal(result.restored.samples[:, 8000:], damaged[:, 8000:])
    with pytest.raises(SettingsError, match="keep names finding 3, but 2 were found"):
        ap.declick(damaged, sample_rate=RATE, settings=Declick(keep=(3,)))


def test_each_channel_has_its_own_clicks(hum: Tensor) -> None:
    damaged = torch.cat([hum[0] + click(4000, RATE), hum[0] + click(12000, RATE)]).view(2, -1)
    result = ap.declick(damaged, sample_rate=RATE)
    assert [one.channel for one in result.findings] == [0, 1]
    assert torch.equal(result.restored.samples[0, 8000:], damaged[0, 8000:])
    assert torch.equal(result.restored.samples[1, :8000], damaged[1, :8000])


def test_the_level_does_not_matter(hum: Tensor) -> None:
    damaged = hum + click(8000, RATE)
    loud, soft = (ap.declick(damaged * level, sample_rate=RATE).findings for level in (1.0, 2.0**-12))
    assert loud == soft


@pytest.mark.parametrize("samples", [torch.zeros(2, 8000), torch.full((1, 8000), 0.5), torch.ones(1, 1), torch.ones(1, 40)])
def test_nothing_to_find(samples: Tensor) -> None:
    result = ap.declick(samples.double(), sample_rate=RATE)
    assert not result.findings
    assert torch.equal(result.restored.samples, samples.double())


def test_sensitivity_has_its_ends(hum: Tensor) -> None:
    damaged = hum + click(8000, RATE)
    assert not ap.declick(damaged, sample_rate=RATE, settings=Declick(sensitivity=0.0)).findings
    assert len(ap.declick(damaged, sample_rate=RATE, settings=Declick(sensitivity=0.9)).findings) >= 1
    with pytest.raises(SettingsError, match=r"sensitivity is 1.5; it must be between 0 and 1"):
        Declick(sensitivity=1.5)


def test_a_long_recording_goes_in_pieces(hum: Tensor) -> None:
    """Clicks beside a border between pieces (20 s) are found once."""
    damaged = hum.repeat(1, 42)
    places = [20 * RATE - 3, 20 * RATE + 4000, 40 * RATE - 20, 40 * RATE + 500]
    for at in places:
        damaged[0, at : at + 6] += click(0, 6)
    found = ap.declick(damaged, sample_rate=RATE).findings
    assert [round(one.start_s * RATE / 100) for one in found] == [round(at / 100) for at in places]
