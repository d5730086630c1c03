"""What is damaged: looked for piece by piece, told by spots, and no more of it than there is."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor

from audioprior.damage import clicks, cutoff, pieces
from audioprior.damage.clicks import find_clicks
from audioprior.damage.clipping import find_clipping
from audioprior.damage.cutoff import find_cutoff, spectrum_level
from audioprior.damage.findings import Bounds, Damage, Finding, merged, true_runs
from audioprior.damage.gaps import find_gaps, marked
from audioprior.damage.steps import find_step
from audioprior.errors import SettingsError
from audioprior.sound.encoding import Encoding
from audioprior.sound.recording import Recording
from audioprior.sound.source import Source, as_recording
from audioprior.sound.spectrum import Transform

Maker = Callable[..., Tensor]
RATE = 16000
PIECE = 4999  # samples: odd, and less than a long gap


@pytest.fixture
def chord(tone: Maker) -> Tensor:
    return tone(440, 2.0) + 0.5 * tone(1234.5, 2.0) + 0.2 * tone(3000, 2.0)


@pytest.fixture
def torn(chord: Tensor, noise: Maker) -> Recording:
    """Stereo with gaps and dropouts, some of them across borders between pieces, one longer than a piece."""
    samples = torch.cat([chord + noise(2.0, level=1e-4), chord + noise(2.0, level=1e-4, seed=1)])
    for channel, start, end in ((0, 4900, 5100), (1, 9998, 10200), (1, 14000, 14997), (0, 20000, 26000), (1, 31000, 31024)):
        samples[channel, start:end] = 0.0
    samples[:, 12000:12400] *= 1e-4
    samples[:, 14990:15300] *= 1e-4
    return as_recording(samples, RATE)


@pytest.fixture
def clipped(chord: Tensor) -> Recording:
    """Stereo, clipped in one channel at one level, in the other at another for each polarity."""
    swell = chord * torch.linspace(0.4, 1.0, chord.shape[1], dtype=torch.float64)
    return as_recording(torch.cat([swell.clamp(-0.3, 0.3), swell.clamp(-0.2, 0.25)]), RATE)


@pytest.fixture
def uneven(chord: Tensor, tone: Maker, noise: Maker) -> Recording:
    """Loud to begin with, then so soft that a switch in it is none, with flat tops far below the loudest."""
    samples = 0.01 * chord + noise(2.0, level=1e-7)
    samples[:, :8000] = chord[:, :8000]
    samples[:, 14000:14400] *= 1e-4
    samples[:, 30500:31900] = tone(200)[:, :1400].clamp(-0.01, 0.01)
    return as_recording(samples, RATE)


def in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "_PIECE", PIECE)
    monkeypatch.setattr(cutoff, "_FRAMES", 7)
    monkeypatch.setattr(clicks, "_PIECE_S", 0.5)


def content(damage: Damage) -> tuple[tuple[Finding, ...], list[list[list[int]]], tuple[tuple[float, float], ...]]:
    return damage.findings, [spots.tolist() for spots in damage.spots], damage.levels


# --- what a passage is told


def test_a_passage_is_told_what_the_whole_is_told(torn: Recording, clipped: Recording) -> None:
    for recording, found in ((torn, find_gaps(torn)), (clipped, find_clipping(clipped))):
        whole = found.at(0, recording.samples)
        assert torch.equal(true_runs(whole.missing.any(0)), found.runs)
        for start, end in ((0, 1), (5000, 5001), (4000, 9000), (21000, 25000), (26000, 26001), (31990, 32000)):
            bounds = found.at(start, recording.read(start, end))
            assert torch.equal(bounds.low, whole.low[:, start:end])
            assert torch.equal(bounds.high, whole.high[:, start:end])


def test_of_a_gap_nothing_is_known_and_of_a_peak_that_it_was_at_least_as_high(torn: Recording, clipped: Recording) -> None:
    assert not find_gaps(torn).at(0, torn.samples).bounded
    bounds = find_clipping(clipped).at(0, clipped.samples)
    assert bounds.bounded
    positive, negative = clipped.samples[1] == 0.25, clipped.samples[1] == -0.2
    assert torch.equal(bounds.missing[1], positive | negative)
    assert torch.equal(bounds.high[1], torch.where(positive, torch.inf, clipped.samples[1]))
    assert torch.equal(bounds.low[1], torch.where(negative, -torch.inf, clipped.samples[1]))
    assert torch.equal(bounds.scaled(2.0).high, 2 * bounds.high)


def test_runs_of_all_channels_are_one_list() -> None:
    runs = [torch.tensor(one).view(-1, 2) for one in ([[5, 9], [20, 30]], [[0, 3], [9, 12], [22, 24]], [])]
    damage = Damage(tuple(runs))
    assert damage.runs.tolist() == [[0, 3], [5, 12], [20, 30]]
    assert Damage((runs[2],)).runs.tolist() == []
    assert merged(torch.tensor([[20, 30], [0, 50], [60, 61], [5, 6]])).tolist() == [[0, 50], [60, 61]]


def test_all_is_damaged_only_if_all_channels_are() -> None:
    whole, most = torch.tensor([[0, 100]]), torch.tensor([[0, 99]])
    assert Damage((whole, whole)).covers(100)
    assert not Damage((whole, most)).covers(100)
    assert not Damage((whole, whole)).covers(101)
    assert find_clipping(as_recording(torch.tensor([[0.5, -0.5] * 50]), RATE), 0.1).covers(100)


def test_bounds_of_missing_samples_are_infinite() -> None:
    bounds = Bounds.of(torch.tensor([[0.1, 0.2]]), torch.tensor([[False, True]]))
    assert bounds.missing.tolist() == [[False, True]]
    assert bounds.low[0, 0] == bounds.high[0, 0] == torch.tensor(0.1)


# --- pieces


def test_in_pieces_the_same_is_found(
    torn: Recording, clipped: Recording, uneven: Recording, monkeypatch: pytest.MonkeyPatch
) -> None:
    finders: list[tuple[Callable[[Source], Damage], Recording]] = [
        *((find, one) for find in (find_gaps, find_clipping) for one in (torn, uneven, clipped)),
        (lambda source: find_clipping(source, 0.22), clipped),
    ]
    whole = [content(find(one)) for find, one in finders]
    assert all(len(findings) > 5 for findings, _, _ in (whole[0], whole[1], whole[5], whole[6]))
    assert all(one.start_s > 1.9 for one in whole[1][0])
    in_pieces(monkeypatch)
    assert [content(find(one)) for find, one in finders] == whole


def test_in_pieces_peaks_are_as_round_or_flat_as_in_one(tone: Maker, chord: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tone is not clipped and a chord with soft knees is, though the last pieces hold nothing near the peak."""
    fall = torch.ones(RATE, dtype=torch.float64)
    fall[10000:] = 0.1
    soft = chord[:, :RATE] / (1 + (chord[:, :RATE].abs() / 0.3) ** 10) ** 0.1
    sounds = [as_recording(one * fall, RATE) for one in (tone(440), soft)]
    whole = [content(find_clipping(one)) for one in sounds]
    assert [bool(findings) for findings, _, _ in whole] == [False, True]
    in_pieces(monkeypatch)
    assert [content(find_clipping(one)) for one in sounds] == whole


