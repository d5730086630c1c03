"""Gains, noise power and the two observations."""

from collections.abc import Callable

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

import audioprior as ap
from audioprior.compare.metrics import si_sdr
from audioprior.errors import SettingsError
from audioprior.noise.doubt import Doubt, belief
from audioprior.noise.floor import long_transform, noise_power, to_shorter
from audioprior.noise.mains import free_of_hum, hum
from audioprior.noise.rumble import rumble
from audioprior.observations.gain import RULES, exponential_integral, gain
from audioprior.observations.image import ImageObservation
from audioprior.observations.noise import NoiseObservation
from audioprior.sound.spectrum import Transform
from tests import sounds

POSITIVE = st.floats(1e-6, 1e6)


@pytest.mark.parametrize("rule", RULES)
@given(prior_power=POSITIVE, noise_power=POSITIVE, heard_power=POSITIVE)
def test_gains_lie_between_nothing_and_all(rule: str, prior_power: float, noise_power: float, heard_power: float) -> None:
    value = float(gain(rule, *(torch.tensor([x], dtype=torch.float64) for x in (prior_power, noise_power, heard_power))))
    assert 0 <= value <= 1


@pytest.mark.parametrize("rule", RULES)
def test_loud_sound_passes_and_noise_does_not(rule: str) -> None:
    one = torch.ones(1)
    assert float(gain(rule, 1e4 * one, one, 1e4 * one)) > 0.99
    assert float(gain(rule, 1e-4 * one, one, one)) < 0.1


def test_unknown_gain() -> None:
    with pytest.raises(SettingsError, match="there is no gain rule 'best'; choose one of wiener"):
        gain("best", *torch.ones(3, 1))


def test_exponential_integral_against_its_series() -> None:
    # E₁(x) = ∫ₓ^∞ e^−t/t dt, here by substitution t = x/u on a fine grid.
    u = (torch.arange(200_000, dtype=torch.float64) + 0.5) / 200_000
    for x in (0.05, 0.5, 0.99, 1.01, 3.0, 20.0):
        exact = float(((-x / u).exp() / u).mean())
        assert float(exponential_integral(torch.tensor([x], dtype=torch.float64))) == pytest.approx(exact, rel=1e-4)


