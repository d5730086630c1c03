"""denoise(): what it promises of any sound."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

import audioprior as ap
from audioprior.compare.metrics import si_sdr
from audioprior.restoring.denoise import Denoising
from audioprior.restoring.job import start
from audioprior.settings.methods import Method
from audioprior.settings.networks import Dcgan, Skip
from audioprior.settings.presets import METHODS
from audioprior.settings.priors import BlindSpot
from audioprior.settings.rules import Discrepancy, FixedSteps, HeldOut
from audioprior.sound.source import as_recording
from audioprior.tasks import Denoise, Dequantise, Run
from tests import sounds

SHORT = settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@SHORT
@given(
    length=st.one_of(st.integers(1, 50), st.integers(51, 6000)),
    channels=st.integers(1, 7),
    rate=st.sampled_from([4000, 8000, 16000, 44100]),
    level=st.sampled_from([1e-6, 0.1, 1.0, 30.0]),
    strength=st.sampled_from([0.0, 0.5, 1.0]),
)
def test_what_was_removed_and_what_was_kept_are_the_input(
    quick: Method, length: int, channels: int, rate: int, level: float, strength: float
) -> None:
    numbers = np.random.default_rng(length)
    samples = (level * numbers.standard_normal((channels, length))).astype(np.float32)
    result = ap.denoise(samples, sample_rate=rate, method=quick, settings=Denoise(strength=strength))
    assert torch.equal(result.restored.samples + result.removed.samples, result.original.samples)
    assert result.restored.samples.shape == (channels, length)
    assert result.restored.sample_rate == rate
    assert bool(result.restored.samples.isfinite().all())
    if strength == 0:
        assert torch.equal(result.restored.samples, result.original.samples)


def test_samples_of_exactly_zero_are_restored_like_their_neighbours(
    quick: Method, tone: Callable[..., Tensor], noise: Callable[..., Tensor]
) -> None:
    """Coarse quantisation leaves many zeros; were they left alone, each would be a click."""
    samples = ((tone(100, 1.0) + noise(1.0, level=0.2)) * 16).round() / 16
    result = ap.denoise(samples, sample_rate=16000, method=quick)
    zeros = samples == 0
    assert int(zeros.sum()) > 500
    assert float((result.restored.samples[zeros] != 0).double().mean()) > 0.99
    assert torch.equal(result.restored.samples + result.removed.samples, samples)


@pytest.mark.parametrize("block_s", [4.0, 1.0])
@pytest.mark.parametrize("offset", [0.0, 0.2])
def test_long_runs_of_exact_zeros_stay_zeros(
    quick: Method, noise: Callable[..., Tensor], block_s: float, offset: float
) -> None:
    """As a noise gate leaves them, in each channel for itself, across the borders of blocks too."""
    samples = noise(2.0, channels=2, level=0.1) + offset
    samples = samples.float().double()
    samples[0, 6000:6160] = 0  # 10 ms
    samples[0, 9550:9730] = samples[0, 12750:12920] = samples[0, -200:] = 0  # two of them across the ends of blocks
    samples[1, :4000] = samples[1, 15000:15159] = 0  # the last a sample short of 10 ms
    for made in (
        ap.denoise(samples, sample_rate=16000, method=quick, settings=Denoise(block_s=block_s, overlap_s=0.2)),
        ap.dequantise(samples, sample_rate=16000, method=quick, settings=Dequantise(bits=6)),
    ):
        restored = made.restored.samples
        assert torch.equal(restored[0] == 0, samples[0] == 0)
        zeros = (restored[1] == 0).nonzero().flatten()
        assert torch.equal(zeros[:4000], torch.arange(4000))
        assert len(zeros) < 4010
        assert torch.equal(restored + made.removed.samples, samples)


def test_zeros_stay_zeros_beside_what_is_protected(quick: Method, noise: Callable[..., Tensor]) -> None:
    """What is put back around a region does not reach into a pause that a gate has closed."""
    samples = noise(2.0)
    samples[:, 16000:20000] = 0
    settings = Denoise(protect=((0.8, 1.1, 100.0, 900.0),))
    result = ap.denoise(samples, sample_rate=16000, method=quick, settings=settings)
    assert not result.restored.samples[:, 16000:20000].any()
    assert torch.equal(result.restored.samples + result.removed.samples, samples)


def test_the_same_seed_gives_the_same_samples(quick: Method, noise: Callable[..., Tensor]) -> None:
    samples = noise(0.5, channels=2)
    state = torch.random.get_rng_state()
    first, second = (ap.denoise(samples, sample_rate=16000, method=quick) for _ in range(2))
    assert torch.equal(first.restored.samples, second.restored.samples)
    assert torch.equal(torch.random.get_rng_state(), state)
    other = ap.denoise(samples, sample_rate=16000, method=quick, settings=Denoise(seed=1))
    assert not torch.equal(first.restored.samples, other.restored.samples)


@pytest.mark.parametrize("name", ["consensus", "blindspot", "nmf", "free", "log-mmse", "nlm"])
def test_a_tone_survives_and_the_noise_goes(name: str, tone: Callable[..., Tensor], noise: Callable[..., Tensor]) -> None:
    clean = tone(440, 2.0)
    result = ap.denoise(clean + noise(2.0, level=0.1), sample_rate=16000, method=name)
    assert si_sdr(clean, result.restored.samples) > si_sdr(clean, result.original.samples) + {
        "free": 4,
        "log-mmse": 6,
        "nlm": 6,
    }.get(name, 8)


@pytest.mark.parametrize(
    "method",
    [
        Method(windows_ms=(32.0,), prior=Skip(levels=2, filters=4), stopping=HeldOut(max_steps=40), gain="two-step"),
        Method(windows_ms=(32.0,), prior=Dcgan(filters=4, levels=3), stopping=Discrepancy(max_steps=60), gain="log-mmse"),
    ],
    ids=["skip", "dcgan"],
)
def test_the_slow_networks_find_the_tone_too(
    method: Method, tone: Callable[..., Tensor], noise: Callable[..., Tensor]
) -> None:
    clean = tone(440, 0.7)
    result = ap.denoise(clean + noise(0.7, level=0.1), sample_rate=16000, method=method)
    assert si_sdr(clean, result.restored.samples) > si_sdr(clean, result.original.samples) + 3
    assert result.fits[0].chosen <= result.fits[0].steps


def test_two_equal_channels_stay_equal(quick: Method, noise: Callable[..., Tensor], tone: Callable[..., Tensor]) -> None:
    one = noise(0.5) + tone(440, 0.5)
    result = ap.denoise(torch.cat([one, one]), sample_rate=16000, method=quick)
    assert torch.equal(result.restored.samples[0], result.restored.samples[1])
    mono = ap.denoise(one, sample_rate=16000, method=quick)
    assert torch.allclose(mono.restored.samples[0], result.restored.samples[0], atol=1e-6)


def test_the_stereo_image_holds(tone: Callable[..., Tensor], noise: Callable[..., Tensor]) -> None:
    """A source left of the middle stays where it is: the ratio of its channels is kept."""
    clean = torch.cat([tone(440, 2.0), 0.4 * tone(440, 2.0)])
    result = ap.denoise(clean + noise(2.0, channels=2, level=0.05), sample_rate=16000)
    left, right = (float((channel * clean[0]).sum() / clean[0].square().sum()) for channel in result.restored.samples)
    assert right / left == pytest.approx(0.4, abs=0.02)


def test_a_quieter_recording_is_restored_alike(quick: Method, noise: Callable[..., Tensor]) -> None:
    samples = noise(0.5)
    loud, quiet = (ap.denoise(samples * gain, sample_rate=16000, method=quick) for gain in (1.0, 0.001))
    assert torch.allclose(loud.restored.samples, quiet.restored.samples * 1000, atol=1e-5)


def test_silence_and_dc_come_back(quick: Method) -> None:
    silence = ap.denoise(np.zeros((2, 4000)), sample_rate=16000, method=quick)
    assert not silence.restored.samples.any()
    assert silence.complete
    dc = ap.denoise(np.full(4000, 0.25), sample_rate=16000, method=quick)
    assert torch.equal(dc.restored.samples, dc.original.samples)


@pytest.mark.parametrize("passage", [None, (0.0, 0.4)])
def test_an_empty_band_beside_a_loud_one(
    tone: Callable[..., Tensor], noise: Callable[..., Tensor], passage: tuple[float, float] | None
) -> None:
    """Nothing at all above 4 kHz for the first half, then a whisper: 200 dB within one recording."""
    spectrum = torch.fft.rfft(noise(1.0, level=0.3))
    spectrum[:, spectrum.shape[1] // 2 :] = 0
    loud = torch.fft.irfft(spectrum) + tone(440)
    samples = torch.cat([loud, loud + 1e-9 * noise(1.0, seed=1)], 1)
    result = ap.denoise(samples, sample_rate=16000, settings=Denoise(noise=passage))
    assert bool(result.restored.samples.isfinite().all())
    assert float(result.restored.samples.abs().max()) < 2


def test_a_noise_passage_teaches_the_noise(tone: Callable[..., Tensor], noise: Callable[..., Tensor]) -> None:
    """Noise that begins loud and a tone that never pauses: only the passage can tell them apart."""
    clean = torch.cat([torch.zeros(1, 8000, dtype=torch.float64), tone(440, 1.5)], 1)
    noisy = clean + noise(2.0, level=0.1)
    free = METHODS["free"]
    taught = ap.denoise(noisy, sample_rate=16000, method=free, settings=Denoise(noise=(0.0, 0.5)))
    assert si_sdr(clean, taught.restored.samples) > si_sdr(clean, noisy) + 4


@pytest.mark.parametrize(
    ("passage", "message"),
    [
        ((5.0, 6.0), r"5-6 s begins after the end of the recording \(1.000 s\)"),
        ((0.5, 0.51), "holds 10 ms; give at least 50 ms"),
        ((0.99, 3.0), "holds 10 ms"),
        ((0.0, 0.1), "is digital silence"),
    ],
)
def test_bad_passages(noise: Callable[..., Tensor], passage: tuple[float, float], message: str) -> None:
    samples = noise(1.0)
    samples[:, :3200] = 0
    with pytest.raises(ap.SettingsError, match=message):
        ap.denoise(samples, sample_rate=16000, settings=Denoise(noise=passage))


def test_bad_device_and_method(noise: Callable[..., Tensor]) -> None:
    with pytest.raises(ap.SettingsError, match="device 'cuda:9' is not available here; use --device auto"):
        ap.denoise(noise(0.1), sample_rate=16000, settings=Denoise(device="cuda:9"))
    with pytest.raises(ap.SettingsError, match="there is no method 'magic'; choose one of consensus"):
        ap.denoise(noise(0.1), sample_rate=16000, method="magic")


def test_long_recordings_go_in_blocks_without_seams(tone: Callable[..., Tensor], noise: Callable[..., Tensor]) -> None:
    clean = tone(440, 6.0, rate=8000)
    noisy = (clean + noise(6.0, 8000, level=0.03)).float().double()
    blocks = Denoise(block_s=2.0, overlap_s=0.5)
    job = start(as_recording(noisy, 8000), Run.of(blocks, "blindspot"))
    seen = {(progress.block, progress.blocks) for progress in job}
    assert seen == {(number, len(job.spans)) for number in range(1, len(job.spans) + 1)}
    assert len(job.spans) >= 4
    result = job.result()
    assert torch.equal(result.restored.samples + result.removed.samples, noisy)
    error = (result.restored.samples - clean)[0].square()
    # Around each border the error is no larger than elsewhere.
    borders = [first for first, _ in job.spans[1:]]
    near = torch.cat([error[first : first + 4000] for first in borders]).mean()
    assert float(near) < 2 * float(error.mean())


def test_cross_fades_sum_to_one(quick: Method) -> None:
    for length in (16001, 40000, 123457):
        job = start(as_recording(np.linspace(-1, 1, length), 8000), Run.of(Denoise(block_s=2.0, overlap_s=0.7), quick))
        assert isinstance(job.work, Denoising)
        total = torch.zeros(length, dtype=torch.float64)
        for number, (first, end) in enumerate(job.spans, 1):
            total[first:end] += job.work.fade(number)
        assert torch.allclose(total, torch.ones_like(total))


def test_stopping_early_leaves_the_rest_as_it_was(quick: Method, noise: Callable[..., Tensor]) -> None:
    samples = noise(6.0, 8000)
    job = start(as_recording(samples, 8000), Run.of(Denoise(block_s=2.0, overlap_s=0.5), quick))
    for progress in job:
        if progress.block == 3:
            break
    result = job.result()
    assert not result.complete
    # Two blocks are done, the third as far as it came, the rest as it was.
    done, rest = job.spans[2][1] - 4000, job.spans[2][1]
    assert torch.equal(result.restored.samples[:, rest:], samples[:, rest:])
    changed = (result.restored.samples != samples)[0, :done].double()
    assert all(float(changed[first : first + 2000].mean()) > 0.9 for first in range(0, done, 2000))
    assert torch.equal(result.restored.samples + result.removed.samples, samples)


def test_a_finished_block_does_not_change_when_the_next_begins(quick: Method, noise: Callable[..., Tensor]) -> None:
    samples = noise(5.0, 8000)
    whole = ap.denoise(samples, sample_rate=8000, method=quick, settings=Denoise(block_s=2.0, overlap_s=0.5))
    job = start(as_recording(samples, 8000), Run.of(Denoise(block_s=2.0, overlap_s=0.5), quick))
    for progress in job:
        if progress.block == 2 and progress.step == 3:
            break
    part = job.result()
    alone = job.spans[1][0]
    assert torch.equal(part.restored.samples[:, :alone], whole.restored.samples[:, :alone])


def test_every_preset_is_a_method_with_a_description() -> None:
    from audioprior.settings.presets import DEFAULT, DESCRIPTIONS

    assert METHODS.keys() == DESCRIPTIONS.keys()
    assert DEFAULT in METHODS


def test_default_is_a_name_as_well() -> None:

    assert Run.of(Denoise(), "default") == Run.of(Denoise(), "consensus")
    assert Run.of(ap.Declip(), "default") == Run.of(ap.Declip(), "nmf")


def test_the_seed_draws_a_picture(tone: Callable[..., Tensor], noise: Callable[..., Tensor]) -> None:
    method = replace(METHODS["seed-dcgan"], prior=Dcgan(filters=4), stopping=FixedSteps(max_steps=30))
    result = ap.denoise((tone(440, 0.5) + noise(0.5)).float(), sample_rate=16000, method=method)
    losses = result.fits[0].losses
    assert losses[-1] < 0.5 * losses[0]
    # The picture is all there is: the sound is drawn anew, and the accounting still holds.
    assert torch.equal(result.restored.samples + result.removed.samples, result.original.samples)


@pytest.mark.parametrize(("make", "least_db"), [(sounds.speech, 7.5), (sounds.music, 6.5), (sounds.animal, 12.0)])
def test_voices_instruments_and_animals_gain(make: Callable[..., Tensor], least_db: float) -> None:
    clean = make(2.0, 16000)
    added = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    noisy = clean + added * (clean.square().mean() / added.square().mean() * 10**-0.5).sqrt()
    quarter = Method(windows_ms=(64.0,), prior=BlindSpot(), stopping=FixedSteps(max_steps=60))
    result = ap.denoise(noisy, sample_rate=16000, method=quarter)
    assert si_sdr(clean, result.restored.samples) - si_sdr(clean, noisy) > least_db


def test_a_protected_band_stays_and_the_rest_is_cleaned(noise: Callable[..., Tensor], quick: Method) -> None:
    samples = noise(2.0)
    settings = Denoise(protect=((0.5, 1.5, 1000.0, 2000.0),))
    removed = ap.denoise(samples, sample_rate=16000, method=quick, settings=settings).removed.samples
    window = torch.hann_window(1024, dtype=torch.float64)
    power = torch.stft(removed[0, 9600:22400], 1024, window=window, center=False, return_complex=True)
    levels = power.abs().square().mean(1)  # 15.6 Hz apart
    assert levels[64:128].mean() < 1e-4 * levels[192:].mean()


def test_the_share_to_stop_at_is_checked() -> None:
    with pytest.raises(ap.SettingsError, match="stop_at is 0; it must be more than 0, at most 1"):
        Denoise(stop_at=0)
    with pytest.raises(ap.SettingsError, match="protect is 2-1:0-100; it must be a start before its end"):
        Denoise(protect=((2, 1, 0, 100),))
