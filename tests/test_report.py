"""The report, the pictures and the scores."""

import base64
import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
from torch import Tensor

import audioprior as ap
from audioprior.compare import metrics
from audioprior.damage.findings import Finding
from audioprior.report import pictures
from audioprior.report.page import summary, write_report
from audioprior.report.reported import Fitted
from audioprior.settings.methods import Method
from audioprior.sound.levels import levels_db, levels_of
from audioprior.sound.recording import Recording
from audioprior.sound.source import Source
from audioprior.tasks import Declick, Denoise, Dequantise, Extend, Inpaint, Run, Task
from tests import sounds


class Elements(HTMLParser):
    """The elements of a page, its text, and what it shows and plays."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.tags: list[str] = []
        self.text = ""
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in {"src", "href"}]
        assert not any(name.startswith("on") for name, _ in attrs)

    def handle_data(self, data: str) -> None:
        self.text += data


@dataclass(frozen=True)
class Account:
    inputs: tuple[str, ...] = ("sound",)
    parts: tuple[str, ...] = ("restored", "removed")


@dataclass(frozen=True)
class Held:
    """A result as a report reads it."""

    inputs: Mapping[str, Source]
    sounds: Mapping[str, Source]
    run: Run
    fits: Sequence[Fitted] = ()
    findings: Sequence[Finding] = ()
    complete: bool = True
    account: Account | None = None


def held(task: Task, *findings: Finding, name: str = "input") -> Held:
    """A tenth of a second of a steady value, of which nothing was removed."""
    sound = Recording(torch.full((1, 1600), 0.1, dtype=torch.float64), 16000, name=name)
    nothing = sound.with_samples(sound.samples * 0)
    return Held({"sound": sound}, {"restored": sound, "removed": nothing}, Run(task=task), findings=findings)


class Pieces:
    """A sound that counts how much of it is read at once."""

    def __init__(self, sound: Recording) -> None:
        self._sound, self.most = sound, 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._sound, name)

    def read(self, start: int, end: int) -> Tensor:
        assert 0 <= start < end <= self._sound.length
        self.most = max(self.most, end - start)
        return self._sound.read(start, end)


def test_a_report_is_one_file_that_plays(tmp_path: Path, quick: Method, noise: Callable[..., Tensor]) -> None:
    recording = Recording(noise(1.0, channels=2), 44100, name="a <b> & c.wav")
    result = ap.denoise(recording, method=quick)
    result.report(tmp_path / "r.html")
    page = Elements(tmp_path / "r.html")
    assert len(page.sources) == 6  # three players, three pictures
    assert all(source.startswith("data:") for source in page.sources)
    assert "b" not in page.tags
    for source, expected in zip(page.sources, (result.original, result.restored, result.removed), strict=False):
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
    levels, transform = levels_db(tone(1000, level=1.0), 16000)
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
    ("task", "finding", "words"),
    [
        (
            Inpaint(),
            Finding("region", 0.1, 0.2, low_hz=100, high_hz=200),
            "and all samples more than a window away, are as they were",
        ),
        (
            Extend(),
            Finding("band", 0.0, 1.0, low_hz=4000, high_hz=8000, note="invented"),
            "4000 to 8000 Hz is invented. All below is",
        ),
        (
            Dequantise(),
            Finding("steps", 0.0, 1.0, note="0.0078 of full scale"),
            "steps of 0.0078 of full scale. No sample moved by more",
        ),
        (Declick(), Finding("click", 0.1, 0.102), "1 click, 2.0 ms. All other samples are as they were"),
    ],
)
def test_a_report_says_what_stayed_as_it_was(tmp_path: Path, task: Task, finding: Finding, words: str) -> None:
    write_report(held(task, finding), tmp_path / "x.html")
    page = (tmp_path / "x.html").read_text()
    assert words in page
    assert "The fit" not in page  # nothing was fitted


def test_findings_are_counted_by_kind() -> None:
    gaps = [Finding("gap", 0.0, 0.01), Finding("clipping", 0.02, 0.03), Finding("gap", 0.04, 0.06)]
    counted = "Repaired: 2 gaps, the longest 20.0 ms; 1 clipping, 10.0 ms. All other samples are as they were."
    assert summary(held(Inpaint(), *gaps)).endswith(counted)
    beside = [*gaps, Finding("region", 0.0, 0.01, low_hz=1, high_hz=2)]
    assert "1 region, 10.0 ms. All other frequencies, and all samples more than a window away" in summary(
        held(Inpaint(), *beside)
    )
    assert summary(replace(held(Inpaint()), complete=False)).endswith(
        "Nothing to repair was found. It was stopped early: the rest is as it came in."
    )


def test_markup_in_names_and_notes_is_text(tmp_path: Path) -> None:
    profile, note, name = (
        "<img src=x onerror=alert(1)>.json",
        '<b>"bold" & {{ 7 * 7 }}</b>',
        "</title><script>alert(2)</script>.wav",
    )
    # No file's name holds a slash, but what came by other ways can.
    result = held(Denoise(noise=profile), Finding("click", 0.1, 0.102, note=note), name=name.replace("/", "\\"))
    write_report(
        replace(result, inputs={"sound": result.inputs["sound"], "<i>like</i>": result.inputs["sound"]}), tmp_path / "x.html"
    )
    page = Elements(tmp_path / "x.html")
    assert not {"b", "i", "script"} & set(page.tags)
    assert page.tags.count("img") == 2
    assert all(source.startswith("data:") for source in page.sources)
    assert {profile in page.text, note in page.text, "<i>like</i>" in page.text} == {True}
    assert "<\\title><script>alert(2)<\\script>.wav: denoise" in page.text


def test_a_report_shows_every_sound_that_the_result_holds(tmp_path: Path, noise: Callable[..., Tensor]) -> None:
    narrow, wide, longer = (
        Recording(noise(1.0), 16000),
        Recording(noise(1.0, rate=32000), 32000),
        Recording(noise(3.0), 16000),
    )
    sounds = {"restored": wide, "removed": wide.with_samples(wide.samples / 2), "restored.2": wide, "texture": longer}
    result = Held({"sound": narrow, "like": narrow}, sounds, Run(task=Extend()), account=Account())
    write_report(result, tmp_path / "x.html")
    page = Elements(tmp_path / "x.html")
    assert page.tags.count("audio") == 6
    assert "sample for sample" not in page.text  # sounds of two rates cannot add up
    assert page.tags.count("img") == 1  # nothing can be laid over the input: its rate is another
    captions = [
        " ".join(caption.split())
        for caption in re.findall(r"<figcaption>(.*)</figcaption>", (tmp_path / "x.html").read_text())
    ]
    names = ["before", "like", "after", "before less after", "after 2", "texture"]
    assert [caption.split(" <small>")[0] for caption in captions] == names
    assert captions[2].endswith("dBFS, 32000 Hz</small>")
    assert captions[5].endswith("dBFS, 3.0 s</small>")
    for source, sound in zip(page.sources, (narrow, narrow, *sounds.values()), strict=False):
        samples, rate = soundfile.read(io.BytesIO(base64.b64decode(source.split(",")[1])), always_2d=True)
        assert (len(samples), rate) == (sound.length, sound.sample_rate)
    assert summary(replace(result, sounds={"texture": longer})).endswith("Made: texture (3.0 s).")


def test_a_report_says_what_adds_up(tmp_path: Path) -> None:
    for account, said in ((Account(), True), (None, False)):
        write_report(replace(held(Denoise()), account=account), tmp_path / "x.html", force=True)
        assert ("“before” = “after” + “removed”, sample for sample" in (tmp_path / "x.html").read_text()) is said


def test_a_long_sound_is_drawn_and_weighed_in_pieces(noise: Callable[..., Tensor], monkeypatch: pytest.MonkeyPatch) -> None:
    for seconds in (0.3, 5.0, 40.0):  # less than a piece; many; frames further apart than a window is long
        sound = Recording(noise(seconds, channels=2), 16000)
        whole, _ = levels_db(sound.samples, 16000)
        monkeypatch.setattr("audioprior.sound.levels._PIECE", 9000)
        monkeypatch.setattr("audioprior.sound.source._CHUNK", 9000)
        read = Pieces(sound)
        levels, _ = levels_of(read)
        assert np.abs(levels - whole).max() < 1e-3
        assert pictures.loudness_of(read) == pytest.approx(pictures.loudness_db(sound.samples), abs=1e-9)
        assert read.most < 12000
        monkeypatch.undo()
