"""One noisy channel: whose noise is like whose, and what a clean channel keeps."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

import audioprior as ap
from audioprior.compare.metrics import si_sdr
from audioprior.noise.apart import Noises, compared, noises
from audioprior.sound.channels import principal_axes
from audioprior.sound.source import as_recording
from audioprior.tasks import Denoise
from tests import sounds

VOICE, MUSIC, OTHER = sounds.speech(2.0), sounds.music(2.0), sounds.speech(2.0, seed=5, pitch_hz=190.0)


def hiss(seed: int, level: float = 0.03) -> Tensor:
    numbers = torch.Generator().manual_seed(seed)
    return level * torch.randn(1, 32000, generator=numbers, dtype=torch.float64)


HISSING = VOICE + hiss(0)
CASES = {
    "dual mono": ([HISSING, HISSING], (0, 0), ()),
    "antiphase": ([HISSING, -HISSING], (0, 0), ()),
    "left of the middle": ([HISSING, 0.4 * VOICE + hiss(1)], (0, 0), ()),
    "music left of the middle": ([MUSIC + hiss(0), 0.4 * MUSIC + hiss(1)], (0, 0), ()),
    "two programmes": ([HISSING, MUSIC + hiss(1)], (0, 0), ()),
    "both clean": ([MUSIC, 0.3 * MUSIC], (0, 0), ()),
    "left only": ([HISSING, 0 * VOICE], (0, 1), ()),
    "different noise": ([VOICE + hiss(0, 0.01), VOICE + hiss(1, 0.05)], (0, 1), ()),
    "voice, one clean": ([VOICE, HISSING], (0, 1), (0,)),
    "music, the right one clean": ([MUSIC + hiss(0), MUSIC], (0, 1), (1,)),
    "two programmes, one clean": ([OTHER, MUSIC + hiss(1)], (0, 1), (0,)),
    "5.1, no bass": ([HISSING, VOICE + hiss(1), OTHER + hiss(2), 0 * VOICE, hiss(3), hiss(4)], (0, 0, 0, 1, 0, 0), ()),
    "B-format": ([HISSING, 0.6 * VOICE + hiss(1), 0.3 * VOICE + hiss(2), hiss(3)], (0, 0, 0, 0), ()),
}


@pytest.mark.parametrize("case", CASES)
def test_whose_noise_is_like_whose(case: str) -> None:
    channels, groups, clean = CASES[case]
    assert noises(as_recording(torch.cat(channels), 16000)) == Noises(groups, clean)


def test_of_one_channel_and_of_a_moment_nothing_is_told() -> None:
    assert noises(as_recording(HISSING, 16000)) == Noises((0,))
    assert noises(as_recording(torch.cat([VOICE, HISSING])[:, :4000], 16000)) == Noises((0, 0))
    assert noises(as_recording(torch.zeros(2, 16000), 16000)) == Noises((0, 0))


def test_levels_by_hand() -> None:
    """Noise of 0 dB beside one of −5, −7 and −20 dB, under sounds of 25 dB."""
    flat, sound = torch.ones(257), torch.full((2,), 10**2.5)
    for below_db, groups, clean in ((5, (0, 0), ()), (7, (0, 1), ()), (20, (0, 1), (1,))):
        assert compared(torch.stack([flat, flat * 10 ** (-below_db / 10)]), sound) == Noises(groups, clean)
    # A sound that is as much louder as its noise is: one tape, two gains.
    assert compared(torch.stack([flat, flat / 100]), torch.tensor([1000.0, 10.0])) == Noises((0, 0))


def test_only_channels_of_a_group_are_mixed() -> None:
    axes, _ = principal_axes([torch.cat([HISSING, MUSIC, 0.5 * HISSING + hiss(1)])], (0, 1, 0))
    assert axes.rotation[[0, 2], 1].tolist() == [0, 0]
    assert axes.rotation[1].tolist() == [0, 1, 0]
    assert abs(float(axes.rotation[0, 2])) > 0.2
    assert torch.allclose(axes.rotation @ axes.rotation.T, torch.eye(3, dtype=torch.float64))


@pytest.mark.parametrize("first", [0, 1])
def test_a_clean_channel_beside_a_noisy_one_stays_as_it_is(first: int) -> None:
    channels = [VOICE, HISSING]
    samples = torch.cat([channels[first], channels[1 - first]]).float().double()
    result = ap.denoise(samples, sample_rate=16000, method="fast", settings=Denoise(block_s=1.0, overlap_s=0.2))
    restored = result.restored.samples
    assert float((restored[first] - VOICE[0]).square().sum() / VOICE.square().sum()) < 1e-6  # 60 dB
    assert si_sdr(VOICE, restored[[1 - first]]) > si_sdr(VOICE, HISSING) + 2
    assert torch.equal(restored + result.removed.samples, samples)


def test_two_channels_gain_from_each_other(noise: Callable[..., Tensor]) -> None:
    both = torch.cat([HISSING, VOICE + noise(2.0, level=0.03, seed=9)])
    alone = ap.denoise(both[:1], sample_rate=16000, method="nlm").restored.samples
    together = ap.denoise(both, sample_rate=16000, method="nlm").restored.samples
    assert si_sdr(VOICE, together[:1]) > si_sdr(VOICE, alone) + 0.5
