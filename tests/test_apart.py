"""Channels: those whose noises are alike gain from each other, and no noise comes into a channel that had less of it."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import audioprior as ap
from audioprior.noise.apart import clean, clean_channels, kept_apart
from audioprior.noise.profile import Profile
from audioprior.sound.channels import BandAxes, principal_axes
from audioprior.sound.source import as_recording
from audioprior.sound.spectrum import Transform
from audioprior.tasks import Denoise
from tests import sounds

RATE = 16000
LONG = Transform.of(RATE, 128)


def hiss(like: Tensor, below_db: float, seed: int = 0) -> Tensor:
    """Return white noise so far below a sound: its shape."""
    numbers = torch.Generator().manual_seed(seed)
    noise = torch.randn(like.shape, generator=numbers, dtype=torch.float64)
    return noise * like.square().mean().sqrt() * 10 ** (-below_db / 20)


VOICE, MUSIC, OTHER = sounds.speech(2.0), sounds.music(2.0), sounds.speech(2.0, seed=5, pitch_hz=190.0)


def own(seed: int, level: float = 0.03) -> Tensor:
    numbers = torch.Generator().manual_seed(seed)
    return level * torch.randn(1, 32000, generator=numbers, dtype=torch.float64)


def highs(noise: Tensor) -> Tensor:
    """Return what of a noise lies above 3 kHz."""
    spectrum = torch.fft.rfft(noise)
    spectrum[:, : spectrum.shape[1] * 3 // 8] = 0
    made: Tensor = torch.fft.irfft(spectrum, noise.shape[1])
    return made


HISSING = VOICE + own(0)
CASES = {
    "dual mono": ([HISSING, HISSING], ()),
    "antiphase": ([HISSING, -HISSING], ()),
    "left of the middle": ([HISSING, 0.4 * VOICE + own(1)], ()),
    "music left of the middle": ([MUSIC + own(0), 0.4 * MUSIC + own(1)], ()),
    "two programmes": ([HISSING, MUSIC + own(1)], ()),
    "both clean": ([MUSIC, 0.3 * MUSIC], ()),
    "left only": ([HISSING, 0 * VOICE], ()),
    "different noise": ([VOICE + own(0, 0.01), VOICE + own(1, 0.05)], ()),
    "voice, one clean": ([VOICE, HISSING], (0,)),
    "music, the right one clean": ([MUSIC + own(0), MUSIC], (1,)),
    "two programmes, one clean": ([OTHER, MUSIC + own(1)], (0,)),
    "5.1, no bass": ([HISSING, VOICE + own(1), OTHER + own(2), 0 * VOICE, own(3), own(4)], ()),
    "hiss in the highs, one clean": ([MUSIC, MUSIC + highs(own(1, 0.06))], (0,)),
    "faint hiss in both": ([OTHER + own(0, 0.002), MUSIC + own(1, 0.002)], ()),
    "B-format": ([HISSING, 0.6 * VOICE + own(1), 0.3 * VOICE + own(2), own(3)], ()),
}


def snr(clean: Tensor, sound: Tensor) -> float:
    """Return a channel's signal-to-noise ratio in dB."""
    return float(10 * (clean.square().sum() / (clean - sound).square().sum()).log10())


def denoised(*channels: Tensor, **task: object) -> Tensor:
    """Return some channels denoised together."""
    samples = torch.cat(channels).float().double()
    result = ap.denoise(samples, sample_rate=RATE, method="fast", settings=Denoise(**task))  # type: ignore[arg-type]
    assert torch.equal(result.restored.samples + result.removed.samples, samples)
    return result.restored.samples


@pytest.mark.parametrize("case", CASES)
def test_which_channels_are_clean(case: str) -> None:
    channels, clean_ones = CASES[case]
    assert clean_channels(as_recording(torch.cat(channels), RATE)) == clean_ones


def test_of_one_channel_and_of_a_moment_nothing_is_told() -> None:
    for samples in (HISSING, torch.cat([VOICE, HISSING])[:, :4000], torch.zeros(2, RATE)):
        assert clean_channels(as_recording(samples, RATE)) == ()


