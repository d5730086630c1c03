"""Draws the tutorials' pictures, writes their players' sounds and prints their figures: `make tutorials`, some minutes.

The damage is what each tutorial's own snippet does to the CC0 samples, so that what is heard is what the page says.
The clean sound is at hand here, and nowhere else: it is drawn beside the results and scores them.
"""

import io
import os
import tempfile
from collections.abc import Callable, Sequence

import numpy as np
import soundfile
import torch
from matplotlib.figure import Figure
from PIL import Image
from snippets import ROOT, snippets
from torch import Tensor

import audioprior as ap
from audioprior.compare.metrics import si_sdr
from audioprior.report import pictures
from audioprior.sound.spectrum import Transform

FIGURES, SOUNDS = ROOT / "docs" / "figures", ROOT / "docs" / "sounds"
PLAYED_S = 2.8  # of each sound, from its beginning, in mono: pages stay light
COLOURS = 64  # of a spectrogram's picture: a third of the bytes, and no eye sees it


def play(**sounds: tuple[str, Tensor, int]) -> None:
    """Write what a page plays: by name, the page, samples and rate."""
    SOUNDS.mkdir(exist_ok=True)
    for name, (page, samples, rate) in sounds.items():
        excerpt = samples.mean(0)[: round(PLAYED_S * rate)].numpy()
        soundfile.write(SOUNDS / f"{page}-{name}.flac", excerpt, rate, subtype="PCM_16", compression_level=1.0)


