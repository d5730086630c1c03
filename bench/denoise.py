"""Measures denoisers over mixtures of real recordings and writes the tables, the README's too.

    python -m bench.denoise --data FOLDER [--set white5|quick|full | --quick] [--systems a,b] [--no-speech-scores]

Material: twelve clean clips of speech, music and animals, four seconds each at their own rates, mixed with white, pink and
eight recorded noises (`bench.mixtures`): "white5" at 5 dB, "quick" some noises at 0 to 15 dB, at 30 dB and none, "full" all.
Split: constants are tuned on the tune half of the clips; the test half is reported beside it. The noises are in both.
Conditions: blind; each system runs on one thread, channels as it likes, its start not counted.
Measures: SI-SDR gain, mean ± 95 %; the worst mixture; PESQ and STOI of speech, ViSQOL of music, log-spectral distance,
musical noise (white and pink only); CPU seconds per second of sound and channel.
Fairness: every system gets the noisy samples and the rate, nothing else, and no score is taken before it is done. Other
people's packages run with their own settings; `audioprior.compare.peers` says which of them are told a noise profile.
"""

from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from audioprior.compare import metrics, systems
from audioprior.compare.measure import measure as run
from audioprior.compare.peers import PEERS
from audioprior.errors import SettingsError
from audioprior.settings.presets import DEFAULT
from bench import cache
from bench.mixtures import Mixture, mixture, plan
from bench.results import HERE, figure, interval, mean, parsed, parser, replace_section, show
from bench.seat import method

# The slow networks run when asked for by name.
OURS = ("consensus", "best", "fast", "blindspot", "nmf-4", "nmf", "free", "log-mmse", "nlm")
Rows = dict[str, list[tuple[Mixture, dict[str, float]]]]  # per system, each mixture and its scores


def measure(name: str, m: Mixture, *, speech_scores: bool) -> dict[str, float]:
    """Return the scores of a system on a mixture."""
    wanted = ["si_sdr", "lsd"]
    if speech_scores and m.kind == "speech":
        wanted += ["pesq", "stoi"]
    if speech_scores and m.kind == "music" and m.noise_name != "none":
        wanted += ["visqol"]
    measured = run(systems.system(name), m.noisy, m.sample_rate, clean=m.clean, scores=wanted)
    if measured.unscored:
        raise RuntimeError(f"{name} on {m.name}: {' '.join(measured.unscored.values())}")
    scores = {
        "before": metrics.si_sdr(m.clean, m.noisy) if m.noise_name != "none" else float("nan"),
        "after": measured.scores.pop("si_sdr"),
        **measured.scores,
        "cpu": measured.cpu_seconds / (m.clean.numel() / m.sample_rate),
    }
    scores["gain"] = scores["after"] - scores["before"]
    if m.noise_name in ("white", "pink"):
        scores["musical"] = metrics.musical_noise(m.noise, m.noisy, measured.samples, m.sample_rate)
    return scores


def key(name: str, m: Mixture, *, speech_scores: bool) -> str:
    """Return a hash of all that decides a system's scores on a mixture."""
    settings: Any = None
    code: list[str | Path] = ["compare.measure"]
    packages: Sequence[str] = ()
    if name in PEERS:
        code += ["compare.peers"]
        packages = PEERS[name].package.split() or PEERS[name].modules
    else:
        modules, settings = cache.method_code(method(name))
        code += ["restore", *modules]
    return cache.key(
        code=code,
        measuring=[measure],
        material=(m.clean, m.noise),
        settings=[settings, speech_scores],
        packages=("pesq", "pystoi", "visqol-python", *packages),
    )


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--set", default="full", dest="which")
    arguments.add_argument("--quick", action="store_const", const="quick", dest="which", help="the set for daily use")
    arguments.add_argument("--systems", default=None)
    arguments.add_argument("--splits", default="tune,test")
    arguments.add_argument("--no-speech-scores", action="store_true")
    arguments.add_argument("--verbose", action="store_true")
    options = parsed(arguments)
    names = (
        options.systems.split(",") if options.systems else [*OURS, *(name for name in systems.installed() if name in PEERS)]
    )
    try:
        systems.chosen(names)
    except SettingsError as error:
        raise SystemExit(str(error)) from error
    splits, speech_scores = options.splits.split(","), not options.no_speech_scores
    rows: Rows = {name: [] for name in names}
    for clip, noise, snr_db in plan(options.which):
        if clip not in options.clips:
            continue
        m = mixture(options.data, clip, noise, snr_db)
        if m.split not in splits:
            continue
        for name, done in rows.items():
            scores = cache.kept(
                "denoise",
                f"{name} {m.name}",
                key(name, m, speech_scores=speech_scores),
                partial(measure, name, m, speech_scores=speech_scores),
            )
            done.append((m, scores))
            if options.verbose:
                print(f"{name:16} {m.name:32} {scores['gain']:6.2f} dB  {scores['cpu']:5.2f} s/s", flush=True)
    show(options, f"denoise {options.which}", f"Denoising, set “{options.which}”", "\n".join(tables(rows)))
    if options.which == "quick" and "test" in splits and not options.print_only:
        replace_section(HERE.parent / "README.md", "denoise quick", readme_table(rows))