def test_levels_by_hand() -> None:
    """Noise of 0 dB beside one of −5, −9 and −20 dB, under sounds of 25 dB."""
    flat, sound = torch.ones(257), torch.full((2,), 10**2.5)
    for below_db, found in ((5, ()), (9, ()), (20, (1,))):
        assert clean(torch.stack([flat, flat * 10 ** (-below_db / 10)]), sound) == found
    # A sound that is as much louder as its noise is: one tape, two gains.
    assert clean(torch.stack([flat, flat / 100]), torch.tensor([10000.0, 100.0])) == ()


@pytest.fixture(scope="module")
def voice() -> Tensor:
    return sounds.speech(3.0).float().double()


@pytest.mark.parametrize("noisy", [0, 1])
def test_a_clean_channel_beside_a_noisy_one_stays_as_it_is(voice: Tensor, noisy: int) -> None:
    channels = [voice, voice]
    channels[noisy] = voice + hiss(voice, 10)
    restored = denoised(*channels)
    assert snr(voice[0], restored[1 - noisy]) > 60
    # The noisy one gains from it more than it would alone.
    alone = denoised(channels[noisy])
    assert snr(voice[0], restored[noisy]) > snr(voice[0], alone[0]) + 3


def test_so_it_does_upside_down_and_at_another_level(voice: Tensor) -> None:
    for gain in (-1.0, 0.4):
        restored = denoised(voice, gain * (voice + hiss(voice, 10)))
        assert snr(voice[0], restored[0]) > 60
        assert snr(gain * voice[0], restored[1]) > 13


