"""Measures the repair of gaps and of clipping, on active places of the clean clips at their own rates.

    python -m bench.repair --data FOLDER [--gaps 10,20,40,80,200] [--columns 2,4,6] [--clips 1,3,7,10,15] [--seeds 0]
        [--methods nmf]

Scores lie inside the damage only, so that they do not depend on how much of a clip is damaged. What was used before stands
beside: linear prediction (Janssen) for gaps, A-SPADE and ffmpeg's adeclip for clipping. Finished scores stay in build/bench.
"""

import argparse
import json
import math
import subprocess
import tempfile
import time
import zlib
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor

from audioprior.classical.autoregression import interpolate
from audioprior.classical.spade import declip as spade
from audioprior.model.gaussian import Frames
from audioprior.restore import declip, inpaint
from audioprior.sound.spectrum import Transform
from audioprior.tasks import Inpaint
from bench.denoise import CACHE, HERE, replace_section, source_hash
from bench.mixtures import CLIPS

SECONDS, START_S, GAPS = 3.0, 0.5, 5
COLUMNS_MS = 64
FFMPEG_DB = 10  # below, its cost is minutes for each second, and it gains nothing
LONG_MS = 80  # from here on a sample is worth its lower score
LONGEST_MS = 200  # two gaps a clip, samples only: a minute each
Scores = dict[str, float]
Rows = dict[tuple[str, str], list[tuple[str, Scores]]]  # (damage, system): clip and scores


def excerpt(data: Path, clip: str) -> tuple[Tensor, int]:
    """Return three seconds of a clip's first channel: (time,), and its rate."""
    rate = soundfile.info(data / CLIPS[clip].file).samplerate
    samples, _ = soundfile.read(
        data / CLIPS[clip].file, always_2d=True, start=round(START_S * rate), frames=round(SECONDS * rate)
    )
    one = torch.from_numpy(samples[:, 0].copy())
    return one * (0.9 / one.abs().max()), rate


