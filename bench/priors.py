"""Measures priors in one and the same seat and writes the table.

    python -m bench.priors --data FOLDER [--priors a,b,own.py:Settings] [--seeds 3] [--slow-seeds 2]

The seat: a window of 64 ms, the first channel at 16 kHz, the noise power that the tool finds blind (not renewed, so that it
is the same for every prior), the gain rule "balanced" above a floor of −26 dB. What differs between rows is λ only. Each
prior runs once per mixture and seed; combinations reuse its λ. A prior of your own is named by its file and the class of its
settings, and runs as many steps as the default. Every λ is kept in build/bench/ with its cost, so that the
bench goes on where it was stopped.
"""

import argparse
import hashlib
import inspect
import runpy
import time
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import soxr
import torch
from torch import Tensor

from audioprior.compare import metrics
from audioprior.model.fit import Fit, fit, generator
from audioprior.noise.floor import long_transform, noise_power, to_shorter
from audioprior.observations.noise import NoiseObservation
from audioprior.settings.json import encode
from audioprior.settings.methods import Method
from audioprior.settings.presets import DEFAULT, METHODS
from audioprior.settings.priors import Consensus, Nmf
from audioprior.settings.rules import FixedSteps, StoppingSettings
from audioprior.sound.spectrum import Transform
from bench.denoise import CACHE, HERE, replace_section
from bench.mixtures import mixture

RATE_HZ = 16000
WINDOW_MS = 64.0
EXCERPT_S = 2.0  # from the second second on: the slow networks take a hundred times as long
SKIPPED_S = 1.0
MIXTURES = (
    ("lj", "white", 5),
    ("female", "pink", 5),
    ("piano", "vinyl", 5),
    ("guitar", "pink", 5),
    ("robin", "ocean", 5),
    ("spinetail", "rumble", 5),
)
CONTROLS = ("free", "nmf-4", "nmf-8")
NETWORKS = ("blindspot", "temporal", "harmonic", "recurrent", "dilated", "skip", "dcgan", "dcgan-40")
SLOW = ("dilated", "skip", "dcgan")
FACTORS = tuple(f"nmf-{rank}" for rank in Consensus().ranks)
# Code that decides λ: figures of other versions of it are not mixed in.
DECISIVE = ("model", "sound/spectrum.py", "observations", "priors")


@dataclass(frozen=True)
class Seat:
    """A mixture, (channel, time) each with one channel, and the observation of it that every prior gets."""

    name: str
    kind: str
    clean: Tensor
    noisy: Tensor
    observation: NoiseObservation

    def restored(self, prior_power: Tensor) -> Tensor:
        return self.observation.estimate(prior_power).sound.double()


@dataclass(frozen=True)
class Drawn:
    """λ, (1, 1, frequency, frame), the steps it took and its CPU seconds per second of sound."""

    power: Tensor
    steps: int
    cpu: float


def seat(data: Path, clip: str, noise: str, snr_db: float) -> Seat:
    """Return a mixture's seat; the level is 1, as in `Denoising`."""
    m = mixture(data, clip, noise, snr_db)
    start, end = round(SKIPPED_S * RATE_HZ), round((SKIPPED_S + EXCERPT_S) * RATE_HZ)
    clean, noisy = (
        torch.from_numpy(soxr.resample(x[0].numpy(), m.sample_rate, RATE_HZ, "VHQ"))[None, start:end]
        for x in (m.clean, m.noisy)
    )
    level = noisy.square().mean().sqrt()
    samples = (noisy / level).float()
    transform = Transform.of(RATE_HZ, WINDOW_MS)
    longer = long_transform(transform)
    ratio, frames = longer.window // transform.window, transform.frames(samples.shape[1])
    added = to_shorter(noise_power(longer.analyse(samples).abs().square(), longer), ratio, frames)
    observation = NoiseObservation(samples, transform, added, rule="balanced", max_reduction_db=26.0)
    return Seat(m.name, m.kind, clean / level, noisy / level, observation)


