"""Measures what lies under a covered region of time and frequency, prior beside prior, and writes the table.

    python -m bench.regions --data FOLDER [--priors nmf,temporal,...] [--regions 2] [--loud 10]

Material: three seconds of the twelve clean clips' first channels at their own rates (`bench.mixtures`).
Split: nothing was tuned; both halves of the clips are reported, and a default has to win on both.
Conditions: regions of 0.3 s by one octave at places that are not quiet, drawn from the clip's name and a number, covered by
a tone that sways or by noise of that band, `--loud` dB above the sound there.
Measures: the error inside the region over the clean sound's energy there, in dB, with the mean and with one sample (the
phase is the cover's, so that silence is not far from the best); how far λ is from the sound's power, which knows no phase,
as the divergence of Itakura and Saito of powers averaged over 3 × 3 bins; CPU seconds for a region.
Fairness: the region is told to all, and every prior gets the same evidence, random numbers, window (64 ms) and steps, those
of a repair. Controls: the cover as it is, the region turned down to nothing, and each frequency's mean ("free").
"""

import math
import time
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d

from audioprior.model.fit import fit, generator
from audioprior.observations.region import RegionObservation
from audioprior.settings.methods import Method
from audioprior.settings.priors import Free
from audioprior.settings.rules import FixedSteps
from audioprior.sound.spectrum import Transform
from audioprior.tasks import Inpaint
from bench import cache, seat
from bench.damages import Scores, excerpt
from bench.mixtures import CLIPS
from bench.results import figure, mean, parsed, parser, show, table

PRIORS = "nmf-4,nmf-8,nmf-12,nmf,temporal,consensus,blindspot,free"
CONTROLS = ("covered", "silence")
COVERS = ("tone", "noise")
SECONDS, OCTAVE = 0.3, 2.0
WINDOW_MS = 64.0
LOWEST_HZ, HIGHEST_HZ = 200.0, 4000.0  # where an octave begins
FADE_S = 0.02
Done = dict[str, list[tuple[str, str, Scores]]]  # by prior: clip, cover and scores


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
        return f"{self.clip} {self.cover} {self.number}"


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
    """Return a method by its name as a region seats it: by the names of `bench.seat`, but `nmf` at a repair's own rank."""
    if name == "nmf":
        return Inpaint.preset("nmf")
    chosen = Inpaint.seated(seat.method(name).prior)
    return replace(chosen, stopping=FixedSteps(max_steps=1)) if isinstance(chosen.prior, Free) else chosen


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


def key(of: Case, name: str) -> str:
    """Return a hash of all that decides the scores of a prior, or of a control."""
    modules, settings = ([], None) if name in CONTROLS else cache.method_code(seated(name))
    return cache.key(
        code=["model.fit", "model.stopping", "observations.region", "sound.spectrum", *modules],
        measuring=[scored],
        material=[of.clean, of.covered],
        settings=[of.region, of.rate, of.number, name, settings],
    )


def rows(done: Done, names: Sequence[str]) -> Iterator[list[str]]:
    """Yield the table's lines."""

    def cell(name: str, score: str, split: str | None = None, cover: str | None = None) -> str:
        return figure(
            mean(
                scores[score]
                for clip, kind, scores in done[name]
                if cover in (None, kind) and split in (None, CLIPS[clip].split) and score in scores
            )
        )

    for name in names:
        cells = [cell(name, "error", split, cover) for split in ("tune", "test") for cover in COVERS]
        cells += [cell(name, "error", split) for split in ("tune", "test")] + [cell(name, "sampled")]
        yield [name, *cells, *(cell(name, "divergence", split) for split in ("tune", "test")), cell(name, "cpu")]


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--priors", default=PRIORS)
    arguments.add_argument("--regions", type=int, default=2, help="in each clip, for each cover")
    arguments.add_argument("--loud", type=float, default=10.0, help="dB of the cover above the sound under it")
    options = parsed(arguments)
    names = [*CONTROLS, *options.priors.split(",")]
    done: Done = {name: [] for name in names}
    for clip in options.clips:
        for number in range(options.regions):
            for cover in COVERS:
                of = case(options.data, clip, cover, number, options.loud)
                for name in names:
                    scores = cache.kept("regions", f"{of.name} {name}", key(of, name), partial(scored, of, name))
                    done[name].append((clip, cover, scores))
                    print(f"{of.name} {name}: {scores}", flush=True)
    about = (
        "Error inside a region of 0.3 s by one octave, over the clean sound's energy there, in dB. The cover is "
        f"{options.loud:g} dB louder than the sound under it. {options.regions} regions in each of {len(options.clips)} "
        "clips, for each cover. “sampled”: with `fill=sample`. Divergence: of λ from the sound's power. "
        "`nmf` has 24 spectra.\n\n"
    )
    heads = [f"{split}, {cover}" for split in ("tune", "test") for cover in COVERS]
    heads = ["prior", *heads, "tune", "test", "sampled", "divergence, tune", "test", "CPU s"]
    show(options, "regions", "Covered regions", about + table(heads, rows(done, names)))


if __name__ == "__main__":
    main()
