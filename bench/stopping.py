"""Measures how far each stopping rule stays from the best step, which only a reference can tell, and writes the table.

    python -m bench.stopping --data FOLDER [--priors a,b] [--every 1]

Material: every second mixture of `bench.seat`, one of each class.
Split: none; the rules have no constants that were tuned here.
Conditions: the seat of `bench.seat`, seed 0. One fit of most steps is watched by all the rules that hide nothing from it,
each judging every step as it would have alone; held-out bins change what the prior sees, so that rule has a fit of its own.
Measures: dB of SI-SDR below the oracle: mean, worst, mean step chosen. The oracle is the best SI-SDR at every tenth step of
the first fit, and at the steps that its rules chose.
Fairness: no rule sees the clean sound; all have the same most steps but "fixed".
"""

from dataclasses import replace
from typing import TypedDict

from audioprior.compare import metrics
from audioprior.model.fit import generator
from audioprior.settings.json import encode
from audioprior.settings.presets import RULES
from audioprior.settings.rules import FixedSteps
from bench import cache
from bench.results import mean, parsed, parser, show
from bench.seat import MIXTURES, Seat, drawn, key, method, seat, started

PRIORS = ("recurrent", "skip", "dcgan")
MOST_STEPS = 600  # the default of every rule but "fixed"
LOOK_EVERY = 10
SEED = 0
Chosen = tuple[int, float]  # a step and its SI-SDR in dB


class Outcome(TypedDict):
    """What an oracle and the rules chose."""

    oracle: Chosen
    last: Chosen
    rules: dict[str, Chosen]


def watched(name: str, place: Seat) -> Outcome:
    """Fit a prior once, watched by the rules that hide nothing, and let the reference judge what they chose."""
    open_rules = {rule: kind().build(generator(SEED)) for rule, kind in RULES.items() if rule != "held-out"}
    chosen: dict[str, Chosen] = {}
    looks: list[Chosen] = []
    stopped: set[str] = set()
    run = started(replace(method(name), stopping=FixedSteps(max_steps=MOST_STEPS)), place, SEED)
    evidence = place.observation.expect(None)
    for step in run:
        if step.index % LOOK_EVERY == 0:
            looks.append((step.index, metrics.si_sdr(place.clean, place.restored(step.draw()))))
        for rule in open_rules.keys() - stopped:
            verdict = open_rules[rule].judge(step.index, evidence, step.draw)
            if verdict.keep:
                chosen[rule] = (step.index, metrics.si_sdr(place.clean, place.restored(step.draw())))
            if verdict.reason:
                stopped.add(rule)
    oracle = max([*looks, *chosen.values()], key=lambda look: look[1])
    return {"oracle": oracle, "last": looks[-1], "rules": chosen}


def held_out(name: str, place: Seat) -> Chosen:
    """Return what held-out bins choose, in their own fit."""
    kept = drawn(name, place, SEED, RULES["held-out"]())
    return kept.steps, metrics.si_sdr(place.clean, place.restored(kept.power))


def outcome(name: str, place: Seat) -> Outcome:
    """Return what an oracle and the rules choose, measured now or before."""

    def work() -> Outcome:
        found = watched(name, place)
        found["rules"]["held-out"] = held_out(name, place)
        return found

    rules = {rule: encode(kind()) for rule, kind in RULES.items()}
    watching = cache.key(code=["compare.metrics"], measuring=[watched, held_out], settings=rules)
    decided = f"{key(method(name), place, SEED)}-{watching}"
    read: Outcome = cache.kept("stopping", f"{name} {place.name}", decided, work)
    return read


def line(name: str, outcomes: list[tuple[str, Outcome]]) -> str:
    """Return a prior's line: the oracle's step, and below the oracle by how much each rule came out."""
    steps = [found["oracle"][0] for _, found in outcomes]
    cells = [f"{min(steps)} to {max(steps)}"]
    for rule in (*RULES, "last"):
        picks = [(found["last"] if rule == "last" else found["rules"][rule], found["oracle"], m) for m, found in outcomes]
        distances = [(best[1] - pick[1], m) for pick, best, m in picks]
        worst, where = max(distances)
        taken = mean(pick[0] for pick, _, _ in picks)
        cells.append(f"{mean(d for d, _ in distances):.2f}; {worst:.2f} ({where}); {taken:.0f}")
    return f"| {name} | {' | '.join(cells)} |"


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--priors", default=",".join(PRIORS))
    arguments.add_argument("--every", type=int, default=2, help="every n-th mixture; 2: one of each class")
    options = parsed(arguments)
    seats = [seat(options.data, *what) for what in MIXTURES[:: options.every] if what[0] in options.clips]
    lines = []
    for name in options.priors.split(","):
        lines.append(line(name, [(place.name, outcome(name, place)) for place in seats]))
        print(lines[-1], flush=True)
    head = (
        "dB of SI-SDR below the oracle's step: mean; worst; mean step chosen. The oracle sees the "
        f"clean sound, every {LOOK_EVERY} steps of {MOST_STEPS}; no rule does. Seat of the section above, seed {SEED}, "
        f"{len(seats)} mixtures: {', '.join(place.name for place in seats)}.\n\n"
        f"| prior | oracle's steps | {' | '.join(RULES)} | step {MOST_STEPS} |\n|---|{'---|' * (len(RULES) + 2)}\n"
    )
    show(options, "stopping", "Stopping rules", head + "\n".join(lines))


if __name__ == "__main__":
    main()
