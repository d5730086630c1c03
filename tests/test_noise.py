"""What counts as noise: hum and what only looks like it, silence, sound that hardly pauses, a constant offset, profiles."""

import json
import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

import audioprior as ap
from audioprior.compare.metrics import si_sdr
from audioprior.errors import SettingsError
from audioprior.noise.bands import proportional_mean
from audioprior.noise.doubt import belief
from audioprior.noise.floor import followed, long_transform, noise_power
from audioprior.noise.mains import hum
from audioprior.noise.profile import learn, read_profile
from audioprior.sound.channels import principal_axes
from audioprior.sound.recording import Recording
from audioprior.sound.source import as_recording
from audioprior.sound.spectrum import Transform
from audioprior.tasks import Inpaint
from tests import sounds

Maker = Callable[..., Tensor]
TRANSFORM = long_transform(Transform.of(16000, 64))


def power_of(samples: Tensor) -> Tensor:
    return TRANSFORM.analyse(samples.float()).abs().square()


# --- hum


def lines_found(tone: Maker, noise: Maker, frequencies_hz: list[float], above_db: float) -> int:
    """How many bins are taken for hum where tones stand that far above white noise in their bins."""
    level = 0.01
    # A tone of amplitude a has a²N²/16 in its bin of a Hann window, white noise of variance σ² has 3σ²N/8.
    amplitude = level * math.sqrt((10 ** (above_db / 10) - 1) * 6 / TRANSFORM.window)
    comb = sum((tone(f, 4.0, level=amplitude) for f in frequencies_hz), noise(4.0, level=level))
    return len(hum(power_of(comb)[0], TRANSFORM)[0])


def test_a_note_on_a_multiple_of_the_mains_is_no_hum(tone: Maker, noise: Maker) -> None:
    assert not lines_found(tone, noise, [200.0 * k for k in range(1, 9)], above_db=30)
    assert lines_found(tone, noise, [100.0 * k for k in range(1, 9)], above_db=30)  # of rectified mains


def test_three_lines_are_no_comb_and_four_are(tone: Maker, noise: Maker) -> None:
    assert not lines_found(tone, noise, [100.0, 150.0, 250.0], above_db=30)
    assert lines_found(tone, noise, [100.0, 150.0, 250.0, 350.0], above_db=30)


def test_a_faint_comb_is_found(tone: Maker, noise: Maker) -> None:
    comb = [50.0 * k for k in range(2, 20)]
    assert lines_found(tone, noise, comb, above_db=8.5)
    assert not lines_found(tone, noise, comb, above_db=1)


# --- the floor


def off_db(found: Tensor, truth: float) -> float:
    return float(10 * (found.mean(2) / truth).log10().mean())


def test_digital_silence_before_the_noise_is_no_noise_floor(noise: Maker) -> None:
    """As an edit leaves it: the noise is found as it is where it is."""
    silent = torch.cat([torch.zeros(1, 32000, dtype=torch.float64), noise(2.0, level=0.1)], 1)
    found = noise_power(power_of(silent), TRANSFORM)
    second = found.shape[2] // 2 + 20
    assert abs(off_db(found[:, 4:-4, second:], 0.01 * TRANSFORM.noise_gain())) < 1


def test_noise_under_sound_that_hardly_pauses(noise: Maker) -> None:
    """Applause, 30 dB above the noise in each bin, which pauses for 0.4 s of four."""
    applause = noise(4.0, level=0.03, seed=1)
    applause[:, 30000:36400] = 0
    found = noise_power(power_of(applause + noise(4.0, level=0.001)), TRANSFORM)
    assert abs(off_db(found[:, 4:-4], 1e-6 * TRANSFORM.noise_gain())) < 3


def test_a_known_noise_that_swells_is_followed(noise: Maker) -> None:
    swell = torch.logspace(0, 0.5, 64000, dtype=torch.float64)  # by 10 dB
    power = power_of(noise(4.0, level=0.1) * swell)
    known = torch.full((1, TRANSFORM.bins, 1), 10**0.5 * 0.01 * TRANSFORM.noise_gain())  # as it is half-way
    track = 10 * followed(power, known, TRANSFORM).mean(1)[0].log10()
    quarter = len(track) // 4
    assert float(track[-quarter:].mean() - track[:quarter].mean()) > 4


