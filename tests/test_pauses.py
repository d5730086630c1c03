"""Pauses as evidence of the noise's power: trusted where sound pauses, doubted where it never does."""

import functools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

import audioprior as ap
from audioprior.compare.metrics import si_sdr
from audioprior.noise.floor import long_transform, noise_power
from audioprior.noise.pauses import confirmed
from audioprior.sound.spectrum import Transform
from tests import sounds

RATE, SECONDS = 16000, 6.0


def engine(line: float, seed: int = 1) -> Tensor:
    """Pink noise with steady lines that are no multiples of each other, as a fan or an amplifier has; a power of one."""
    numbers = torch.Generator().manual_seed(seed)
    length = round(SECONDS * RATE)
    spectrum = torch.fft.rfft(torch.randn(1, length, generator=numbers, dtype=torch.float64))
    pink: Tensor = torch.fft.irfft(spectrum / torch.fft.rfftfreq(length, 1 / RATE).clamp_min(40).sqrt(), length)
    sound = pink / pink.square().mean().sqrt()
    time_s = torch.arange(length, dtype=torch.float64) / RATE
    for frequency_hz, share in ((147, 1.0), (233, 0.8), (331, 0.7), (517, 0.5), (707, 0.4)):
        sound = sound + line * share * torch.sin(2 * math.pi * frequency_hz * time_s)
    return sound / sound.square().mean().sqrt()


def added(sound: Tensor, noise: Tensor, snr_db: float) -> Tensor:
    """A sound with noise, (1, time)."""
    return sound + noise * (sound.square().mean() / noise.square().mean()).sqrt() * 10 ** (-snr_db / 20)


def restored(noisy: Tensor) -> Tensor:
    return ap.denoise(noisy, sample_rate=RATE, method="fast").restored.samples


def trust(samples: Tensor, rate: int = RATE) -> Tensor:
    """How far pauses confirm what is found blind: (frequency,)."""
    transform = long_transform(Transform.of(rate, 64))
    power = transform.analyse((samples / samples.square().mean().sqrt()).float()).abs().square()
    return confirmed(power, noise_power(power, transform), transform)[0, :, 0]


@functools.cache
def player() -> Tensor:
    return sounds.music(SECONDS, RATE)


def dense(seed: int, *, reverberant: bool) -> Tensor:
    """Eight players who never pause together, in a hall or not: (1, time)."""
    numbers = np.random.default_rng(seed)
    length = round(SECONDS * RATE)
    made = np.zeros(length)
    for semitones in range(-12, 12, 3):
        places = np.arange(length) * 2 ** (semitones / 12) + numbers.integers(length)
        made += np.interp(places % (length - 1), np.arange(length), player()[0].numpy())
    sound = torch.from_numpy(made)[None]
    if reverberant:
        echoes = engine(0.0, seed) * torch.exp(-3 * torch.arange(length) / RATE)
        sound = torch.fft.irfft(torch.fft.rfft(sound) * torch.fft.rfft(echoes), length)
    return 0.1 * sound / sound.square().mean().sqrt()


@pytest.mark.parametrize(("line", "fall_db"), [(0.25, 15.0), (0.5, 10.0)])
@pytest.mark.parametrize("seed", [0, 1])
def test_the_noise_in_a_voice_s_pauses_is_taken_away_although_it_has_a_pitch(line: float, fall_db: float, seed: int) -> None:
    voice = sounds.speech(SECONDS, RATE, seed)
    noisy = added(voice, engine(line), 20)
    cleaned = restored(noisy)
    frame = round(0.05 * RATE)
    clean, before, after = (x.unfold(1, frame, frame).square().mean(2)[0] for x in (voice, noisy, cleaned))
    pause = clean < 1e-6 * clean.max()
    assert float(pause.sum()) * 0.05 > 1
    assert 10 * float((before[pause].mean() / after[pause].mean()).log10()) > fall_db
    assert si_sdr(voice, cleaned) > 20 + 3
    loud = clean > clean.quantile(0.75)
    assert abs(10 * float((after[loud].mean() / before[loud].mean()).log10())) < 0.3


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("reverberant", [False, True])
def test_what_never_pauses_is_doubted_as_before(seed: int, reverberant: bool, noise: Callable[..., Tensor]) -> None:
    music = dense(seed, reverberant=reverberant)
    assert not trust(added(music, noise(SECONDS, RATE), 30)).any()
    assert not trust(music).any()


def test_a_chord_without_a_pause_keeps_its_sound(noise: Callable[..., Tensor]) -> None:
    time_s = torch.arange(round(SECONDS * RATE), dtype=torch.float64) / RATE
    chord = torch.zeros(1, len(time_s), dtype=torch.float64)
    for bow_hz, pitch_hz in enumerate((146.8, 185.0, 220.0, 293.7), start=3):
        swell = 1 + 0.2 * torch.sin(2 * math.pi * bow_hz * time_s)
        for k in range(1, 16):
            chord += swell * torch.sin(2 * math.pi * k * pitch_hz * time_s + k * pitch_hz) / k
    chord = 0.1 * chord / chord.square().mean().sqrt()
    assert si_sdr(chord, restored(chord)) > 60
    noisy = added(chord, noise(SECONDS, RATE), 30)
    assert not trust(noisy).any()
    assert si_sdr(chord, restored(noisy)) > 33


def test_pauses_confirm_the_octaves_in_which_nothing_sounds(
    tone: Callable[..., Tensor], noise: Callable[..., Tensor]
) -> None:
    """A drone goes on through a voice's pauses: its octave stays doubted."""
    voice = sounds.speech(SECONDS, RATE)
    heard = trust(voice + noise(SECONDS, RATE, level=0.003))
    droned = trust(voice + noise(SECONDS, RATE, level=0.003) + tone(185.0, SECONDS, RATE, level=0.05))
    hz = torch.arange(len(heard)) * RATE / 2 / (len(heard) - 1)
    assert bool((heard[hz > 300] > 0.9).all())
    assert bool((droned[hz > 700] > 0.9).all())
    assert float(droned[(hz > 185) & (hz < 195)].max()) < 0.4


def test_digital_silence_and_what_is_gated_confirm_nothing(noise: Callable[..., Tensor]) -> None:
    """The noise is not heard in a pause that was cut out."""
    voice = sounds.speech(SECONDS, RATE)
    frame = round(0.02 * RATE)
    speaking = voice.unfold(1, frame, frame).square().mean(2)[0] > 1e-5
    gate = speaking.repeat_interleave(frame).double()[None]
    noisy = voice + noise(SECONDS, RATE, level=0.01)
    assert bool(trust(noisy).any())
    assert not trust(noisy[:, : gate.shape[1]] * gate).any()


@pytest.mark.parametrize("rate", [100, 250, 1000, 192000])
def test_any_rate_and_length_is_judged(rate: int) -> None:
    numbers = torch.Generator().manual_seed(0)
    for length in (1, 50, 3000):
        found = trust(torch.randn(1, length, generator=numbers, dtype=torch.float64), rate)
        assert bool(((found >= 0) & (found <= 1)).all())