def test_with_a_passage_of_noise_too(voice: Tensor) -> None:
    quiet = torch.cat([torch.zeros(1, RATE // 2, dtype=torch.float64), voice], 1)
    restored = denoised(quiet + hiss(quiet, 75, seed=1), quiet + hiss(quiet, 10), noise=(0.0, 0.5))
    assert snr(quiet[0], restored[0]) > 60


def test_it_is_decided_in_each_band(voice: Tensor) -> None:
    """Hiss above 3 kHz in the right channel only, over the same noise in both: only there they are kept apart."""
    high = highs(hiss(voice, 10))
    left, right = voice + hiss(voice, 25, seed=1), voice + hiss(voice, 25, seed=2) + high
    restored = denoised(left, right)
    assert snr(voice[0], restored[0]) > snr(voice[0], denoised(left)[0])  # with one rotation for all bands: 5 dB less
    assert snr(voice[0], restored[1]) > snr(voice[0], denoised(right)[0]) + 3
    heard = LONG.analyse(torch.stack([left[0], right[0]]))
    noise = torch.stack([LONG.analyse(n).abs().square()[0].mean(1) for n in (left - voice, right - voice)])
    found = principal_axes([torch.cat([left, right])])[0]
    axes = kept_apart(found, heard, noise, LONG)
    assert isinstance(axes, BandAxes)
    at_1k, at_6k = axes.maps[128], axes.maps[768]
    assert at_1k.abs().flatten().tolist() == pytest.approx([0.5**0.5] * 4, abs=0.05)  # mid and side
    assert at_6k[0].tolist() == pytest.approx([1, 0], abs=0.05)  # left, and nothing of the right one


def test_alike_noises_are_shared_out_as_ever(voice: Tensor) -> None:
    for sign in (1.0, -1.0):
        left, right = voice + hiss(voice, 10, seed=1), sign * (voice + hiss(voice, 10, seed=2))
        restored = denoised(left, right)
        assert snr(voice[0], restored[0]) > snr(voice[0], denoised(left)[0]) + 1
        assert snr(sign * voice[0], restored[1]) > snr(voice[0], denoised(left)[0]) + 1


def test_two_programmes_do_not_speak_in_each_other() -> None:
    one, other = sounds.speech(3.0), sounds.music(3.0)
    left, right = one + hiss(one, 10, seed=1), other + hiss(other, 10, seed=2)
    restored = denoised(left, right)
    assert snr(one[0], restored[0]) == pytest.approx(snr(one[0], denoised(left)[0]), abs=0.3)
    assert snr(other[0], restored[1]) == pytest.approx(snr(other[0], denoised(right)[0]), abs=0.3)


def test_a_silent_channel_stays_silent_and_the_other_is_as_alone(voice: Tensor) -> None:
    left = voice + hiss(voice, 10)
    restored = denoised(left, torch.zeros_like(left))
    assert not restored[1].any()
    assert snr(voice[0], restored[0]) == pytest.approx(snr(voice[0], denoised(left)[0]), abs=0.1)


def test_surround_with_one_noisy_channel(voice: Tensor) -> None:
    """5.1 as L, R, C, LFE, Ls, Rs: a hiss in the centre stays out of the five others, silent or not."""
    music = sounds.music(3.0)
    clean = torch.cat(
        [music + 0.3 * voice, 0.8 * music, voice, torch.zeros_like(voice), 0.2 * music, 0.3 * music + 0.1 * voice]
    )
    noisy = clean.clone()
    noisy[2:3] += hiss(voice, 10)
    restored = denoised(*torch.split(noisy, 1))
    assert not restored[3].any()
    for channel in (0, 1, 4, 5):
        alone = snr(clean[channel], denoised(clean[channel : channel + 1])[0])
        assert snr(clean[channel], restored[channel]) > min(60, alone - 3)
    assert snr(clean[2], restored[2]) > 15


def test_b_format_with_one_noisy_capsule(voice: Tensor) -> None:
    """W, X, Y, Z of a voice at one place: hiss in Z stays out of W, X and Y, and the direction stays."""
    clean = voice * torch.tensor([[0.707], [0.8], [0.5], [0.33]], dtype=torch.float64)
    noisy = clean.clone()
    noisy[3:] += hiss(clean[3:], 5)
    restored = denoised(*torch.split(noisy, 1))
    for channel in (0, 1, 2):
        assert snr(clean[channel], restored[channel]) > 55
    assert snr(clean[3], restored[3]) > 15


@pytest.mark.parametrize("channels", [2, 3, 6])
def test_maps_of_all_frequencies_are_undone_exactly(channels: int, noise: Callable[..., Tensor]) -> None:
    numbers = torch.Generator().manual_seed(channels)
    maps = torch.eye(channels, dtype=torch.float64) + 0.2 * torch.randn(
        9, channels, channels, generator=numbers, dtype=torch.float64
    )
    samples = noise(0.3, channels=channels)
    for length in (1, 2, 4799, 4800):
        own = torch.eye(channels, dtype=torch.float64)
        axes = BandAxes(own, tuple(range(channels)), torch.zeros(channels, 1), own, maps)
        some = samples[:, :length]
        assert torch.allclose(axes.synthesise(axes.analyse(some)), some, atol=1e-12)


def test_a_map_of_all_frequencies_that_is_one_is_a_rotation(noise: Callable[..., Tensor]) -> None:
    samples = noise(0.3, channels=2)
    whole = principal_axes([samples])[0]
    bands = BandAxes(whole.rotation, whole.sources, whole.offset, whole.covariance, whole.rotation.expand(17, 2, 2))
    assert torch.allclose(bands.analyse(samples), whole.analyse(samples), atol=1e-12)
    covariance = torch.eye(2, dtype=torch.float64).expand(33, 2, 2) + 0.5
    assert torch.allclose(bands.power(covariance), whole.power(covariance), atol=1e-12)
    profile = Profile(RATE, covariance)
    assert torch.allclose(profile.power(LONG, bands, 1.0), profile.power(LONG, whole, 1.0))


@pytest.mark.parametrize(("ratio_db", "together"), [(0, True), (5, True), (7, False), (40, False)])
def test_what_can_come_into_a_channel_is_no_more_than_it_had(voice: Tensor, ratio_db: float, together: bool) -> None:
    """Of mid and side a quarter of the other's noise power comes back: alike is up to 6 dB."""
    both = torch.cat([voice, voice]) * (1 + 1e-6 * torch.randn(2, 1, dtype=torch.float64))
    found = principal_axes([both])[0]
    noise = torch.ones(2, LONG.bins)
    noise[1] *= 10 ** (ratio_db / 10)
    axes = kept_apart(found, LONG.analyse(both), noise, LONG)
    assert (axes is found) == together


def test_axes_are_what_they_were_where_noises_are_alike(noise: Callable[..., Tensor], voice: Tensor) -> None:
    both = torch.cat([voice, 0.5 * voice]) + noise(3.0, channels=2)
    found = principal_axes([both])[0]
    heard = LONG.analyse(both)
    assert kept_apart(found, heard, torch.ones(2, LONG.bins), LONG) is found
