"""What the guard of denoising lets through: noise in the pauses of real recordings, sound of dense ones.

Material: the degraded recordings of the data folder, with their pauses marked by hand; six clips of music with white and
pink noise at 30 dB and as they are; the same clips and voices in layers and in a long reverberation, which never
pause, with white noise at 30 dB; voices with rain, hum and white noise at 5 and 10 dB.
Split: none; the constants of the guard were chosen with the first, the third and the clips of "tune" in view.
Conditions: blind, all channels, up to eight seconds (the degraded ones whole, the made ones four); `fast`, and the default
on some.
Measures: of the degraded ones the level in the pauses, before and after, and how the level of the loudest quarter of the
frames changed, in dB, both above 60 Hz; of the others SI-SDR before and after, and PESQ of voices.
Fairness: one system, before and after a change; nothing is scored before it is done.
"""

import zlib
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor

import audioprior
from audioprior.compare import metrics
from audioprior.settings.presets import DEFAULT
from bench import cache
from bench.mixtures import CLIPS, Mixture, mixed, mixture
from bench.results import figure, mean, parsed, parser, show, table
from bench.seat import method

# Marked on spectrograms, from the end of the reverberation to the next breath. Joachim and his pianist never pause.
PAUSES_S = {
    "humpback_hydrophone_44k": ((1.95, 3.3), (6.0, 7.65), (9.35, 9.95)),
    "jfk_1961_44k": ((2.4, 3.2), (4.55, 5.35), (7.8, 8.12)),
    "joachim_brahms_1903_10k": (),
}
EXCERPT_S, MADE_S = 8.0, 4.0
FRAME_S, LOUD_SHARE, LOWEST_HZ = 0.064, 0.25, 60.0
DENSE = ("guitar", "strings", "jazz", "piano", "cello", "saxophone")
MADE = ("jazz", "strings", "cello", "female", "male")
VOICES = (
    *(("female", "rain", 5), ("libri", "rain", 10), ("lj", "hum", 5)),
    *(("male", "hum", 10), ("libri", "white", 5), ("male", "white", 10)),
)
BY_DEFAULT = ("music strings + white 30 dB", "layers jazz + white 30 dB", "voices lj + hum 5 dB")
_LAYERS = (0, 3, 7, -5, 12)  # semitones
_REVERBERATION_S, _DECAY_S = 2.5, 1.0  # length, and time in which its amplitude falls to an eighth


def real(data: Path, name: str, system: str) -> dict[str, float]:
    """Return the scores of a degraded recording."""
    read, rate = soundfile.read(data / "degraded" / f"{name}.flac", always_2d=True)
    before = torch.from_numpy(read.T.copy())
    before, after = (audible(x, rate) for x in (before, restored(before, rate, system)))
    scores = {"kept": loud_db(before, after, rate)}
    if spans := PAUSES_S[name]:
        inside = [slice(round(start * rate), round(end * rate)) for start, end in spans]
        levels = (torch.cat([x[:, one] for one in inside], 1).square().mean() for x in (before, after))
        scores |= dict(zip(("before", "after"), (float(10 * level.log10()) for level in levels), strict=True))
    return scores


def audible(samples: Tensor, rate: int) -> Tensor:
    """Return samples, (channel, time), without what lies below every voice: the sea's swell would decide all levels."""
    spectrum = torch.fft.rfft(samples)
    spectrum[:, torch.fft.rfftfreq(samples.shape[1], 1 / rate) < LOWEST_HZ] = 0
    heard: Tensor = torch.fft.irfft(spectrum, samples.shape[1])
    return heard


def loud_db(before: Tensor, after: Tensor, rate: int) -> float:
    """Return by how much the level of the loudest frames changed."""
    frame = round(FRAME_S * rate)
    powers = [x.unfold(1, frame, frame).square().mean((0, 2)) for x in (before, after)]
    loudest = powers[0].argsort(descending=True)[: round(LOUD_SHARE * len(powers[0]))]
    return float(10 * (powers[1][loudest].mean() / powers[0][loudest].mean()).log10())


def score(m: Mixture, system: str) -> dict[str, float]:
    """Return the scores of a mixture."""
    after = restored(m.noisy, m.sample_rate, system)
    scores = {"before": metrics.si_sdr(m.clean, m.noisy), "after": metrics.si_sdr(m.clean, after)}
    if m.kind == "speech" and m.snr_db < 30:
        scores["pesq"] = metrics.pesq(m.clean, after, m.sample_rate)
    return scores


