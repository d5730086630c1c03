"""Damage of known extent, and scores inside it: gaps, columns of a spectrogram, clipping.

Each function is given a clean sound, (time,), its rate, what to damage, and something that repairs; scores lie inside the
damage only, so that they do not depend on how much of a clip is damaged.
"""

import math
import time
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile
import torch
from torch import Tensor

from audioprior.model.gaussian import Frames
from audioprior.sound.spectrum import Transform
from bench.mixtures import CLIPS
from bench.results import mean

SECONDS, START_S, GAPS = 3.0, 0.5, 5
COLUMNS_MS = 64
LONGEST_MS = 200  # two gaps a clip, samples only: a minute each
Scores = dict[str, float]


def excerpt(data: Path, clip: str) -> tuple[Tensor, int]:
    """Return three seconds of a clip's first channel: (time,), and its rate."""
    rate = soundfile.info(data / CLIPS[clip].file).samplerate
    samples, _ = soundfile.read(
        data / CLIPS[clip].file, always_2d=True, start=round(START_S * rate), frames=round(SECONDS * rate)
    )
    sound = torch.from_numpy(samples[:, 0].copy())
    return sound * (0.9 / sound.abs().max()), rate


def gaps_of(sound: Tensor, rate: int, length_ms: int, name: str, seed: int) -> list[tuple[int, int]]:
    """Return five gaps, one in each fifth, at places that are not quiet."""
    numbers = np.random.default_rng(zlib.crc32(f"{name} {length_ms} {seed}".encode()))
    length, slot, power, found = round(length_ms * rate / 1000), len(sound) // GAPS, float(sound.square().mean()), []
    for number in range(GAPS):
        first, last = max(number * slot, rate // 10), min((number + 1) * slot, len(sound) - rate // 10) - length
        for _ in range(50):
            at = int(numbers.integers(first, max(last, first + 1)))
            if float(sound[at : at + length].square().mean()) > 0.05 * power:
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
            wanted, got = (torch.fft.rfft(x[at : at + window] * shape).abs().square() for x in (clean, other))
            floor = 1e-5 * wanted.max() + 1e-12
            found.append(float((10 * ((wanted + floor) / (got + floor)).log10()).square().mean().sqrt()))
    return mean(found)


def gap_scores(clean: Tensor, rate: int, clip: str, length_ms: int, seed: int, fill: Callable[..., Tensor]) -> Scores:
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


def column_scores(clean: Tensor, rate: int, clip: str, count: int, fill: Callable[..., Tensor]) -> Scores:
    """Score the loss of `count` neighbouring columns of a spectrogram with four windows over each sample, at five places.

    What the other columns determine is read from them (least squares); only samples that no column is left of are inferred.
    """
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


def clip_scores(clean: Tensor, rate: int, snr_db: float, repair: Callable[..., Tensor]) -> Scores:
    clipped, level = clipped_to(clean, snr_db)
    started = time.process_time()
    repaired = repair(clipped, rate, level)
    return {
        "snr": snr(clean, repaired) - snr(clean, clipped),
        "share": float((clipped.abs() >= level * 0.9999).double().mean()),
        "cpu": (time.process_time() - started) / SECONDS,
    }
