"""Measures what lies under a covered region of time and frequency, prior beside prior, and writes the table.

    python -m bench.regions --data FOLDER [--priors nmf,temporal,...] [--regions 2] [--loud 10]

Material: three seconds of the first channel of each clean clip, at its own rate (`bench.repair.excerpt`); both halves,
"tune" and "test", are reported apart. Conditions: regions of 0.3 s by one octave at places that are not quiet, covered by a
tone that sways or by noise of that band, `--loud` dB above the sound there. Seat: as `restoring/region.py` seats a prior,
one window of 64 ms and a repair's steps; every prior gets the same evidence and the same random numbers. Measures: the
error inside the region over the clean sound's energy there, in dB, with the mean and with one sample (the phase is the
cover's, so that silence is not far from the best); and how far λ is from the sound's power, which knows no phase: the
divergence of Itakura and Saito of powers averaged over 3 × 3 bins. Controls: the cover as it is, the region turned down to
nothing, and each frequency's mean ("free"). Nothing that restores sees the clean sound. Finished scores stay in
build/bench.
"""

import argparse
import json
import math
import time
import zlib
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from audioprior.model.fit import fit, generator
from audioprior.observations.region import RegionObservation
from audioprior.settings.methods import Method
from audioprior.settings.presets import METHODS, method
from audioprior.settings.priors import Nmf
from audioprior.settings.rules import FixedSteps
from audioprior.sound.spectrum import Transform
from bench.denoise import CACHE, HERE, replace_section, source_hash
from bench.mixtures import CLIPS
from bench.repair import excerpt

PRIORS = ("nmf-4", "nmf-8", "nmf-12", "nmf", "temporal", "consensus", "blindspot", "free")
CONTROLS = ("covered", "silence")
COVERS = ("tone", "noise")
SECONDS, OCTAVE = 0.3, 2.0
WINDOW_MS = 64.0
LOWEST_HZ, HIGHEST_HZ = 200.0, 4000.0  # where an octave begins
FADE_S = 0.02
Scores = dict[str, float]  # "error", "sampled", "divergence", "cpu"


@dataclass(frozen=True)
class Case:
    """A clip with a covered region: (1, time) each, the region in seconds and Hz."""

    clip: str
    cover: str
    number: int
    clean: Tensor
    covered: Tensor
    rate: int
    region: tuple[float, float, float, float]

    @property
    def name(self) -> str:
        return f"{self.clip}-{self.cover}-{self.number}"