def restored(samples: Tensor, rate: int, system: str) -> Tensor:
    """Return what a system makes of samples, (channel, time)."""
    return audioprior.denoise(samples, sample_rate=rate, method=method(system)).restored.samples


def dense(data: Path, clip: str, kind: str) -> tuple[Tensor, int]:
    """Return a clip that never pauses, in five layers or in a reverberation of three such: (1, time), and its rate."""
    read, rate = soundfile.read(data / CLIPS[clip].file, always_2d=True)
    numbers = np.random.default_rng(zlib.crc32(f"{clip} {kind}".encode()))
    length, made = round(MADE_S * rate), np.zeros(round(MADE_S * rate))
    for semitones in _LAYERS if kind == "layers" else _LAYERS[:3]:
        places = np.arange(0, len(read) - 1, 2 ** (semitones / 12))
        layer = np.interp(places, np.arange(len(read)), read.mean(1))
        made += np.take(layer, np.arange(length) + numbers.integers(len(layer)), mode="wrap")
    if kind != "layers":
        time_s = np.arange(round(_REVERBERATION_S * rate)) / rate
        echoes = numbers.standard_normal(len(time_s)) * 8 ** (-time_s / _DECAY_S)
        made = np.fft.irfft(np.fft.rfft(made, length) * np.fft.rfft(echoes, length), length)
    return torch.from_numpy(made)[None], rate


def plan(data: Path, clips: list[str]) -> Iterator[tuple[str, Mixture]]:
    """Yield (group, mixture)."""
    for clip in DENSE:
        for noise, snr_db in (("white", 30), ("pink", 30), ("none", 0)):
            if clip in clips:
                yield "music", mixture(data, clip, noise, snr_db, EXCERPT_S)
    for kind in ("layers", "reverberation"):
        for clip in MADE:
            if clip in clips:
                yield kind, mixed(data, clip, *dense(data, clip, kind), "white", 30)
    for clip, noise, snr_db in VOICES:
        if clip in clips:
            yield "voices", mixture(data, clip, noise, snr_db, EXCERPT_S)


def done(label: str, system: str, material: tuple[Tensor, ...], measuring: "partial[dict[str, float]]") -> dict[str, float]:
    """Return scores, from now or from before."""
    modules, settings = cache.method_code(method(system))
    decides = cache.key(
        code=["restore", *modules],
        measuring=[measuring.func],
        material=material,
        settings=settings,
        packages=("pesq",),
    )
    scores: dict[str, float] = cache.kept("guard", f"{system} {label}", decides, measuring)
    return scores


def main() -> None:
    options = parsed(parser(__doc__))
    lines = []
    for name in PAUSES_S:
        for system in ("fast", DEFAULT) if options.clips == list(CLIPS) else ("fast",):
            samples = torch.from_numpy(soundfile.read(options.data / "degraded" / f"{name}.flac", always_2d=True)[0])
            scores = done(name, system, (samples,), partial(real, options.data, name, system))
            figures = [figure(scores.get(key, float("nan")), 1) for key in ("before", "after")]
            lines.append([name, system, *figures, f"{scores['kept']:+.2f}"])
    text = [table(["recording", "", "pauses before, dBFS", "after", "loud frames, dB"], lines)]
    lines, means = [], dict[tuple[str, str], list[dict[str, float]]]()
    for group, m in plan(options.data, options.clips):
        some = m.name in ("guitar + white 30 dB", "strings + white 30 dB", "lj + hum 5 dB") or (group, m.clip) == (
            "layers",
            "jazz",
        )
        for system in ("fast", DEFAULT) if some else ("fast",):
            scores = done(f"{group} {m.name}", system, (m.clean, m.noise), partial(score, m, system))
            means.setdefault((group, system), []).append(scores)
            cells = [figure(scores["before"]) if m.noise_name != "none" else "–", figure(scores["after"])]
            lines.append([group, m.name, system, *cells, figure(scores.get("pesq", float("nan")), 3)])
    for (group, system), scored in means.items():
        if system == "fast":
            noisy = [s for s in scored if s["before"] < 100]
            gains, pesq = mean(s["after"] - s["before"] for s in noisy), mean(s["pesq"] for s in noisy if "pesq" in s)
            lines.append([f"**{group}**", "mean gain", system, "", figure(gains), figure(pesq, 3)])
    text.append(table(["", "mixture", "", "SI-SDR before, dB", "after", "PESQ"], lines))
    show(options, "guard", "The guard of denoising", "\n\n".join(text))


if __name__ == "__main__":
    main()
