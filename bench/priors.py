"""Measures priors in one and the same seat, alone and joined, and writes the table.

    python -m bench.priors --data FOLDER [--priors a,b,own.py:Settings] [--seeds 3] [--slow-seeds 2]

Material: six mixtures of `bench.mixtures` at 5 dB, two seconds each: two of speech, two of music, two of animals.
Split: of each class one clip of the tune half and one of the test half, reported together: this ranks ideas, and nothing is
tuned on it.
Conditions: the seat of `bench.seat`; each prior runs once per mixture and seed, and combinations reuse its λ.
Measures: SI-SDR gain, PESQ of speech, CPU seconds per second of sound; mean ± half the range over seeds, differences
within a seed.
Fairness: the same noise power, gain rule and seeds for all; each prior stops by its own rule and steps, blind. The slow ones
have fewer seeds, which the table says.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from audioprior.compare import metrics
from audioprior.settings.priors import Consensus
from bench.results import mean, parsed, parser, show, spread
from bench.seat import EXCERPT_S, MIXTURES, RATE_HZ, Seat, drawn, seat

CONTROLS = ("free", "nmf-4", "nmf-8")
NETWORKS = ("blindspot", "temporal", "harmonic", "recurrent", "dilated", "skip", "dcgan", "dcgan-40")
SLOW = ("dilated", "skip", "dcgan")
FACTORS = tuple(f"nmf-{rank}" for rank in Consensus().ranks)


def combined(powers: dict[str, Tensor], networks: Iterable[str]) -> dict[str, Tensor]:
    """Return the harmonic means of several priors' λ, as `priors/consensus.py` makes them.

    "ranks" is the geometric mean of the consensus's factorisations, which each network is joined with; "blindspot, ranks" is
    the consensus with the very factorisations that the others are joined with. Then two networks, and three witnesses.
    """
    ranks = torch.stack([powers[name].log() for name in FACTORS]).mean(0).exp()
    made = {"ranks": ranks, "blindspot, ranks": harmonic_mean(powers["blindspot"], ranks)}
    for name in networks:
        if name != "blindspot":
            made[f"{name}, ranks"] = harmonic_mean(powers[name], ranks)
            made[f"{name}, blindspot"] = harmonic_mean(powers[name], powers["blindspot"])
            made[f"{name}, blindspot, ranks"] = harmonic_mean(powers[name], powers["blindspot"], ranks)
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


def lines(scores: dict[str, list[Score]], title: str, against: str) -> Iterator[str]:
    """Yield a table's lines, best row first; ± is half the range over seeds, differences are within a seed."""
    kinds = list(dict.fromkeys(score.kind for score in scores[against]))
    base = by_seed(scores[against], "gain")
    yield f"\n| {title} | {' | '.join(kinds)} | all | all, less that of “{against}” | PESQ (speech) | CPU s/s | seeds |"
    yield f"|---|{'---|' * (len(kinds) + 5)}"
    for name, done in sorted(scores.items(), key=lambda item: -mean(by_seed(item[1], "gain").values())):
        cells = [spread(by_seed([score for score in done if score.kind == kind], "gain").values()) for kind in kinds]
        everything = by_seed(done, "gain")
        cells += [spread(everything.values()), spread([gain - base[seed] for seed, gain in everything.items()])]
        cells += [spread(by_seed(done, "pesq").values(), 3), spread(by_seed(done, "cpu").values())]
        yield f"| {name} | {' | '.join(cells)} | {len(everything)} |"


def by_seed(done: list[Score], field: str) -> dict[int, float]:
    """Return, for each seed, the mean over mixtures."""
    values: dict[int, list[float]] = defaultdict(list)
    for score in done:
        if (value := getattr(score, field)) is not None:
            values[score.seed].append(value)
    return {seed: mean(listed) for seed, listed in values.items()}


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--priors", default=",".join(NETWORKS))
    arguments.add_argument("--seeds", type=int, default=3)
    arguments.add_argument("--slow-seeds", type=int, default=2, help="of skip, dcgan and dilated")
    arguments.add_argument("--verbose", action="store_true")
    options = parsed(arguments)
    asked: list[str] = options.priors.split(",")
    mixtures = [what for what in MIXTURES if what[0] in options.clips]
    alone: dict[str, list[Score]] = defaultdict(list)
    joined: dict[str, list[Score]] = defaultdict(list)
    for seed in range(options.seeds):
        networks = [name for name in asked if name not in SLOW or seed < options.slow_seeds]
        for what in mixtures:
            place = seat(options.data, *what)
            powers: dict[str, Tensor] = {}
            # The consensus's own parts are drawn in any case: the combinations are made of them.
            for name in dict.fromkeys((*CONTROLS, *FACTORS, "blindspot", *networks, "consensus")):
                found = drawn(name, place, seed)
                powers[name] = found.power
                if name in CONTROLS or name not in FACTORS:
                    alone[name].append(scored(place, seed, found.power, found.cpu))
                if options.verbose:
                    print(f"{place.name:24} {seed} {name:10} step {found.steps:4} {found.cpu:6.2f} s/s", flush=True)
            for name, power in combined(powers, networks).items():
                joined[name].append(scored(place, seed, power, None))
    names = ", ".join(f"{clip} + {noise} {snr_db} dB" for clip, noise, snr_db in mixtures)
    head = (
        f"SI-SDR gain in dB of λ alone: one 64 ms window, mono at 16 kHz, {EXCERPT_S:g} s, the blind noise power, balanced "
        f"gain. Mean ± half the range over seeds. {len(mixtures)} mixtures: {names}."
    )
    text = "\n".join([head, *lines(alone, "prior", "consensus"), *lines(joined, "harmonic mean of", "blindspot, ranks")])
    show(options, "priors", "Priors in the same seat", text)


if __name__ == "__main__":
    main()
