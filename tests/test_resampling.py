"""What a sound at another rate promises: the same sound, at the same time, however it is read."""

import itertools
import math

import numpy as np
import pytest
import soxr
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from audioprior.errors import SettingsError
from audioprior.sound.recording import Recording
from audioprior.sound.resampling import Resampled, resampled

RATES = [(16000, 44100), (44100, 16000), (48000, 44100), (44100, 88200), (8000, 96000)]


def tone(hz: float, rate: int, seconds: float) -> Tensor:
    return torch.sin(2 * torch.pi * hz * torch.arange(round(seconds * rate), dtype=torch.float64) / rate)[None]


def hiss(*shape: int) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


@pytest.mark.parametrize(("old", "new"), RATES)
def test_a_tone_keeps_its_frequency_its_level_and_its_phase(old: int, new: int) -> None:
    made, wanted = resampled(tone(440, old, 9.0), old, new), tone(440, new, 9.0)
    inside = slice(new // 4, -new // 4)  # its ends break off
    assert float((made - wanted)[:, inside].abs().max()) < 1e-8


@pytest.mark.parametrize(("old", "new"), [*RATES, (44100, 44099)])
def test_a_tone_is_as_exact_late_as_early(old: int, new: int) -> None:
    error = (resampled(tone(440, old, 20.0), old, new) - tone(440, new, 20.0)).abs()[0]
    early, late = (float(error[at * new : (at + 1) * new].max()) for at in (1, 18))
    assert late < 2 * early


def test_what_the_lower_rate_cannot_hold_is_gone_and_nothing_comes_down_from_it() -> None:
    made = resampled(tone(9000, 44100, 2.0), 44100, 16000)
    assert float(made[:, 4000:-4000].abs().max()) < 1e-9
    window = torch.hann_window(88200, dtype=torch.float64)
    spectrum = torch.fft.rfft(resampled(hiss(1, 32000), 16000, 44100)[0] * window).abs().square()
    bins = torch.fft.rfftfreq(88200, 1 / 44100)
    assert float(spectrum[bins > 8000].sum() / spectrum.sum()) < 1e-16


@pytest.mark.parametrize(("old", "new"), RATES)
def test_a_constant_stays_what_it_is(old: int, new: int) -> None:
    made = resampled(torch.full((2, 2 * old), 0.3, dtype=torch.float64), old, new)
    assert float((made - 0.3)[:, new // 4 : -new // 4].abs().max()) < 1e-8


@pytest.mark.parametrize(("old", "new"), RATES)
@pytest.mark.parametrize("seconds", [0.5, 3.0, 7.0])
def test_a_click_stays_where_it_is(old: int, new: int, seconds: float) -> None:
    sound = torch.zeros(1, 8 * old, dtype=torch.float64)
    sound[0, round(seconds * old)] = 1
    made = resampled(sound, old, new)[0]
    assert int(made.abs().argmax()) == round(seconds * new)
    around = torch.arange(-50, 51)
    left, right = made[round(seconds * new) - around], made[round(seconds * new) + around]
    assert torch.allclose(left, right, rtol=0, atol=1e-9)  # no delay of a part of a sample either


@pytest.mark.parametrize(("old", "new"), RATES)
@pytest.mark.parametrize("length", [1, 2, 7, 1000, 44101])
def test_the_length_is_the_time_rounded_up(old: int, new: int, length: int) -> None:
    made = resampled(hiss(2, length), old, new)
    assert made.shape == (2, math.ceil(length * new / old))
    assert Resampled(Recording(hiss(2, length), old), new).length == made.shape[1]


def test_the_same_rate_changes_nothing() -> None:
    sound = hiss(2, 100)
    assert torch.equal(resampled(sound, 8000, 8000), sound)
    assert torch.equal(Resampled(Recording(sound, 8000), 8000).read(3, 90), sound[:, 3:90])


@pytest.mark.parametrize(("old", "new"), RATES)
def test_pieces_make_what_one_go_makes(old: int, new: int) -> None:
    sound = hiss(2, 6 * old)
    at_once = torch.from_numpy(soxr.resample(sound.T.contiguous().numpy(), old, new, "VHQ")).T
    # soxr makes a beginning of its own; with the margin, what is before it is silence as what is after the end.
    assert float((resampled(sound, old, new) - at_once)[:, 50:].abs().max()) < 1e-9


@pytest.mark.parametrize(("old", "new"), RATES)
def test_silence_before_and_after_changes_nothing(old: int, new: int) -> None:
    sound = hiss(1, old)
    longer = resampled(torch.nn.functional.pad(sound, (3 * old, 2 * old)), old, new)
    assert torch.allclose(longer[:, 3 * new : 4 * new], resampled(sound, old, new), rtol=0, atol=1e-9)


@pytest.mark.parametrize(("old", "new"), [(16000, 44100), (44100, 16000)])
@settings(max_examples=10, deadline=None)
@given(borders=st.lists(st.integers(0, 400000), max_size=8))
def test_odd_passages_hold_the_very_samples_of_the_whole(old: int, new: int, borders: list[int]) -> None:
    sound = hiss(1, 200000)
    view, whole = Resampled(Recording(sound, old), new), resampled(sound, old, new)
    edges = sorted({0, view.length, *(border for border in borders if border < view.length)})
    parts = [view.read(start, end) for start, end in itertools.pairwise(edges)]
    assert torch.equal(torch.cat(parts, 1), whole)


def test_passages_are_the_same_in_any_order_and_are_the_caller_s_own() -> None:
    sound = hiss(2, 300000)
    view, whole = Resampled(Recording(sound, 44100), 16000), resampled(sound, 44100, 16000)
    for start in np.random.default_rng(0).integers(0, view.length - 100, 10).tolist():
        passage = view.read(start, start + 100)
        assert torch.equal(passage, whole[:, start : start + 100])
        passage.zero_()
    assert view.read(view.length - 5, view.length + 5).shape == (2, 5)
    assert view.read(view.length, view.length + 5).shape == (2, 0)


def test_a_long_sound_is_read_in_short_passages() -> None:
    class Watched:
        name, sample_rate, channels, length = "an hour", 44100, 1, 3600 * 44100
        encoding, tags = Recording(torch.ones(1, 1), 1).encoding, Recording(torch.ones(1, 1), 1).tags
        most = 0

        def read(self, start: int, end: int) -> Tensor:
            self.most = max(self.most, end - start)
            return tone(440, 44100, 1.0)[:, :1].expand(1, end - start)

    source = Watched()
    view = Resampled(source, 48000)
    assert view.read(view.length - 1000, view.length).shape == (1, 1000)
    assert 0 < source.most < 10 * 44100
    assert (view.sample_rate, view.channels, view.name) == (48000, 1, "an hour")


def test_a_rate_that_is_none_is_refused() -> None:
    with pytest.raises(SettingsError, match="the sample rate is 0 Hz; give a positive one"):
        resampled(torch.zeros(1, 10), 8000, 0)
    with pytest.raises(SettingsError, match="-8000"):
        Resampled(Recording(torch.zeros(1, 10), 8000), -8000)
