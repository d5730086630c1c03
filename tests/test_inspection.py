"""What is said of a recording, before and after it is restored."""

from collections.abc import Callable

import numpy as np
import pytest
import soxr
import torch
from torch import Tensor

from audioprior.noise.kinds import removed_noise
from audioprior.restoring.inspection import suggest
from audioprior.sound.recording import Recording

RATE = 16000
Sound = Callable[..., Tensor]


def suggested(samples: Tensor, rate: int = RATE) -> dict[str, str]:
    return {one.task: one.reason for one in suggest(Recording(samples, rate))}


def rumble(noise: Sound, seconds: float) -> Tensor:
    """Noise below 50 Hz, (1, time), of unit power."""
    slow = noise(seconds, 100).numpy().T
    samples = torch.from_numpy(soxr.resample(slow, 100, RATE)).T[:, : round(seconds * RATE)]
    return samples / samples.square().mean().sqrt()


def test_digital_silence_needs_nothing() -> None:
    assert suggested(torch.zeros(2, RATE)) == {}


def test_a_clean_tone_needs_no_denoising(tone: Sound) -> None:
    assert "denoise" not in suggested(tone(440, 4.0, RATE))


def test_steady_hiss_is_named_with_its_level(tone: Sound, noise: Sound) -> None:
    hiss = noise(4.0, RATE)
    sound = tone(440, 4.0, RATE)
    hiss *= 0.1 * (sound.square().mean() / hiss.square().mean()).sqrt()  # 20 dB below
    reason = suggested(sound + hiss)["denoise"]
    assert reason in {f"Steady hiss, {level} dB below the sound." for level in (19, 20, 21)}


def test_what_is_heard_is_named_before_what_has_the_power(tone: Sound, noise: Sound) -> None:
    """A rumble of 20 dB more power than the hiss is hardly heard."""
    samples = tone(440, 6.0, RATE) + 0.1 * rumble(noise, 6.0) + 0.01 * torch.randn(1, 6 * RATE).double()
    assert suggested(samples)["denoise"].startswith("Steady hiss and rumble below 80 Hz")


@pytest.mark.parametrize("mains_hz", [50, 60])
def test_hum_is_named_by_its_mains(tone: Sound, noise: Sound, mains_hz: int) -> None:
    hum = sum(tone(mains_hz * k, 6.0, RATE) / k for k in range(1, 9))
    speechlike = tone(523, 6.0, RATE) * (torch.sin(torch.arange(6 * RATE) / RATE * 9) > 0)
    assert f"{mains_hz} Hz hum" in suggested(0.1 * hum + speechlike + 0.001 * noise(6.0, RATE))["denoise"]


def test_damage_is_found_before_noise(tone: Sound, noise: Sound) -> None:
    sound = tone(440, 4.0, RATE) + tone(1310, 4.0, RATE)
    assert next(iter(suggested(sound.clamp(-0.3, 0.3)))) == "declip"
    torn = sound + 0.001 * noise(4.0, RATE)
    torn[:, 20000:20320] = 0.0
    assert suggested(torn)["inpaint"] == "1 gap found, the longest 20 ms."
    assert "dequantise" in suggested((sound * 31).round() / 31)


def test_a_missing_band_is_found_and_the_usual_end_is_not(noise: Sound) -> None:
    dull = torch.from_numpy(soxr.resample(noise(4.0, 8000).numpy().T, 8000, 44100)).T
    assert "Nothing lies above" in suggested(dull, 44100)["extend"]
    assert "extend" not in suggested(noise(4.0, RATE))


@pytest.mark.parametrize("fall_db", [6, 14, 20])
def test_how_far_the_noise_fell_is_said(tone: Sound, noise: Sound, fall_db: int) -> None:
    sound, hiss = tone(440, 4.0, RATE), 0.1 * noise(4.0, RATE)
    after = sound + 10 ** (-fall_db / 20) * hiss
    assert removed_noise(sound + hiss, after, RATE) == [f"{fall_db} dB of steady hiss"]
    assert removed_noise(after, after, RATE) == []


def test_a_held_note_does_not_hide_how_far_the_rumble_fell(tone: Sound, noise: Sound) -> None:
    sound, low = tone(70, 6.0, RATE), 0.1 * rumble(noise, 6.0)
    (told,) = removed_noise(sound + low, sound + 0.1 * low, RATE)
    level, words = told.split(" dB of ")
    assert words == "rumble below 80 Hz"
    assert np.isclose(int(level), 20, atol=3)