def case(data: Path, clip: str, cover: str, number: int, loud_db: float) -> Case:
    """Return a clip with a region covered; the same arguments always give the same one."""
    sound, rate = excerpt(data, clip)
    numbers = np.random.default_rng(zlib.crc32(f"{clip} region {number}".encode()))  # one place for all covers
    length, best = round(SECONDS * rate), (-math.inf, 0, 0.0)
    # Of eight places drawn at random the loudest against its own octave: a region over nothing asks nothing.
    for _ in range(8):
        start = int(numbers.integers(rate // 4, len(sound) - length - rate // 4))
        low = LOWEST_HZ * (min(HIGHEST_HZ, rate / 4.5) / LOWEST_HZ) ** float(numbers.random())
        band = banded(sound, rate, low, OCTAVE * low)
        level = 10 * math.log10(float(band[start : start + length].square().mean() / (band.square().mean() + 1e-20)) + 1e-20)
        share = 10 * math.log10(float(band.square().mean() / sound.square().mean()) + 1e-20)
        best = max(best, (level if share > -30 else level - 100, start, low))
    _, start, low = best
    time_s = torch.arange(length, dtype=sound.dtype) / rate
    if cover == "tone":
        middle = low * math.sqrt(OCTAVE)
        added = torch.sin(2 * math.pi * middle * time_s + 2 * torch.sin(2 * math.pi * 6 * time_s))
    else:
        seeded = generator(number, zlib.crc32(clip.encode()))
        added = banded(torch.randn(length, generator=seeded, dtype=sound.dtype), rate, 1.1 * low, 0.9 * OCTAVE * low)
    edge = (time_s.clamp_max(FADE_S) / FADE_S).minimum(time_s.flip(0).clamp_max(FADE_S) / FADE_S)
    added = added * (0.5 - 0.5 * torch.cos(math.pi * edge))
    under = banded(sound, rate, low, OCTAVE * low)[start : start + length]
    added *= (under.square().sum() / added.square().sum()).sqrt() * 10 ** (loud_db / 20)
    covered = sound.clone()
    covered[start : start + length] += added
    return Case(
        clip, cover, number, sound[None], covered[None], rate, (start / rate, (start + length) / rate, low, OCTAVE * low)
    )


def banded(sound: Tensor, rate: int, low: float, high: float) -> Tensor:
    """Return what of (time,) lies in a band."""
    frequency = torch.fft.rfftfreq(len(sound), 1 / rate)
    kept: Tensor = torch.fft.irfft(torch.fft.rfft(sound) * ((frequency >= low) & (frequency <= high)), len(sound))
    return kept


def bins(of: Case, transform: Transform) -> Tensor:
    """Return the bins of a case's region, (frequency, frame)."""
    start, end, low, high = of.region
    frame = torch.arange(transform.frames(of.clean.shape[1])) / transform.frame_rate_hz
    frequency = transform.frequencies_hz()
    return ((frequency >= low) & (frequency <= high))[:, None] & ((frame >= start) & (frame <= end))


def seated(name: str) -> Method:
    """Return a method by its name as a region seats it; `nmf-8` is at that rank."""
    repair = method("nmf", "inpaint")
    if name.startswith("nmf-"):
        return replace(repair, prior=Nmf(rank=int(name.removeprefix("nmf-"))))
    if name == "free":
        return replace(repair, prior=METHODS["free"].prior, stopping=FixedSteps(max_steps=1))
    return repair if name == "nmf" else replace(repair, prior=METHODS[name].prior)


def scored(of: Case, name: str) -> Scores:
    """Return the scores of a prior, or of a control, in a case's region."""
    transform = Transform.of(of.rate, WINDOW_MS)
    inside = bins(of, transform)
    level = float(of.covered.square().mean().sqrt())
    heard, clean = (of.covered / level).float(), (of.clean / level).float()
    target, begun = transform.analyse(clean), time.process_time()

    def error(sound: Tensor) -> float:
        off = (transform.analyse(sound) - target).abs().square()[:, inside].sum()
        return decibels(float(off / target.abs().square()[:, inside].sum()))

    if name == "covered":
        return {"error": error(heard), "divergence": divergence(transform.analyse(heard), target, inside)}
    if name == "silence":
        spectrum = transform.analyse(heard) * ~inside
        return {"error": error(transform.synthesise(spectrum, heard.shape[1]))}
    chosen = seated(name)
    numbers = generator(0, of.number)
    observation = RegionObservation(heard, transform, inside, inside, fill="mean")
    prior = chosen.prior.build(planned_steps=chosen.stopping.max_steps, generators=[numbers])
    one = fit(observation, prior, chosen.stopping.build(numbers))
    for _ in one:
        pass
    power = one.power()
    spent = time.process_time() - begun
    sampled = RegionObservation(heard, transform, inside, inside, fill="sample").estimate(power).sound
    return {
        "error": error(observation.estimate(power).sound),
        "sampled": error(sampled),
        "divergence": divergence(power[0].sqrt(), target, inside),
        "cpu": spent,
    }


def divergence(guess: Tensor, target: Tensor, inside: Tensor) -> float:
    """Return the mean of x − log x − 1 over a region, x = the sound's power over the guess's, averaged over 3 × 3 bins."""
    ratio, inside = (
        (avg_pool2d(target.abs().square(), 3, 1, 1) / avg_pool2d(guess.abs().square(), 3, 1, 1).clamp_min(1e-12))[
            :, inside
        ].clamp(1e-4, 1e4),
        inside,
    )
    return float((ratio - ratio.log() - 1).mean())


def decibels(ratio: float) -> float:
    return 10 * math.log10(ratio + 1e-12)


def rows(found: dict[tuple[str, str], list[tuple[str, Scores]]], names: list[str]) -> Iterator[str]:
    """Yield the table's lines."""
    heads = [f"{split}, {cover}" for split in ("tune", "test") for cover in COVERS]
    yield f"| prior | {' | '.join(heads)} | tune | test | sampled | divergence, tune | test | CPU s |"
    yield f"|---|{'---|' * (len(heads) + 6)}"

    def mean(name: str, score: str, *, split: str | None = None, cover: str | None = None) -> str:
        values = [
            scores[score]
            for (of, kind), done in found.items()
            for clip, scores in done
            if of == name and cover in (None, kind) and split in (None, CLIPS[clip].split) and score in scores
        ]
        return f"{sum(values) / len(values):.2f}" if values else ""

    for name in names:
        cells = [mean(name, "error", split=split, cover=cover) for split in ("tune", "test") for cover in COVERS]
        cells += [mean(name, "error", split=split) for split in ("tune", "test")] + [mean(name, "sampled")]
        cells += [mean(name, "divergence", split=split) for split in ("tune", "test")] + [mean(name, "cpu")]
        yield f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--priors", default=",".join(PRIORS))
    parser.add_argument("--regions", type=int, default=2, help="in each clip, for each cover")
    parser.add_argument("--loud", type=float, default=10.0, help="dB of the cover above the sound under it")
    options = parser.parse_args()
    torch.set_num_threads(1)
    names = [*CONTROLS, *options.priors.split(",")]
    kept = CACHE / f"regions-{source_hash()}"
    kept.mkdir(parents=True, exist_ok=True)
    found: dict[tuple[str, str], list[tuple[str, Scores]]] = defaultdict(list)
    for number in range(options.regions):
        for clip in CLIPS:
            for cover in COVERS:
                one = case(options.data, clip, cover, number, options.loud)
                for name in names:
                    path = kept / f"{one.name}-{options.loud:g}-{name}.json"
                    if not path.exists():
                        path.write_text(json.dumps(scored(one, name)))
                    found[name, cover].append((clip, json.loads(path.read_text())))
                print(one.name, *(f"{name} {found[name, cover][-1][1]['error']:.1f}" for name in names), flush=True)
    head = (
        "## Covered regions\n\nError inside a region of 0.3 s by one octave, over the clean sound's energy there, in dB. "
        f"The cover is {options.loud:g} dB louder than the sound under it. {options.regions} regions in each of "
        f"{len(CLIPS)} clips, for each cover. “sampled”: with `fill=sample`. Divergence: of λ from the sound's power. "
        "`nmf` has 24 spectra.\n"
    )
    text = "\n".join([head, *rows(found, names)])
    print(text)
    replace_section(HERE / "RESULTS.md", "regions", text)


if __name__ == "__main__":
    main()