def tables(rows: Rows) -> Iterable[str]:
    """Yield the lines of the tables: noisy mixtures by half and class, then how clean input is treated."""
    for split in ("tune", "test"):
        noisy = {n: [(m, s) for m, s in done if m.split == split and m.snr_db < 30] for n, done in rows.items()}
        if not any(noisy.values()):
            continue
        ours = {m.name: s["gain"] for m, s in noisy.get(DEFAULT, [])}
        yield f"\n**{split}**: SI-SDR gain in dB, mean ± 95 % (mixtures); then means\n"
        kinds = list(dict.fromkeys(m.kind for m, _ in next(iter(noisy.values()))))
        columns = "all | lost to the default | worst | PESQ | STOI | ViSQOL | LSD | musical | CPU s/s"
        yield f"| system | {' | '.join(kinds)} | {columns} |"
        yield f"|---|{'---|' * (len(kinds) + 9)}"
        for name, done in sorted(noisy.items(), key=lambda item: -mean(s["gain"] for _, s in item[1])):
            cells = [interval([s["gain"] for m, s in done if m.kind == kind]) for kind in kinds]
            worst, where = min((s["gain"], m.name) for m, s in done)
            lost = [s["gain"] < ours[m.name] for m, s in done if m.name in ours]
            share = f"{100 * mean(lost):.0f} %" if lost and name != DEFAULT else "–"
            cells += [interval([s["gain"] for _, s in done]), share, f"{worst:.1f} ({where})"]
            scores = [mean(s[key] for _, s in done if key in s) for key in ("pesq", "stoi", "visqol")]
            cells += [figure(score, 3) for score in scores]
            cells += [f"{mean(s['lsd'] for _, s in done):.1f}"]
            cells += [
                f"{mean(s['musical'] for _, s in done if 'musical' in s):.2f}",
                f"{mean(s['cpu'] for _, s in done):.2f}",
            ]
            yield f"| {name} | {' | '.join(cells)} |"
        noises = sorted({m.noise_name for m, _ in next(iter(noisy.values()))})
        yield f"\n**{split}**, by noise: SI-SDR gain in dB\n\n| system | {' | '.join(noises)} |\n|---|{'---|' * len(noises)}"
        for name, done in noisy.items():
            means = [mean(s["gain"] for m, s in done if m.noise_name == noise) for noise in noises]
            yield f"| {name} | {' | '.join(f'{gain:.1f}' for gain in means)} |"
        quiet = {n: [(m, s) for m, s in done if m.split == split and m.snr_db == 30] for n, done in rows.items()}
        clean = {n: [s["after"] for m, s in done if m.split == split and m.noise_name == "none"] for n, done in rows.items()}
        if any(quiet.values()):
            yield f"\n**{split}**, nearly clean input: SI-SDR change at 30 dB, and SI-SDR of clean input after treatment\n"
            yield "| system | mean at 30 dB | worst at 30 dB | clean, mean | clean, worst |\n|---|---|---|---|---|"
            for name, done in quiet.items():
                worst, where = min((s["gain"], m.name) for m, s in done)
                yield (
                    f"| {name} | {mean(s['gain'] for _, s in done):.2f} | {worst:.2f} ({where}) "
                    f"| {mean(clean[name]):.1f} | {min(clean[name]):.1f} |"
                )


def readme_table(rows: Rows) -> str:
    """Return the README's table: the half that nothing was tuned on, by class."""
    noisy = {n: [(m, s) for m, s in done if m.split == "test" and m.snr_db < 30] for n, done in rows.items()}
    kinds = list(dict.fromkeys(m.kind for m, _ in next(iter(noisy.values()))))
    lines = [f"| | {' | '.join(kinds)} | all | PESQ (speech) | CPU s/s |", f"|---|{'---|' * (len(kinds) + 3)}"]
    for name, done in sorted(noisy.items(), key=lambda item: -mean(s["gain"] for _, s in item[1])):
        cells = [f"{mean(s['gain'] for m, s in done if m.kind == kind):.1f}" for kind in kinds]
        cells += [f"{mean(s['gain'] for _, s in done):.1f}", f"{mean(s['pesq'] for _, s in done if 'pesq' in s):.2f}"]
        label = (
            f"**{name}**"
            if name == DEFAULT
            else f"{name} (trained on speech)"
            if name in PEERS and PEERS[name].trained
            else name
        )
        lines.append(f"| {label} | {' | '.join(cells)} | {mean(s['cpu'] for _, s in done):.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