def spectrograms(name: str, panels: Sequence[tuple[str, Tensor]], rate: int, top_hz: int) -> None:
    """Draw spectrograms beside each other, up to a frequency, of what is played."""
    cut = []
    for title, samples in panels:
        length = round(PLAYED_S * rate)
        spectrum = torch.fft.rfft(samples[:, :length])
        kept = round(PLAYED_S * 2 * top_hz)
        cut.append((title, torch.fft.irfft(spectrum[:, : kept // 2 + 1], kept) * (kept / length)))
    _write(name, pictures.spectrograms(cut, 2 * top_hz, columns=len(cut)))


def waves(name: str, lines: Sequence[tuple[str, Tensor, str]], rate: int, start_s: float, length_s: float) -> None:
    """Draw some milliseconds of waves on top of each other: title, samples and line style of each."""
    figure = Figure(figsize=(10.0, 3.0), layout="constrained")
    axis = figure.subplots()
    first, last = round(start_s * rate), round((start_s + length_s) * rate)
    for title, samples, style in lines:
        axis.plot(1000 * np.arange(first, last) / rate, samples[0, first:last], style, label=title, linewidth=1.5)
    axis.set_xlabel("time (ms)")
    axis.set_ylabel("sample (full scale 1)")
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8, loc="upper right")
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=90, metadata={"Software": None})
    _write(name, buffer.getvalue())


def _write(name: str, png: bytes) -> None:
    picture = (
        Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    )
    buffer = io.BytesIO()
    picture.save(buffer, format="png", optimize=True)
    pictures.write_png(buffer.getvalue(), FIGURES / f"{name}.png")


def snr(clean: Tensor, sound: Tensor, where: Tensor | None = None) -> float:
    """Return the signal-to-noise ratio in dB, over all samples or some."""
    where = torch.ones_like(clean, dtype=torch.bool) if where is None else where
    return float(10 * (clean[where].square().sum() / (sound - clean)[where].square().sum()).log10())


def denoise(clean: Tensor, rate: int) -> None:
    blind = ap.denoise("build/record.flac")
    shown = ap.denoise("build/record.flac", settings=ap.Denoise(noise=(0.0, 0.9)))
    before, after, removed = (one.samples for one in (blind.original, blind.restored, blind.removed))
    scores = [si_sdr(clean, x[:, rate:]) for x in (before, after, shown.restored.samples)]
    print("denoise: before {:.1f}, blind {:.1f}, passage {:.1f} dB SI-SDR".format(*scores))
    spectrograms("denoise", [("before", before), ("after", after), ("removed", removed)], rate, 11025)
    play(
        before=("denoise", before, rate),
        after=("denoise", after, rate),
        passage=("denoise", shown.restored.samples, rate),
        removed=("denoise", removed, rate),
    )


def inpaint(clean: Tensor, rate: int) -> None:
    result = ap.inpaint("build/gaps.flac")
    before, after = result.original.samples, result.restored.samples
    print(f"gaps: {len(result.findings)} found, SNR inside {snr(clean, after, before != clean):.1f} dB")
    lines = [("original", clean, "k:"), ("with a gap", before, "C1"), ("filled", after, "C0")]
    waves("gaps", lines, rate, 0.79, 0.04)
    play(before=("gaps", before, rate), after=("gaps", after, rate))
    result = ap.inpaint("build/whistle.flac", settings=ap.Inpaint(regions=((0.5, 0.9, 2800.0, 3200.0),)))
    before, after, removed = (one.samples for one in (result.original, result.restored, result.removed))
    transform = Transform.of(rate, 46.0)
    frames, bins = (int(s * transform.frame_rate_hz) for s in (0.5, 0.9)), (int(f * 2048 / rate) for f in (2800, 3200))
    place = (slice(None), slice(*bins), slice(*frames))
    spectra = [transform.analyse(x)[place] for x in (clean, before, after)]
    scores = [
        float(10 * (spectra[0].abs().square().sum() / (x - spectra[0]).abs().square().sum()).log10()) for x in spectra[1:]
    ]
    print("region: before {:.1f}, after {:.1f} dB in it".format(*scores), transform.window)
    spectrograms("region", [("before", before), ("after", after), ("removed", removed)], rate, 6000)
    play(before=("region", before, rate), after=("region", after, rate))


def declip(clean: Tensor, rate: int) -> None:
    result = ap.declip("build/loud.flac")
    before, after = result.original.samples, result.restored.samples
    print(f"declip: {len(result.findings)} peaks, SNR {snr(clean, before):.1f} to {snr(clean, after):.1f} dB")
    loudest = int(clean[0, : 2 * rate].argmax()) / rate
    waves(
        "declip",
        [("original", clean, "k:"), ("clipped", before, "C1"), ("declipped", after, "C0")],
        rate,
        loudest - 0.01,
        0.02,
    )
    play(before=("declip", before, rate), after=("declip", after / after.abs().max() * 0.8, rate))


def declick(clean: Tensor, rate: int) -> None:
    result = ap.declick("build/clicks.flac")
    before, after, removed = (one.samples for one in (result.original, result.restored, result.removed))
    made = round(5 * clean.shape[1] / rate)
    print(f"declick: {len(result.findings)} of {made}, SNR {snr(clean, before):.1f} to {snr(clean, after):.1f} dB")
    spectrograms("declick", [("before", before), ("after", after), ("removed", removed)], rate, 11025)
    play(before=("declick", before, rate), after=("declick", after, rate), removed=("declick", removed, rate))


def dequantise(clean: Tensor, rate: int) -> None:
    result = ap.dequantise("build/six_bits.flac")
    before, after = result.original.samples, result.restored.samples
    print(f"dequantise: SI-SDR {si_sdr(clean, before):.1f} to {si_sdr(clean, after):.1f} dB")
    waves("dequantise", [("original", clean, "k:"), ("six bits", before, "C1"), ("after", after, "C0")], rate, 4.0, 0.012)
    late = round(3.0 * rate)  # the steps are heard where the chord fades
    play(before=("dequantise", before[:, late:], rate), after=("dequantise", after[:, late:], rate))


def extend(clean: Tensor, rate: int) -> None:
    copied = ap.extend("build/dull.flac")
    learned = ap.extend("build/dull.flac", settings=ap.Extend(like="build/excerpt.flac"))
    before = copied.original.samples
    transform = Transform.of(rate, 32.0)
    above = transform.frequencies_hz() > 2100
    levels = [
        transform.analyse(x).abs().square()[:, above]
        for x in (clean, before, copied.restored.samples, learned.restored.samples)
    ]
    floor = transform.analyse(clean).abs().square().max() * 1e-8
    decibels = [10 * x.clamp_min(floor).log10() for x in levels]
    scores = [float((x - decibels[0]).square().mean(1).sqrt().mean()) for x in decibels[1:]]
    print("extend: before {:.1f}, copied {:.1f}, learned {:.1f} dB above 2.1 kHz".format(*scores), copied.findings)
    panels = [
        ("cut off", before),
        ("copied up", copied.restored.samples),
        ("learned", learned.restored.samples),
        ("original", clean),
    ]
    spectrograms("extend", panels, rate, 6000)
    play(
        before=("extend", before, rate),
        copied=("extend", copied.restored.samples, rate),
        learned=("extend", learned.restored.samples, rate),
    )


def main() -> None:
    """Do it for each tutorial."""
    samples, rate = soundfile.read(ROOT / "samples" / "guitar.flac", always_2d=True)
    clean = torch.from_numpy(samples.T.copy())
    tasks: list[Callable[[Tensor, int], None]] = [denoise, inpaint, declip, declick, dequantise, extend]
    for task in tasks:
        with tempfile.TemporaryDirectory() as folder:
            os.chdir(folder)
            os.symlink(ROOT / "samples", "samples")
            names: dict[str, object] = {}
            for one in snippets(f"docs/tutorials/{task.__name__}.md"):
                if one.language == "python" and "soundfile.write" in one.code:
                    exec(compile(one.code, task.__name__, "exec"), names)
            task(clean, rate)
            os.chdir(ROOT)


if __name__ == "__main__":
    main()