def method(name: str) -> Method:
    """Return a method by its name: `nmf-8` at that rank, `dcgan-40` after so many steps, `own.py:Settings` a stranger's."""
    if ":" in name:
        path, _, settings = name.rpartition(":")
        return replace(METHODS[DEFAULT], prior=runpy.run_path(path)[settings]())
    if name.startswith("nmf-"):
        rank = Nmf(rank=int(name.removeprefix("nmf-")))
        return replace(METHODS["nmf"], prior=rank)
    if name.startswith("dcgan-"):
        return replace(METHODS["dcgan"], stopping=FixedSteps(max_steps=int(name.removeprefix("dcgan-"))))
    return METHODS[name]


def started(chosen: Method, place: Seat, seed: int) -> Fit:
    """Return the fit of a method in the seat, as `Denoising` would begin it for its first block."""
    numbers = generator(seed, 1, round(WINDOW_MS * RATE_HZ / 1000))
    prior = chosen.prior.build(planned_steps=chosen.stopping.max_steps, generators=[numbers])
    return fit(place.observation, prior, chosen.stopping.build(numbers))


def version(chosen: Method) -> str:
    """Return a short hash of all that decides λ."""
    digest = hashlib.sha256(repr((encode(chosen.prior), encode(chosen.stopping), EXCERPT_S, SKIPPED_S)).encode())
    source = HERE.parent / "src" / "audioprior"
    kind = encode(chosen.prior)["kind"]
    for part in DECISIVE:
        for path in sorted((source / part).rglob("*.py")) if (source / part).is_dir() else [source / part]:
            own = path.stem in (kind, "network", "blindspot", "nmf", "skip") or part != "priors"
            digest.update(path.read_bytes() if own else b"")
    if not type(chosen.prior).__module__.startswith("audioprior."):
        digest.update(Path(inspect.getfile(type(chosen.prior).build)).read_bytes())
    return digest.hexdigest()[:12]


def drawn(name: str, place: Seat, seed: int, rule: StoppingSettings | None = None) -> Drawn:
    """Return what a prior draws, now or before, stopped by its own rule or by another."""
    chosen = method(name) if rule is None else replace(method(name), stopping=rule)
    path = CACHE / f"prior-{name.replace('/', '_')}-{version(chosen)}" / f"{place.name.replace(' ', '_')}-{seed}.pt"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        begun = time.process_time()
        one = started(chosen, place, seed)
        for _ in one:
            pass
        kept = one.power()
        cpu = (time.process_time() - begun) / EXCERPT_S
        torch.save({"power": kept, "steps": one.chosen, "cpu": cpu}, path)
    return Drawn(**torch.load(path))


def combined(rows: dict[str, Tensor], networks: Iterable[str]) -> dict[str, Tensor]:
    """Return the harmonic means of several priors' λ, as `priors/consensus.py` makes them.

    "ranks" is the geometric mean of the consensus's factorisations, which each network is joined with; "blindspot, ranks" is
    the consensus with the very factorisations that the others are joined with. Then two networks, and three witnesses.
    """
    ranks = torch.stack([rows[name].log() for name in FACTORS]).mean(0).exp()
    made = {"ranks": ranks}
    for name in networks:
        made[f"{name}, ranks"] = harmonic_mean(rows[name], ranks)
        if name != "blindspot":
            made[f"{name}, blindspot"] = harmonic_mean(rows[name], rows["blindspot"])
            made[f"{name}, blindspot, ranks"] = harmonic_mean(rows[name], rows["blindspot"], ranks)
    return made


def harmonic_mean(*powers: Tensor) -> Tensor:
    return len(powers) / torch.stack([1 / power for power in powers]).sum(0)


@dataclass(frozen=True)
class Score:
    """What a row came to in one mixture with one seed."""

    kind: str
    seed: int
    gain: float
    pesq: float | None
    cpu: float | None


