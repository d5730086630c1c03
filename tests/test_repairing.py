"""Gaps, clipped peaks and covered regions: what is found, what is inferred, and what stays as it was."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import audioprior as ap
from audioprior.damage.clipping import find_clipping
from audioprior.damage.gaps import find_gaps
from audioprior.errors import SettingsError
from audioprior.observations.clip import truncated
from audioprior.restoring.repair import patches
from audioprior.sound.source import as_recording
from audioprior.tasks import Declip, Inpaint

Maker = Callable[..., Tensor]
RATE = 16000


def snr(clean: Tensor, other: Tensor) -> float:
    return 10 * math.log10(float(clean.square().sum() / (clean - other).square().sum().clamp_min(1e-20)))


def with_gap(samples: Tensor, start_s: float, end_s: float) -> Tensor:
    damaged = samples.clone()
    damaged[:, round(start_s * RATE) : round(end_s * RATE)] = 0
    return damaged


@pytest.fixture
def chord(tone: Maker) -> Tensor:
    return tone(440, 2.0) + 0.5 * tone(1234.5, 2.0) + 0.2 * tone(3000, 2.0)


# --- gaps


def test_a_gap_in_a_chord_is_filled_and_nothing_else_changes(chord: Tensor) -> None:
    damaged = with_gap(chord, 1.0, 1.03)
    result = ap.inpaint(damaged, sample_rate=RATE)
    inside = slice(RATE, round(1.03 * RATE))
    assert [(one.kind, one.start_s, one.end_s) for one in result.findings] == [("gap", 1.0, 1.03)]
    assert snr(chord[:, inside], result.restored.samples[:, inside]) > 25
    changed = result.restored.samples != damaged
    assert not changed[:, : inside.start].any()
    assert not changed[:, inside.stop :].any()
    assert torch.equal(result.restored.samples + result.removed.samples, damaged)


def test_marked_gaps_are_joined_where_they_overlap(chord: Tensor) -> None:
    settings = Inpaint(gaps=((1.0, 1.02), (1.01, 1.03)))
    result = ap.inpaint(chord, sample_rate=RATE, settings=settings)
    assert [(one.start_s, one.end_s) for one in result.findings] == [(1.0, 1.03)]
    assert snr(chord, result.restored.samples) > 40


def test_a_sample_keeps_the_energy_that_the_mean_loses(noise: Maker) -> None:
    hiss = noise(2.0, level=0.1)
    levels = {}
    for fill in ("mean", "sample"):
        filled = ap.inpaint(hiss, sample_rate=RATE, settings=Inpaint(gaps=((1.0, 1.08),), fill=fill)).restored.samples
        levels[fill] = 20 * math.log10(float(filled[:, 16000:17280].std()) / 0.1)
    assert levels["mean"] < -6
    assert abs(levels["sample"]) < 1.5


def test_a_seed_decides_a_sample(noise: Maker) -> None:
    def fill(seed: int) -> Tensor:
        settings = Inpaint(gaps=((0.5, 0.52),), fill="sample", seed=seed)
        return ap.inpaint(noise(1.0), sample_rate=RATE, settings=settings).restored.samples

    assert torch.equal(fill(1), fill(1))
    assert not torch.equal(fill(1), fill(2))


def test_only_the_channel_with_the_gap_changes(chord: Tensor) -> None:
    damaged = torch.cat([chord, with_gap(chord, 1.0, 1.02)])
    result = ap.inpaint(damaged, sample_rate=RATE)
    assert [one.channel for one in result.findings] == [1]
    assert torch.equal(result.restored.samples[0], damaged[0])
    assert snr(chord[0], result.restored.samples[1]) > 35


@pytest.mark.parametrize("name", ["free", "temporal", "skip"])
def test_any_prior_takes_the_seat(chord: Tensor, name: str) -> None:
    damaged = with_gap(chord, 1.0, 1.005)
    result = ap.inpaint(damaged, sample_rate=RATE, method=Inpaint.preset(name, steps=24))
    assert snr(chord, result.restored.samples) > snr(chord, damaged)


def test_gaps_outside_too_long_or_everywhere_are_refused(chord: Tensor) -> None:
    for gap, message in (
        ((1.9, 2.5), "outside the recording, which lasts 2 s"),
        ((0.0, 2.0), "all of the recording"),
        ((0.2, 1.9), "a gap of 1.7 s is longer than 0.5 s"),
    ):
        with pytest.raises(SettingsError, match=message):
            ap.inpaint(chord, sample_rate=RATE, settings=Inpaint(gaps=(gap,)))
    with pytest.raises(SettingsError, match="a start before its end"):
        Inpaint(gaps=((2.0, 1.0),))
    with pytest.raises(SettingsError, match="log-mmse is no method to inpaint"):
        ap.inpaint(chord, sample_rate=RATE, method="log-mmse")


@pytest.mark.parametrize("value", [0.0, 0.11])
def test_runs_of_one_value_are_found(chord: Tensor, value: float) -> None:
    damaged = chord.clone()
    damaged[:, 5000:5100] = value
    assert [(round(f.start_s * RATE), round(f.end_s * RATE)) for f in find_gaps(as_recording(damaged, RATE)).findings] == [
        (5000, 5100)
    ]


def test_a_dropout_to_the_noise_floor_is_found(chord: Tensor, noise: Maker) -> None:
    damaged = chord + noise(2.0, level=1e-5)
    damaged[:, 5000:5400] = noise(0.025, level=1e-5)
    (found,) = find_gaps(as_recording(damaged, RATE)).findings
    assert abs(found.start_s * RATE - 5000) < 20
    assert abs(found.end_s * RATE - 5400) < 20


def test_pauses_fades_slow_waves_and_silence_are_no_gaps(chord: Tensor, tone: Maker) -> None:
    fade = torch.hann_window(RATE, dtype=torch.float64)[None]
    pause = torch.cat([fade * chord[:, :RATE], torch.zeros(1, 500), fade * chord[:, RATE:]], 1)
    slow = (tone(20, 1.0) * 127).round() / 128  # eight bits
    square = tone(50, 1.0).sign() * 0.5
    for samples in (pause, slow, square, torch.zeros(1, RATE), torch.full((1, RATE), 0.3), torch.zeros(1, 1)):
        assert not find_gaps(as_recording(samples, RATE)).findings


# --- clipping


@pytest.fixture
def swell(tone: Maker) -> Tensor:
    """A chord whose loudness changes."""
    t = torch.arange(2 * RATE, dtype=torch.float64) / RATE
    chord = tone(440, 2.0) + 0.5 * tone(1234.5, 2.0) + 0.2 * tone(3000, 2.0)
    return chord * (0.6 + 0.4 * torch.sin(2 * torch.pi * 2.3 * t))


@pytest.mark.parametrize("gain", [1.0, 0.31])
def test_clipped_peaks_come_back_and_the_rest_stays(swell: Tensor, gain: float) -> None:
    level = 0.5 * float(swell.abs().max())
    clipped = swell.clamp(-level, level)
    result = ap.declip(gain * clipped, sample_rate=RATE)
    restored, whole = result.restored.samples / gain, clipped.abs() < level * (1 - 1e-5)
    assert snr(swell, restored) > snr(swell, clipped) + 30
    assert torch.equal(result.restored.samples[whole], (gain * clipped)[whole])
    assert (restored.abs() >= level * (1 - 1e-6))[~whole].all()


def test_polarities_have_levels_of_their_own(swell: Tensor) -> None:
    clipped = swell.clamp(-0.2, 0.4)
    notes = {one.note for one in find_clipping(as_recording(clipped, RATE)).findings}
    assert notes == {"positive peaks at -7.96 dBFS", "negative peaks at -13.98 dBFS"}


def test_soft_and_dithered_clipping_is_found(swell: Tensor, noise: Maker) -> None:
    soft = swell / (1 + (swell.abs() / 0.3) ** 10) ** 0.1
    dithered = swell.clamp(-0.3, 0.3) + noise(2.0, level=2.0**-15)
    for samples in (soft, dithered):
        assert find_clipping(as_recording(samples, RATE)).at(0, samples).missing.double().mean() > 0.02


def test_whole_sound_is_left_alone(swell: Tensor, tone: Maker, noise: Maker) -> None:
    for samples in (swell, tone(440), tone(50), tone(3999), noise(1.0), torch.zeros(1, 100)):
        result = ap.declip(samples, sample_rate=RATE)
        assert not result.findings
        assert torch.equal(result.restored.samples, samples)
    with pytest.raises(SettingsError, match="all of the recording"):
        ap.declip(torch.full((1, 400), 0.5).double(), sample_rate=RATE, settings=Declip(level=-20.0))
    with pytest.raises(SettingsError, match="at most 0 dBFS"):
        Declip(level=3.0)


@pytest.mark.parametrize(("low", "high"), [(0.5, math.inf), (-math.inf, -2.0), (1.0, 1.5), (6.0, math.inf), (-0.1, 0.2)])
def test_truncated_moments_are_right(low: float, high: float) -> None:
    grid = torch.linspace(max(low, -12.0), min(high, 14.0), 400001, dtype=torch.float64)
    density = torch.exp(-0.5 * (grid - 0.3).square() / 0.8)
    mean = (grid * density).sum() / density.sum()
    variance = ((grid - mean).square() * density).sum() / density.sum()
    found = truncated(*(torch.tensor([x], dtype=torch.float64) for x in (0.3, 0.8, low, high)))
    assert torch.isclose(found[0][0], mean, rtol=1e-3)
    assert torch.isclose(found[1][0], variance, rtol=1e-2)


# --- regions


def test_a_whistle_is_taken_out_of_its_region(chord: Tensor) -> None:
    whistle = torch.zeros_like(chord)
    t = torch.arange(4800, dtype=torch.float64) / RATE
    whistle[:, 12800:17600] = 0.3 * torch.sin(2 * torch.pi * 5000 * t) * torch.hann_window(4800, dtype=torch.float64)
    settings = Inpaint(regions=((0.78, 1.12, 4500.0, 5500.0),))
    result = ap.inpaint(chord + whistle, sample_rate=RATE, settings=settings)
    assert snr(chord, result.restored.samples) > snr(chord, chord + whistle) + 25
    away = round(0.7 * RATE), round(1.2 * RATE)
    assert torch.equal(result.restored.samples[:, : away[0]], (chord + whistle)[:, : away[0]])
    assert torch.equal(result.restored.samples[:, away[1] :], (chord + whistle)[:, away[1] :])


def test_regions_are_checked(chord: Tensor) -> None:
    for region in ((1.0, 3.0, 100.0, 200.0), (0.0, 1.0, 100.0, 9000.0)):
        with pytest.raises(SettingsError, match="lies outside the recording, which lasts 2 s and reaches 8000 Hz"):
            ap.inpaint(chord, sample_rate=RATE, settings=Inpaint(regions=(region,)))
    with pytest.raises(SettingsError, match="free guesses a bin from what covers it"):
        ap.inpaint(chord, sample_rate=RATE, method="free", settings=Inpaint(regions=((0.0, 1.0, 100.0, 200.0),)))


# --- blocks


def test_blocks_hold_all_damage_once() -> None:
    runs = torch.tensor([[5, 7], [5000, 5002], [9000, 9001], [30000, 30001]])
    found = patches(runs, 40000, context=1000, most=2000)
    for place in (5, 6, 5000, 5001, 9000, 30000):
        assert sum(one.kept_start <= place < one.kept_end for one in found) == 1
    assert all(0 <= one.start <= one.kept_start < one.kept_end <= one.end <= 40000 for one in found)
    assert patches(runs[:0], 40000, 1000, 2000) == []


# --- few bits


@pytest.mark.parametrize("gain", [1.0, 0.3])
def test_steps_are_found_and_smoothed_within_half_a_step(swell: Tensor, gain: float) -> None:
    step = 2.0**-6
    coarse = (swell / step).round() * step * gain
    result = ap.dequantise(coarse, sample_rate=RATE)
    assert [one.kind for one in result.findings] == ["steps"]
    assert snr(gain * swell, result.restored.samples) > snr(gain * swell, coarse) + 6
    assert (result.restored.samples - coarse).abs().max() <= gain * step / 2 * (1 + 1e-6)


def test_fine_recordings_have_no_steps(swell: Tensor, noise: Maker) -> None:
    fine = (swell * 32768).round() / 32768
    for samples in (fine, noise(1.0), torch.zeros(1, 500), torch.ones(1, 500)):
        result = ap.dequantise(samples, sample_rate=RATE)
        assert not result.findings
        assert torch.equal(result.restored.samples, samples)
    with pytest.raises(SettingsError, match="bits is 1; it must be between 2 and 16"):
        ap.Dequantise(bits=1)