def gaps_of(sound: Tensor, rate: int, length_ms: int, name: str, seed: int) -> list[tuple[int, int]]:
    """Return five gaps, one in each fifth, at places that are not quiet."""
    numbers = np.random.default_rng(zlib.crc32(f"{name} {length_ms} {seed}".encode()))
    length, slot, mean, found = round(length_ms * rate / 1000), len(sound) // GAPS, float(sound.square().mean()), []
    for number in range(GAPS):
        first, last = max(number * slot, rate // 10), min((number + 1) * slot, len(sound) - rate // 10) - length
        for _ in range(50):
            at = int(numbers.integers(first, max(last, first + 1)))
            if float(sound[at : at + length].square().mean()) > 0.05 * mean:
                break
        found.append((at, at + length))
    return found


def clipped_to(sound: Tensor, snr_db: float) -> tuple[Tensor, float]:
    """Return the sound clipped to a signal-to-distortion ratio, and the level, by bisection."""
    low, high = 0.0, float(sound.abs().max())
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (low, middle) if snr(sound, sound.clamp(-middle, middle)) > snr_db else (middle, high)
    return sound.clamp(-high, high), high


def snr(clean: Tensor, other: Tensor) -> float:
    return 10 * math.log10(float(clean.square().sum()) / (float((clean - other).square().sum()) + 1e-20) + 1e-20)


def distance_in(clean: Tensor, other: Tensor, gaps: list[tuple[int, int]], rate: int) -> float:
    """Return the log-spectral distance in dB over 32 ms frames centred inside gaps, floor −50 dB below each frame's peak."""
    window = Transform.of(rate, 32.0).window
    shape, found = torch.hann_window(window, dtype=torch.float64), []
    for start, end in gaps:
        for at in range(start - window // 2, end - window // 2, window // 4):
            one, two = (torch.fft.rfft(x[at : at + window] * shape).abs().square() for x in (clean, other))
            floor = 1e-5 * one.max() + 1e-12
            found.append(float((10 * ((one + floor) / (two + floor)).log10()).square().mean().sqrt()))
    return sum(found) / len(found)


def gap_scores(data: Path, clip: str, length_ms: int, seed: int, fill: Callable[..., Tensor]) -> Scores:
    clean, rate = excerpt(data, clip)
    gaps = gaps_of(clean, rate, length_ms, clip, seed)[: GAPS if length_ms < LONGEST_MS else 2]
    inside = torch.zeros(len(clean), dtype=torch.bool)
    for start, end in gaps:
        inside[start:end] = True
    started = time.process_time()
    filled = fill(clean.masked_fill(inside, 0.0), rate, gaps)
    cost = (time.process_time() - started) / len(gaps)
    if not torch.equal(filled[~inside], clean[~inside]):
        raise AssertionError("a sample outside the gaps changed")
    energy = 10 * math.log10(float(filled[inside].square().sum() / clean[inside].square().sum()) + 1e-12)
    return {
        "snr": snr(clean[inside], filled[inside]),
        "lsd": distance_in(clean, filled, gaps, rate),
        "energy": energy,
        "cpu": cost,
    }


def column_scores(data: Path, clip: str, count: int, fill: Callable[..., Tensor]) -> Scores:
    """Score the loss of `count` neighbouring columns of a spectrogram with four windows over each sample, at five places.

    What the other columns determine is read from them (least squares); only samples that no column is left of are inferred.
    """
    clean, rate = excerpt(data, clip)
    frames = Frames(Transform.of(rate, COLUMNS_MS).window, len(clean))
    lost = torch.zeros(frames.count, dtype=torch.bool)
    for start, _ in gaps_of(clean, rate, COLUMNS_MS, clip, count):
        lost[start // frames.hop + 4 :][:count] = True
    weight = frames.shape.square() * ~lost[:, None]
    columns = frames.analyse(clean) * ~lost  # all that is left of the sound
    cover = frames.join(weight)
    sound = frames.join(torch.fft.irfft(columns.mT, frames.window) * frames.shape) / cover.clamp_min(1e-6)
    nothing = (cover < 1e-6).nonzero()[:, 0].tolist()
    gaps: list[tuple[int, int]] = []
    for place in nothing:
        if gaps and gaps[-1][1] == place:
            gaps[-1] = (gaps[-1][0], place + 1)
        else:
            gaps.append((place, place + 1))
    started = time.process_time()
    filled = fill(sound.masked_fill(cover < 1e-6, 0.0), rate, gaps) if gaps else sound
    touched = frames.join((frames.shape.square() * lost[:, None]).to(clean)) > 0
    return {"snr": snr(clean[touched], filled[touched]), "cpu": (time.process_time() - started) / GAPS}


def clip_scores(data: Path, clip: str, snr_db: float, repair: Callable[..., Tensor]) -> Scores:
    clean, rate = excerpt(data, clip)
    clipped, level = clipped_to(clean, snr_db)
    started = time.process_time()
    repaired = repair(clipped, rate, level)
    return {
        "snr": snr(clean, repaired) - snr(clean, clipped),
        "share": float((clipped.abs() >= level * 0.9999).double().mean()),
        "cpu": (time.process_time() - started) / SECONDS,
    }


def with_spade(sound: Tensor, rate: int, level: float) -> Tensor:
    top, bottom = sound >= level * 0.9999, sound <= -level * 0.9999
    low, high = torch.where(bottom, -torch.inf, sound), torch.where(top, torch.inf, sound)
    return spade(sound, low, high, Transform.of(rate, 64.0).window)


def with_ffmpeg(sound: Tensor, rate: int, level: float) -> Tensor:  # noqa: ARG001
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "in.wav", Path(folder) / "out.wav"
        soundfile.write(before, 0.25 * sound.numpy(), rate, "DOUBLE")  # headroom, which the filter does not make itself
        command = ["ffmpeg", "-v", "error", "-i", str(before), "-af", "adeclip", "-c:a", "pcm_f64le", str(after)]
        subprocess.run(command, check=True)
        return torch.from_numpy(4 * soundfile.read(after)[0][: len(sound)])


def gap_systems(methods: list[str], length_ms: int) -> dict[str, Callable[..., Tensor]]:
    def ours(method: str, fill: str) -> Callable[..., Tensor]:
        def run(sound: Tensor, rate: int, gaps: list[tuple[int, int]]) -> Tensor:
            spans = tuple((a / rate, b / rate) for a, b in gaps)
            settings = Inpaint(gaps=spans, fill=fill)  # type: ignore[arg-type]
            return inpaint(sound, sample_rate=rate, method=method, settings=settings).restored.samples[0]

        return run

    found: dict[str, Callable[..., Tensor]] = {"Janssen": lambda sound, rate, gaps: interpolate(sound, gaps, rate)}
    for method in methods:
        if length_ms < LONGEST_MS:
            found[method] = ours(method, "mean")
        if method == Inpaint.method and length_ms >= LONG_MS:
            found[f"{method}, sample"] = ours(method, "sample")
    return found


def clip_systems(methods: list[str], snr_db: float) -> dict[str, Callable[..., Tensor]]:
    found: dict[str, Callable[..., Tensor]] = {"A-SPADE": with_spade}
    if snr_db >= FFMPEG_DB:
        found["ffmpeg adeclip"] = with_ffmpeg
    for method in methods:
        found[method] = lambda sound, rate, _, m=method: declip(sound, sample_rate=rate, method=m).restored.samples[0]
    return found


def tables(rows: Rows, split: str, columns: tuple[str, ...]) -> Iterable[str]:
    kinds = ("speech", "music", "animals")
    yield f"\n**{split}**\n\n| damage | system | {' | '.join(kinds)} | all | {' | '.join(columns)} |"
    yield f"|---|---|{'---|' * (len(kinds) + 1 + len(columns))}"
    for (damage, name), done in rows.items():
        mine = [(clip, scores) for clip, scores in done if CLIPS[clip].split == split]
        means = [_mean(s["snr"] for clip, s in mine if CLIPS[clip].kind == kind) for kind in kinds]
        means += [_mean(s["snr"] for _, s in mine), *(_mean(s[key] for _, s in mine) for key in columns)]
        yield f"| {damage} | {name} | {' | '.join(f'{value:.2f}' for value in means)} |"


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed) if listed else float("nan")


def measured(key: str, name: str, work: Callable[[], Scores]) -> Scores:
    """Return scores, measured now or before."""
    ours = name not in ("Janssen", "A-SPADE", "ffmpeg adeclip")
    path = CACHE / (f"repair-{source_hash()}" if ours else "repair-classical") / f"{key} {name}.json".replace(" ", "_")
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        path.write_text(json.dumps(work()))
    return dict(json.loads(path.read_text()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--gaps", default="10,20,40,80,200")
    parser.add_argument("--columns", default="2,4,6")
    parser.add_argument("--clips", default="1,3,7,10,15")
    parser.add_argument("--seeds", default="0")
    parser.add_argument("--methods", default="nmf")
    options = parser.parse_args()
    torch.set_num_threads(1)
    methods, seeds = options.methods.split(","), [int(one) for one in options.seeds.split(",")]
    gaps: Rows = {}
    clips: Rows = {}
    columns: Rows = {}
    for clip in CLIPS:
        for count in (int(one) for one in options.columns.split(",") if one):
            for name, fill in gap_systems(methods, 0).items():
                scores = measured(f"columns {clip} {count}", name, partial(column_scores, options.data, clip, count, fill))
                columns.setdefault((f"{count} columns", name), []).append((clip, scores))
                print(f"{count} columns {clip} {name}: {scores}", flush=True)
        for length_ms in (int(one) for one in options.gaps.split(",") if one):
            for seed in seeds:
                for name, fill in gap_systems(methods, length_ms).items():
                    work = partial(gap_scores, options.data, clip, length_ms, seed, fill)
                    scores = measured(f"gap {clip} {length_ms} {seed}", name, work)
                    gaps.setdefault((f"{length_ms} ms", name), []).append((clip, scores))
                    print(f"{length_ms} ms {clip} {name}: {scores}", flush=True)
        for snr_db in (float(one) for one in options.clips.split(",") if one):
            for name, repair in clip_systems(methods, snr_db).items():
                scores = measured(f"clip {clip} {snr_db:g}", name, partial(clip_scores, options.data, clip, snr_db, repair))
                clips.setdefault((f"{snr_db:g} dB", name), []).append((clip, scores))
                print(f"{snr_db:g} dB {clip} {name}: {scores}", flush=True)
    text = ["Gaps: SNR inside the gaps, log-spectral distance and energy there in dB, CPU seconds for each gap."]
    for split in ("tune", "test"):
        text += tables(gaps, split, ("lsd", "energy", "cpu"))
    text += ["\nSpectrogram columns missing (64 ms windows, a quarter apart): SNR over all samples that they reach, in dB."]
    for split in ("tune", "test"):
        text += tables(columns, split, ("cpu",))
    text += ["\nClipping: SNR gain over the clipped recording in dB, share of clipped samples, CPU seconds per second."]
    for split in ("tune", "test"):
        text += tables(clips, split, ("share", "cpu"))
    print("\n".join(text))
    replace_section(HERE / "RESULTS.md", "repair", "## Gaps and clipping\n\n" + "\n".join(text))


if __name__ == "__main__":
    main()