def found(samples: Tensor, transform: Transform) -> Tensor:
    """The noise power that is found blind, as a window sees it: (channel, frequency, frame)."""
    longer = long_transform(transform)
    power = longer.analyse(samples.float()).abs().square()
    return to_shorter(noise_power(power, longer), longer.window // transform.window, transform.frames(samples.shape[1]))


@pytest.mark.parametrize("rate", [4000, 8000, 16000, 44100, 96000])
@pytest.mark.parametrize("window_ms", [32, 64, 128, 200])
def test_the_power_of_white_noise_is_found(noise: Callable[..., Tensor], rate: int, window_ms: float) -> None:
    transform = Transform.of(rate, window_ms)
    ratio = found(noise(4.0, rate, level=1.0), transform) / transform.noise_gain()
    assert ratio.shape == (1, transform.bins, transform.frames(4 * rate))
    assert abs(float(10 * ratio.mean().log10())) < 0.5
    assert float((10 * ratio[:, 2:-2].mean(2).log10()).abs().mean()) < 0.8


def test_coloured_noise_is_found_where_it_falls_off(noise: Callable[..., Tensor]) -> None:
    """Noise with nothing above 4 kHz, as after a low-pass: 60 dB within a few bins."""
    samples = noise(4.0, level=1.0)
    spectrum = torch.fft.rfft(samples)
    spectrum[:, spectrum.shape[1] // 2 :] *= 1e-3
    transform = Transform.of(16000, 64)
    level = found(torch.fft.irfft(spectrum), transform).mean(2)[0] / transform.noise_gain()
    middle = transform.bins // 2
    assert float((10 * level[5 : round(0.9 * middle)].log10()).abs().max()) < 1.5
    assert float((10 * level[round(1.15 * middle) :].log10() + 60).abs().max()) < 1.5


def test_held_tones_are_not_noise(noise: Callable[..., Tensor], tone: Callable[..., Tensor]) -> None:
    """A chord that never pauses, 20 dB above the noise, leaves the estimate as it was, but for a trifle at the tones."""
    transform = Transform.of(16000, 64)
    hiss = noise(4.0, level=0.01)
    chord = sum((tone(f, 4.0, level=0.1) for f in (220.0, 277.2, 329.6, 440.0)), torch.zeros(1, 64000, dtype=torch.float64))
    change = 10 * (found(hiss + chord, transform).mean(2) / found(hiss, transform).mean(2)).log10()
    assert float(change.abs().max()) < 6
    assert float(change.abs().mean()) < 0.3


def test_mains_hum_is_noise(noise: Callable[..., Tensor], tone: Callable[..., Tensor]) -> None:
    """A steady comb on 50 Hz is found; the same comb on a musical pitch is a note, and is not."""
    longer = long_transform(Transform.of(16000, 64))

    def lines(base_hz: float) -> Tensor:
        comb = sum((tone(base_hz * k, 4.0, level=0.05) for k in (1, 2, 3, 5, 7)), noise(4.0, level=0.01))
        return hum(longer.analyse(comb.float()).abs().square()[0], longer)[0]

    bins = lines(50.0)
    spacing = 16000 / longer.window
    assert {round(50 * k / spacing) for k in (1, 2, 3, 5, 7)} - set(bins.tolist()) <= {round(50 / spacing)}
    assert len(lines(61.7)) == 0
    assert len(lines(196.0)) == 0


def test_a_slow_swell_is_followed(noise: Callable[..., Tensor]) -> None:
    """Noise that rises by 10 dB over four seconds, as surf does."""
    swell = torch.logspace(0, 0.5, 64000, dtype=torch.float64)
    transform = Transform.of(16000, 64)
    ratio = found(noise(4.0, level=1.0) * swell, transform) / transform.noise_gain()
    track = 10 * ratio.mean(1)[0].log10()
    quarter = len(track) // 4
    assert float(track[-quarter:].mean() - track[:quarter].mean()) > 4


def test_the_noise_observation_with_the_truth_beats_the_noise(
    noise: Callable[..., Tensor], tone: Callable[..., Tensor]
) -> None:
    transform = Transform.of(16000, 64)
    clean, added = tone(440, 2.0), noise(2.0, level=0.1)
    power = transform.analyse(added).abs().square().mean(2, keepdim=True)
    observation = NoiseObservation(clean + added, transform, power, rule="wiener", max_reduction_db=60)
    evidence = observation.expect(None)
    assert evidence.power.shape == (1, 1, transform.bins, transform.frames(32000))
    truth = transform.analyse(clean).abs().square()[None] + 1e-12
    estimate = observation.estimate(truth)
    error = (estimate.sound - clean).square().mean()
    assert float(error) < 0.05 * float(added.square().mean())
    # What it says of its own error is right within a few dB.
    assert 0.2 < estimate.error_power / float(error) < 5


@pytest.mark.parametrize("error_db", [-2.0, 0.0, 3.0])
def test_the_noise_power_is_renewed_once(noise: Callable[..., Tensor], tone: Callable[..., Tensor], error_db: float) -> None:
    """With a fair λ, a wrong ν comes nearer to the truth, and a right one stays."""
    transform = Transform.of(16000, 64)
    clean, added = tone(440, 2.0), noise(2.0, level=0.05)
    truth = transform.analyse(added).abs().square().mean(2, keepdim=True)
    wrong = truth * 10 ** (error_db / 10)
    observation = NoiseObservation(clean + added, transform, wrong, rule="wiener", max_reduction_db=60, renew_every=5)
    power = transform.analyse(clean).abs().square()[None] + 1e-12
    renewed = observation.expect(power).added[0].mean(2, keepdim=True)
    left_db = float(10 * (renewed / truth).mean().log10())
    assert abs(left_db) < 0.4
    assert torch.equal(observation.expect(power).added[0].mean(2, keepdim=True), renewed)


def test_the_reduction_has_a_floor(noise: Callable[..., Tensor]) -> None:
    transform = Transform.of(16000, 64)
    samples = noise(1.0)
    power = transform.analyse(samples).abs().square().mean(2, keepdim=True)
    observation = NoiseObservation(samples, transform, power, rule="wiener", max_reduction_db=12)
    left = observation.estimate(torch.full_like(observation.expect(None).power, 1e-20)).sound
    assert torch.allclose(left, samples * 10 ** (-12 / 20), atol=1e-6)


def test_the_image_of_a_recording_gives_it_back(noise: Callable[..., Tensor]) -> None:
    transform = Transform.of(16000, 64)
    samples = noise(1.0)
    observation = ImageObservation(samples, transform, torch.ones(1, transform.bins, 1))
    evidence = observation.expect(None)
    assert float(evidence.misfit(evidence.power).abs().max()) == 0
    again = observation.estimate(evidence.power).sound
    assert float((again - samples).abs().max()) < 1e-3


def test_a_chord_is_not_removed_as_noise(noise: Callable[..., Tensor], tone: Callable[..., Tensor]) -> None:
    """Where a chord is taken for noise, its pitch gives it away; noise alone has none; hum has one, but is known."""
    transform = Transform.of(16000, 64)
    chord = sum((tone(f, 4.0, level=0.1) for f in (440.0, 554.4, 659.3)), noise(4.0, level=1e-4))
    octave = slice(round(440 / 16000 * transform.window), round(660 / 16000 * transform.window))

    def believed(samples: Tensor, judged: float) -> float:
        spectrum = transform.analyse(samples.float())
        power = spectrum.abs().square().mean(2, keepdim=True)
        share = belief(spectrum, 0.9 * spectrum, 0.1 * power, torch.full_like(power, judged), 4)
        return float(share[0, octave].mean())

    assert believed(chord, 1.0) < 0.2
    assert believed(noise(4.0), 1.0) > 0.7
    assert believed(chord, 0.0) == 1


@pytest.mark.parametrize("mains_hz", [50, 60])
def test_hum_is_found_under_a_voice(mains_hz: float) -> None:
    """The comb stands out in a voice's pauses, however short they are."""
    rate = 44100
    voice = sounds.speech(4.0, rate)
    comb = 0.1**0.5 * sounds.hum(4.0, rate, mains_hz)
    longer = long_transform(Transform.of(rate, 64))
    rows, _ = hum(longer.analyse((voice + comb).float()).abs().square()[0], longer)
    assert {round(mains_hz * k * longer.window / rate) for k in (1, 3, 5, 7)} <= set(rows.tolist())
    assert not len(hum(longer.analyse(voice.float()).abs().square()[0], longer)[0])


def test_what_is_doubted_is_put_back(noise: Callable[..., Tensor], tone: Callable[..., Tensor]) -> None:
    """A chord that was removed comes back, noise that was removed stays away, hum too, and nothing else changes."""
    transform = Transform.of(16000, 128)
    hiss = noise(4.0, level=1e-3).float()
    chord = sum((tone(f, 4.0, level=0.1) for f in (440.0, 465.0, 493.9, 554.4, 659.3)), torch.zeros(1)).float()
    comb = sum((tone(50.0 * k, 4.0, level=0.1) for k in (1, 3, 5, 7, 9, 11)), torch.zeros(1)).float()

    def left(samples: Tensor) -> float:
        """Share of the power that is left when nearly everything was removed, and a tenth of it is said to be noise."""
        power = transform.analyse(samples).abs().square().mean(2, keepdim=True)
        settled = Doubt(samples, 0.1 * power, transform).settled(0.1 * samples)
        return float(settled.square().mean() / samples.square().mean())

    assert left(chord + hiss) > 0.7
    assert left(hiss) < 0.1
    assert left(comb + hiss) < 0.1
    assert torch.equal(Doubt(hiss, torch.ones(1, transform.bins, 1), transform).settled(hiss), hiss)


def test_noise_alone_has_no_hum(noise: Callable[..., Tensor]) -> None:
    longer = Transform.of(16000, 128)
    free = free_of_hum(longer.analyse(noise(2.0, channels=2).float()).abs().square(), longer)
    assert free.shape == (2, longer.bins, 1)
    assert bool((free == 1).all())


def swell(hz: float, width_hz: float, seconds: float, rate: int, seed: int = 0) -> Tensor:
    """Noise in a narrow band, with a power of one: (1, time)."""
    numbers = torch.Generator().manual_seed(seed)
    spectrum = torch.fft.rfft(torch.randn(1, round(seconds * rate), generator=numbers, dtype=torch.float64))
    frequency = torch.fft.rfftfreq(round(seconds * rate), 1 / rate)
    sound: Tensor = torch.fft.irfft(spectrum * torch.exp(-(((frequency - hz) / width_hz) ** 2)), round(seconds * rate))
    return sound / sound.square().mean().sqrt()


def test_rumble_below_hearing_is_taken_away(tone: Callable[..., Tensor], noise: Callable[..., Tensor]) -> None:
    clean = tone(196, 4.0, 16000, level=0.2)
    noisy = clean + 0.1 * swell(12, 6, 4.0, 16000) + noise(4.0, 16000, level=0.003)
    restored = ap.denoise(noisy, sample_rate=16000, method="fast").restored.samples
    assert si_sdr(clean, restored) > si_sdr(clean, noisy) + 10


def test_a_low_note_and_faint_rumble_are_no_rumble(tone: Callable[..., Tensor]) -> None:
    transform = Transform.of(16000, 128.0)
    voice = swell(400, 200, 4.0, 16000)
    for low, rows in (
        (tone(41.2, 4.0, 16000), 0),
        (0.05 * swell(12, 6, 4.0, 16000), 0),
        (0.5 * swell(12, 6, 4.0, 16000), 4),
    ):
        power = transform.analyse((voice + low).float()).abs().square()[0]
        assert len(rumble(power, transform)) >= rows
        assert bool(len(rumble(power, transform))) == bool(rows)