def test_the_mean_beside_a_loud_band_is_never_negative() -> None:
    """Running sums lose what is faint beside what is loud."""
    picture = torch.full((64, 1), 1e-20)
    picture[:20] = 1e20
    mean = proportional_mean(picture, 0.06)
    assert bool((mean > 0).all())
    assert float(mean[5]) == pytest.approx(1e20)


def test_where_the_sound_covers_all_noise_half_is_believed(noise: Maker) -> None:
    """No bin is noise only, and the sound is 30 dB above: the noise power is known to be too high."""
    loud = TRANSFORM.analyse(noise(4.0, level=1.0).float())
    floor = torch.full((1, TRANSFORM.bins, 1), 1e-3 * TRANSFORM.noise_gain())
    share = belief(loud, 0.1 * loud, floor, torch.ones(1, TRANSFORM.bins, 1), 4)
    assert float(share.mean()) == pytest.approx(0.5, abs=0.02)
    quiet = belief(loud, 0.9 * loud, 1000 * floor, torch.ones(1, TRANSFORM.bins, 1), 4)
    assert float(quiet.mean()) > 0.95


# --- a constant offset, as of a poor converter

OFFSET_METHOD = "nlm"


def with_offset(offset: float) -> tuple[Tensor, Tensor]:
    """A voice, and the same in noise that stands off zero."""
    voice = sounds.speech(2.0)
    hiss = 0.01 * torch.randn(voice.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    return voice, (voice + hiss + offset).float().double()


def means(samples: Tensor) -> Tensor:
    """The mean of each quarter of a second."""
    return samples[0].unfold(0, 4000, 4000).mean(1)


@pytest.mark.parametrize("offset", [0.01, 0.05, -0.5])
def test_an_offset_is_kept_whole_and_does_not_wander(offset: float) -> None:
    voice, noisy = with_offset(offset)
    result = ap.denoise(noisy, sample_rate=16000, method=OFFSET_METHOD)
    restored = result.restored.samples
    assert torch.equal(restored + result.removed.samples, noisy)
    # The sound is restored as it is without: what came out differs by the offset and by nothing else.
    plain = ap.denoise(with_offset(0)[1], sample_rate=16000, method=OFFSET_METHOD).restored.samples
    assert float((means(restored - plain) - offset).abs().max()) < 1e-4
    assert si_sdr(voice, restored - offset) > si_sdr(voice, plain) - 0.1


def test_an_offset_in_one_channel_does_not_turn_the_axes() -> None:
    voice, noisy = with_offset(0)
    other = 0.7 * voice + 0.01 * torch.randn(voice.shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    both = torch.cat([noisy, other])
    plain = ap.denoise(both, sample_rate=16000, method=OFFSET_METHOD).restored.samples
    offset = torch.tensor([[0.5], [0.0]], dtype=torch.float64)
    shifted = ap.denoise(both + offset, sample_rate=16000, method=OFFSET_METHOD).restored.samples - offset
    assert si_sdr(plain, shifted) > 30
    axes, level = principal_axes([both])
    moved, same = principal_axes([both[:, :9000] + offset, both[:, 9000:] + offset])
    assert torch.allclose(axes.rotation, moved.rotation, atol=1e-3)
    assert same == pytest.approx(level, rel=1e-3)
    assert moved.offset[0, 0] == pytest.approx(0.5, abs=1e-3)


def test_a_gate_in_a_recording_with_an_offset_hides_no_noise() -> None:
    """Zeros less an offset would be no digital silence, but a noise floor of nothing."""
    voice, noisy = with_offset(0.2)
    noisy[:, 8000:14000] = voice[:, 8000:14000] = 0
    restored = ap.denoise(noisy, sample_rate=16000, method=OFFSET_METHOD).restored.samples
    assert not restored[:, 8000:14000].any()
    heard = torch.cat([torch.arange(8000), torch.arange(14000, 32000)])
    assert si_sdr(voice[:, heard], restored[:, heard] - 0.2) > si_sdr(voice[:, heard], noisy[:, heard] - 0.2) + 1
    axes, _ = principal_axes([noisy])
    assert float(axes.offset) == pytest.approx(0.2, abs=1e-3)


def test_a_small_mean_is_no_offset() -> None:
    samples = torch.tensor([[1.0, -1.0] * 500, [0.5, -0.5] * 500], dtype=torch.float64)
    samples += torch.tensor([[0.009], [0.006]])
    assert principal_axes([samples])[0].offset.flatten().tolist() == [0, pytest.approx(0.006)]


def test_a_constant_comes_back_as_it_is() -> None:
    for samples in (torch.full((2, 4000), 0.3), torch.cat([torch.full((1, 4000), 0.3), sounds.speech(0.25).float()])):
        samples = samples.double()
        restored = ap.denoise(samples, sample_rate=16000, method=OFFSET_METHOD).restored.samples
        assert float((restored[0] - samples[0]).abs().max()) < 1e-9


def test_a_noise_passage_teaches_no_offset() -> None:
    _, noisy = with_offset(0.5)
    quiet, shifted = (learn(as_recording(one[:, :1000], 16000), (0.0, 0.06)) for one in (noisy - 0.5, noisy))
    assert float((quiet.covariance - shifted.covariance).abs().max()) < 0.05 * float(quiet.covariance.max())


def test_a_gap_is_filled_off_zero_where_all_around_it_is() -> None:
    samples = (sounds.speech(2.0) + 0.3).float().double()
    gap = slice(10500, 10820)
    damaged = samples.clone()
    damaged[:, gap] = 0
    settings = Inpaint(gaps=((gap.start / 16000, gap.stop / 16000),))
    restored = ap.inpaint(damaged, sample_rate=16000, settings=settings).restored.samples
    assert float(restored[:, gap].mean()) == pytest.approx(0.3, rel=0.1)
    restored[:, gap] = samples[:, gap]
    assert torch.equal(restored, samples)


# --- profiles


def test_a_coloured_profile_keeps_its_frequencies_at_another_rate(noise: Maker) -> None:
    """Noise below 2 kHz, learned at 16 kHz, ends at 2 kHz in a recording at 8 kHz, not at 1 kHz."""
    spectrum = torch.fft.rfft(noise(2.0, level=0.1))
    spectrum[:, 4000:] *= 1e-3  # bins of half a hertz
    profile = learn(Recording(torch.fft.irfft(spectrum), 16000), (0.0, 2.0))
    transform = Transform.of(8000, 64)
    level_db = 10 * profile.power(transform, principal_axes([torch.ones(1, 10).double()])[0], 0.1)[0, :, 0].log10()
    spacing_hz = 8000 / transform.window
    passed, stopped = level_db[: round(1900 / spacing_hz)], level_db[round(2100 / spacing_hz) :]
    assert float(passed.min() - stopped.max()) > 30


def test_a_profile_of_a_moment_is_smooth(noise: Maker) -> None:
    """60 ms give two frames: each of their bins alone would be off by 5 dB."""
    profile = learn(Recording(noise(1.0, level=0.1), 16000), (0.2, 0.26))
    level_db = 10 * profile.covariance[4:-4, 0, 0].log10()
    assert float(level_db.diff().square().mean().sqrt()) < 2


def test_a_profile_of_a_later_version_is_refused(tmp_path: Path, noise: Maker) -> None:
    learn(Recording(noise(1.0), 16000), (0.0, 1.0)).write(tmp_path / "p.json")
    content = json.loads((tmp_path / "p.json").read_text())
    (tmp_path / "p.json").write_text(json.dumps(content | {"file_version": 2}))
    with pytest.raises(SettingsError, match="is no noise profile of this version"):
        read_profile(tmp_path / "p.json")
