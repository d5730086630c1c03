"""The report, the pictures and the scores."""

import base64
import io
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

import audioprior as ap
from audioprior.compare import metrics
from audioprior.damage.findings import Finding
from audioprior.report import pictures
from audioprior.report.page import summary
from audioprior.restoring.job import Result
from audioprior.settings.methods import Method
from audioprior.sound.recording import Recording
from audioprior.tasks import Declick, Denoise, Run
from tests import sounds


class Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.sources: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.sources += [value or "" for name, value in attrs if name in {"src", "href"}]


def test_a_report_is_one_file_that_plays(tmp_path: Path, quick: Method, noise: Callable[..., Tensor]) -> None:
    recording = Recording(noise(1.0, channels=2), 44100, name="a <b> & c.wav")
    result = ap.denoise(recording, method=quick)
    result.report(tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    links = Links()
    links.feed(page)
    assert len(links.sources) == 6  # three players, three pictures
    assert all(source.startswith("data:") for source in links.sources)
    assert "<b>" not in page
    for source, expected in zip(links.sources, (result.original, result.restored, result.removed), strict=False):
        samples, rate = soundfile.read(io.BytesIO(base64.b64decode(source.split(",")[1])), always_2d=True)
        assert rate == recording.sample_rate
        assert np.abs(samples.T - expected.samples.numpy()).max() < 1e-4
    with pytest.raises(ap.SettingsError, match="exists; use --force"):
        result.report(tmp_path / "r.html")


def test_the_summary_says_what_happened(quick: Method, noise: Callable[..., Tensor]) -> None:
    samples = noise(1.0)
    text = summary(ap.denoise(samples, sample_rate=16000, method=quick))
    assert re.match(r"1\.0 s, 1 channel at 16000 Hz, method custom\. Removed \d+ dB of steady hiss\. What was removed", text)
    kept = ap.denoise(samples, sample_rate=16000, method=quick, settings=Denoise(strength=0))
    assert summary(kept).endswith("Nothing was removed.")


def test_levels_are_in_db_of_a_full_scale_sine(tone: Callable[..., Tensor]) -> None:
    levels, transform = pictures.levels_db(tone(1000, level=1.0), 16000)
    assert levels[:, 5:-5].max() == pytest.approx(0, abs=0.5)
    assert float(transform.frequencies_hz()[int(levels.mean(1).argmax())]) == pytest.approx(1000, abs=15)


def test_pictures_are_reproducible(noise: Callable[..., Tensor]) -> None:
    panels = [("a", noise(0.2)), ("b", noise(0.2, seed=1))]
    assert pictures.spectrograms(panels, 16000) == pictures.spectrograms(panels, 16000)
    assert pictures.filmstrip(panels, 16000).startswith(b"\x89PNG")


def test_si_sdr_against_its_definition(noise: Callable[..., Tensor]) -> None:
    clean, added = noise(1.0, level=1.0), noise(1.0, level=1.0, seed=1)
    added -= clean * (added * clean).sum() / clean.square().sum()
    for snr in (-5.0, 0.0, 20.0):
        scaled = added * (clean.square().sum() / added.square().sum() * 10 ** (-snr / 10)).sqrt()
        assert metrics.si_sdr(clean, 0.3 * (clean + scaled)) == pytest.approx(snr, abs=0.05)
    with pytest.raises(ValueError, match="shapes differ"):
        metrics.si_sdr(clean, added[:, :5])


def test_log_spectral_distance_of_a_level_change(noise: Callable[..., Tensor]) -> None:
    samples = noise(1.0)
    assert metrics.log_spectral_distance(samples, samples, 16000) == 0
    assert metrics.log_spectral_distance(samples, 0.5 * samples, 16000) == pytest.approx(6.02, abs=0.01)


def test_isolated_peaks_are_musical_noise(noise: Callable[..., Tensor]) -> None:
    from audioprior.sound.spectrum import Transform

    added = noise(3.0)
    noisy = added.clone()
    assert metrics.musical_noise(added, noisy, 0.1 * noisy, 16000) == pytest.approx(0, abs=1e-3)
    transform = Transform.of(16000, 32)
    spectrum = transform.analyse(noisy)
    power = spectrum.abs().square()
    speckled = transform.synthesise(spectrum * (power > 3 * power.mean()), noisy.shape[1])
    assert metrics.musical_noise(added, noisy, speckled, 16000) > 0.5


def test_speech_scores() -> None:
    clean, rate = sounds.speech(2.0, 16000), 16000
    noisy = clean + 0.02 * torch.randn(clean.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    assert metrics.pesq(clean, clean, rate) > 4.5 > 2 > metrics.pesq(clean, noisy, rate)
    assert metrics.stoi(clean, clean, rate) > 0.999 > metrics.stoi(clean, noisy, rate)


def test_visqol_falls_with_noise() -> None:
    pytest.importorskip("visqol")
    clean, rate = sounds.music(1.0, 44100), 44100
    added = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    fine, poor = (metrics.visqol(clean, clean + level * added, rate) for level in (1e-4, 1e-2))
    assert fine > poor + 1


@pytest.mark.parametrize(
    ("finding", "words"),
    [
        (Finding("region", 0.1, 0.2, low_hz=100, high_hz=200), "and all samples more than a window away, are as they were"),
        (Finding("band", 0.0, 1.0, low_hz=4000, high_hz=8000, note="invented"), "4000 to 8000 Hz is invented. All below is"),
        (Finding("steps", 0.0, 1.0, note="0.0078 of full scale"), "steps of 0.0078 of full scale. No sample moved by more"),
        (Finding("click", 0.1, 0.102), "1 click, 2.0 ms. All other samples are as they were"),
    ],
)
def test_a_report_says_what_stayed_as_it_was(tmp_path: Path, finding: Finding, words: str) -> None:
    sound = Recording(torch.zeros(1, 1600, dtype=torch.float64) + 0.1, 16000)
    result = Result(sound, sound, sound.with_samples(sound.samples * 0), Run(task=Declick()), findings=(finding,))
    result.report(tmp_path / "x.html")
    page = (tmp_path / "x.html").read_text()
    assert words in page
    assert "The fit" not in page  # nothing was fitted