def test_a_gap_across_a_border_is_found_once_and_whole(torn: Recording, monkeypatch: pytest.MonkeyPatch) -> None:
    in_pieces(monkeypatch)
    found = [(one.channel, round(one.start_s * RATE), round(one.end_s * RATE)) for one in find_gaps(torn).findings]
    assert {(0, 4900, 5100), (1, 9998, 10200), (0, 20000, 26000)} <= set(found)
    dropouts = [(start, end) for channel, start, end in found if channel == 0 and 11000 < start < 16000]
    assert all(abs(a - b) < 20 for one, two in zip(dropouts, ((12000, 12400), (14990, 15300)), strict=True)
               for a, b in zip(one, two, strict=True))  # fmt: skip


def test_a_peak_across_a_border_is_found_once_and_whole(chord: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever the borders fall: of pieces of seven samples, through most peaks."""
    clipped = as_recording(chord[:, :1500].clamp(-0.2, 0.25), RATE)
    whole = content(find_clipping(clipped))
    assert max(end - start for start, end in whole[1][0]) > 7
    monkeypatch.setattr(pieces, "_PIECE", 7)
    assert content(find_clipping(clipped)) == whole


def test_a_click_at_a_border_is_found_once(tone: Maker, noise: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = tone(220) + tone(660, level=0.1) + noise(level=0.001)
    samples[0, 7997:8003] += 0.4 * torch.tensor([0.4, 1.0, -0.7, 0.5, -0.3, 0.2], dtype=torch.float64)
    (whole,) = find_clicks(as_recording(samples, RATE)).spots[0].tolist()
    in_pieces(monkeypatch)
    (found,) = find_clicks(as_recording(samples, RATE)).spots[0].tolist()
    assert all(abs(a - b) <= 1 for a, b in zip(found, whole, strict=True))


@pytest.mark.parametrize("length", [1, 3, 100, 511, 513, 7 * 128, 7 * 128 + 1, 32000])
def test_in_pieces_the_spectrum_is_the_same(length: int, noise: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = noise(2.0, channels=2)[:, :length].cumsum(1)
    transform = Transform(512, 128, RATE)
    whole = spectrum_level(samples, transform)
    in_pieces(monkeypatch)
    assert torch.allclose(spectrum_level(samples, transform), whole, rtol=0, atol=1e-9)
    assert torch.allclose(spectrum_level(as_recording(samples, RATE), transform), whole, rtol=0, atol=1e-9)


def test_in_pieces_the_same_steps_are_found(chord: Tensor, monkeypatch: pytest.MonkeyPatch) -> None:
    coarse = (chord * 60).round() / 60
    later = torch.cat([coarse[:, :8000], chord[:, 8000:8100]], 1)
    sounds = [as_recording(one, RATE) for one in (coarse, later, (chord * 20000).round() / 20000, chord)]
    whole = [find_step(one) for one in sounds]
    in_pieces(monkeypatch)
    assert [find_step(one) for one in sounds] == whole
    assert whole[0] == pytest.approx(1 / 60)
    assert whole[1:] == [None, None, None]


@dataclass
class Endless:
    """Noise in stereo that is made when it is read, and never kept."""

    length: int
    name: str = "noise"
    sample_rate: int = 8000
    channels: int = 2
    encoding: Encoding = field(default_factory=Encoding)
    tags: dict[str, str] = field(default_factory=dict)
    passages: list[int] = field(default_factory=list)

    def read(self, start: int, end: int) -> Tensor:
        self.passages.append(end - start)
        once = torch.randn(2, 8191, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) / 8
        return torch.stack([one[torch.arange(start, end) % 8191] for one in once])


@pytest.mark.parametrize(
    ("find", "minutes", "times"),
    [
        (find_gaps, 10, 2),
        (find_clipping, 10, 3),
        (lambda source: find_clipping(source, 0.9), 10, 1),
        (find_cutoff, 10, 1),
        (find_step, 10, 1),
        (find_clicks, 1, 2),
    ],
)
def test_no_more_is_read_at_a_time_however_long_it_is(find: Callable[[Source], object], minutes: int, times: int,
                                                      monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(pieces, "_PIECE", 1 << 18)
    endless = Endless(60 * minutes * 8000)
    find(endless)
    assert max(endless.passages) < 300_000
    assert sum(endless.passages) < 1.05 * times * endless.length


def test_marks_are_told_without_a_look_at_the_sound() -> None:
    endless = Endless(600 * 8000)
    found = marked(endless, [(1.0, 1.2), (599.9, 600.0)])
    assert found.runs.tolist() == [[8000, 9600], [4_799_200, 4_800_000]]
    assert endless.passages == []
    with pytest.raises(SettingsError, match="lies outside the recording, which lasts 600 s"):
        marked(endless, [(600.0, 600.00001)])


# --- gaps


def test_a_gap_of_a_millisecond_and_a_half_is_found(chord: Tensor) -> None:
    chord[:, 5000:5024] = 0.0
    assert find_gaps(as_recording(chord, RATE)).runs.tolist() == [[5000, 5024]]


def test_a_soft_passage_between_loud_ones_is_no_dropout(chord: Tensor, noise: Maker) -> None:
    for fall_db, number in ((30, 0), (60, 1)):
        samples = chord + noise(2.0, level=1e-4)
        samples[:, 8000:8320] *= 10 ** (-fall_db / 20)
        assert len(find_gaps(as_recording(samples, RATE)).findings) == number


@pytest.mark.parametrize("level", [0.05, 0.2])
def test_flat_tops_of_a_slow_wave_are_no_gaps(level: float, tone: Maker) -> None:
    """In eight bits, beside a louder wave, and held twice as long as they are."""
    slow = (tone(50, level=level) * 128).round()
    twice = torch.arange(RATE).repeat_interleave(1 + (slow[0].abs() == slow.abs().max()).long())
    samples = torch.cat([slow[:, twice] / 128, (tone(440, level=0.6) * 128).round() / 128], 1)
    assert not find_gaps(as_recording(samples, RATE)).findings


# --- clicks


@pytest.fixture
def hum(tone: Maker, noise: Maker) -> Tensor:
    return tone(220) + tone(660, level=0.1) + tone(1540, level=0.05) + noise(level=0.001)


CLICK = torch.tensor([0.4, 1.0, -0.7, 0.5, -0.3, 0.2], dtype=torch.float64)


@pytest.mark.parametrize("at", [4000, 8000, 12003])
def test_a_click_s_faint_tail_belongs_to_it(at: int, hum: Tensor) -> None:
    hum[0, at : at + 6] += 0.4 * CLICK
    hum[0, at + 6 : at + 20] += 0.003 * torch.tensor([1.0, -1.0] * 7)
    ((start, end),) = find_clicks(as_recording(hum, RATE)).runs.tolist()
    assert abs(start - at) <= 2
    assert abs(end - at - 20) <= 2


@pytest.mark.parametrize("at", [4000, 8000, 12003])
def test_a_loud_click_hides_no_faint_one(at: int, hum: Tensor, noise: Maker) -> None:
    """18 dB fainter, 4 ms after."""
    for sound in (hum, noise(level=0.001)):
        sound[0, at : at + 6] += 0.2 * CLICK
        sound[0, at + 64 : at + 70] += 0.025 * CLICK
        loud, faint = find_clicks(as_recording(sound, RATE)).runs.tolist()
        assert loud[0] < at + 6 < at + 60 < faint[0] < at + 70


# --- cutoff and steps


@pytest.mark.parametrize(("fall_db", "found"), [(12, False), (30, True)])
def test_a_cliff_is_a_cutoff_and_a_step_down_is_none(fall_db: float, found: bool, noise: Maker) -> None:
    samples = noise(4.0)
    spectrum = torch.fft.rfft(samples)
    spectrum[:, torch.fft.rfftfreq(samples.shape[1], 1 / RATE) > 4000] *= 10 ** (-fall_db / 20)
    cutoff_hz = find_cutoff(as_recording(torch.fft.irfft(spectrum, samples.shape[1]), RATE))
    assert (cutoff_hz is not None) == found
    assert cutoff_hz is None or abs(cutoff_hz - 4000) < 100


@pytest.mark.parametrize("beside", [0.0, 0.5])
def test_steps_are_found_whether_zero_is_among_them_or_between_two(beside: float, chord: Tensor) -> None:
    samples = ((chord * 20).floor() + beside) / 20
    assert find_step(as_recording(samples, RATE)) == pytest.approx(0.05)