def scored(place: Seat, seed: int, prior_power: Tensor, cpu: float | None) -> Score:
    restored = place.restored(prior_power)
    gain = metrics.si_sdr(place.clean, restored) - metrics.si_sdr(place.clean, place.noisy)
    pesq = metrics.pesq(place.clean, restored, RATE_HZ) if place.kind == "speech" else None
    return Score(place.kind, seed, gain, pesq, cpu)


def table(scores: dict[str, list[Score]], title: str, against: str) -> Iterator[str]:
    """Yield a table's lines, best row first; ± is half the range over seeds, differences are within a seed."""
    kinds = list(dict.fromkeys(one.kind for one in scores[against]))
    base = by_seed(scores[against], "gain")
    yield f"\n| {title} | {' | '.join(kinds)} | all | all, less that of “{against}” | PESQ (speech) | CPU s/s | seeds |"
    yield f"|---|{'---|' * (len(kinds) + 5)}"
    for name, done in sorted(scores.items(), key=lambda item: -mean(by_seed(item[1], "gain").values())):
        cells = [spread(by_seed([one for one in done if one.kind == kind], "gain").values()) for kind in kinds]
        everything = by_seed(done, "gain")
        cells += [spread(everything.values()), spread([gain - base[seed] for seed, gain in everything.items()])]
        cells += [spread(by_seed(done, "pesq").values(), 3), spread(by_seed(done, "cpu").values())]
        yield f"| {name} | {' | '.join(cells)} | {len(everything)} |"


def by_seed(done: list[Score], field: str) -> dict[int, float]:
    """Return, for each seed, the mean over mixtures."""
    values: dict[int, list[float]] = defaultdict(list)
    for one in done:
        if (value := getattr(one, field)) is not None:
            values[one.seed].append(value)
    return {seed: mean(listed) for seed, listed in values.items()}


def mean(values: Collection[float]) -> float:
    return sum(values) / len(values)


def spread(values: Collection[float], digits: int = 2) -> str:
    if not values:
        return ""
    return f"{mean(values):.{digits}f} ± {(max(values) - min(values)) / 2:.{digits}f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--priors", default=",".join(NETWORKS))
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--slow-seeds", type=int, default=2, help="of skip, dcgan and dilated")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    asked: list[str] = options.priors.split(",")
    alone: dict[str, list[Score]] = defaultdict(list)
    joined: dict[str, list[Score]] = defaultdict(list)
    for seed in range(options.seeds):
        networks = [name for name in asked if name not in SLOW or seed < options.slow_seeds]
        for what in MIXTURES:
            place = seat(options.data, *what)
            powers: dict[str, Tensor] = {}
            for name in dict.fromkeys((*CONTROLS, *FACTORS, *networks, "consensus")):
                one = drawn(name, place, seed)
                powers[name] = one.power
                if name in CONTROLS or name not in FACTORS:
                    alone[name].append(scored(place, seed, one.power, one.cpu))
                if options.verbose:
                    print(f"{place.name:24} {seed} {name:10} step {one.steps:4} {one.cpu:6.2f} s/s", flush=True)
            for name, power in combined(powers, networks).items():
                joined[name].append(scored(place, seed, power, None))
    names = ", ".join(f"{clip} + {noise} {snr_db} dB" for clip, noise, snr_db in MIXTURES)
    head = (
        "## Priors in the same seat\n\nSI-SDR gain in dB of λ alone: one 64 ms window, mono at 16 kHz, "
        f"{EXCERPT_S:g} s, the blind noise power, balanced gain. Mean ± half the range over seeds. "
        f"{len(MIXTURES)} mixtures: {names}."
    )
    text = "\n".join([head, *table(alone, "prior", "consensus"), *table(joined, "harmonic mean of", "blindspot, ranks")])
    print(text)
    replace_section(HERE / "RESULTS.md", "priors", text)


if __name__ == "__main__":
    main()
