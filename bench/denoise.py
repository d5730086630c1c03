"""Measures denoisers over mixtures of real recordings and writes the tables.

    python -m bench.denoise --data FOLDER [--set white5|quick|full | --quick] [--systems a,b] [--no-speech-scores]

Every system gets the noisy samples and the rate, nothing else. Each runs on one thread; cost is CPU seconds per second of
sound and channel. Scores of finished (system, mixture) pairs are kept in build/bench/ and not measured again.
"""

import argparse
import hashlib
import json
from collections.abc import Iterable
from pathlib import Path

import torch

from audioprior.compare import metrics, systems
from audioprior.compare.measure import measure as run
from audioprior.compare.peers import PEERS
from audioprior.settings.presets import DEFAULT, METHODS
from bench.mixtures import Mixture, mixture, plan

HERE = Path(__file__).parent
CACHE = HERE.parent / "build" / "bench"
# The slow networks run when asked for by name.
OURS = ("consensus", "best", "fast", "blindspot", "nmf-4", "nmf", "free", "log-mmse", "nlm")
Rows = dict[str, list[tuple[Mixture, dict[str, float]]]]  # per system, each mixture and its scores


def source_hash() -> str:
    """Return a short hash of the package's source: figures of other versions are not mixed in."""
    digest = hashlib.sha256()
    for path in sorted((HERE.parent / "src").rglob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


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


def cached(name: str, m: Mixture, version: str, *, speech_scores: bool) -> dict[str, float]:
    """Return the scores of a system on a mixture, measured now or before."""
    folder = CACHE / (f"{name}-{version}" if name in METHODS or name.startswith("nmf-") else name)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{m.name.replace(' ', '_')}.json"
    if not path.exists():
        path.write_text(json.dumps(measure(name, m, speech_scores=speech_scores)))
    return dict(json.loads(path.read_text()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--set", default="full", dest="which")
    parser.add_argument("--quick", action="store_const", const="quick", dest="which", help="the set for daily use")
    parser.add_argument("--systems", default=None)
    parser.add_argument("--splits", default="tune,test")
    parser.add_argument("--no-speech-scores", action="store_true")
    parser.add_argument("--verbose", action="store_true")
    options = parser.parse_args()
    if not options.data.is_dir():
        raise SystemExit(f"{options.data} is not here; give the folder of recordings with --data.")
    torch.set_num_threads(1)
    names = (
        options.systems.split(",") if options.systems else [*OURS, *(name for name in systems.installed() if name in PEERS)]
    )
    splits, version = options.splits.split(","), source_hash()
    rows: Rows = {name: [] for name in names}
    for clip, noise, snr_db in plan(options.which):
        m = mixture(options.data, clip, noise, snr_db)
        if m.split not in splits:
            continue
        for name, done in rows.items():
            scores = cached(name, m, version, speech_scores=not options.no_speech_scores)
            done.append((m, scores))
            if options.verbose:
                print(f"{name:16} {m.name:32} {scores['gain']:6.2f} dB  {scores['cpu']:5.2f} s/s", flush=True)
    text = "\n".join(tables(rows))
    print(text)
    replace_section(HERE / "RESULTS.md", f"denoise {options.which}", f"## Denoising, set “{options.which}”\n{text}")
    if options.which == "quick" and "test" in splits:
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
        for name, done in sorted(noisy.items(), key=lambda item: -_mean(s["gain"] for _, s in item[1])):
            cells = [_interval([s["gain"] for m, s in done if m.kind == kind]) for kind in kinds]
            worst, where = min((s["gain"], m.name) for m, s in done)
            lost = [s["gain"] < ours[m.name] for m, s in done if m.name in ours]
            share = f"{100 * _mean(lost):.0f} %" if lost and name != DEFAULT else "–"
            cells += [_interval([s["gain"] for _, s in done]), share, f"{worst:.1f} ({where})"]
            scores = [_mean(s[key] for _, s in done if key in s) for key in ("pesq", "stoi", "visqol")]
            cells += ["–" if score != score else f"{score:.3f}" for score in scores]  # not measured in this run
            cells += [f"{_mean(s['lsd'] for _, s in done):.1f}"]
            cells += [
                f"{_mean(s['musical'] for _, s in done if 'musical' in s):.2f}",
                f"{_mean(s['cpu'] for _, s in done):.2f}",
            ]
            yield f"| {name} | {' | '.join(cells)} |"
        noises = sorted({m.noise_name for m, _ in next(iter(noisy.values()))})
        yield f"\n**{split}**, by noise: SI-SDR gain in dB\n\n| system | {' | '.join(noises)} |\n|---|{'---|' * len(noises)}"
        for name, done in noisy.items():
            means = [_mean(s["gain"] for m, s in done if m.noise_name == noise) for noise in noises]
            yield f"| {name} | {' | '.join(f'{mean:.1f}' for mean in means)} |"
        quiet = {n: [(m, s) for m, s in done if m.split == split and m.snr_db == 30] for n, done in rows.items()}
        clean = {n: [s["after"] for m, s in done if m.split == split and m.noise_name == "none"] for n, done in rows.items()}
        if any(quiet.values()):
            yield f"\n**{split}**, nearly clean input: SI-SDR change at 30 dB, and SI-SDR of clean input after treatment\n"
            yield "| system | mean at 30 dB | worst at 30 dB | clean, mean | clean, worst |\n|---|---|---|---|---|"
            for name, done in quiet.items():
                worst, where = min((s["gain"], m.name) for m, s in done)
                yield (
                    f"| {name} | {_mean(s['gain'] for _, s in done):.2f} | {worst:.2f} ({where}) "
                    f"| {_mean(clean[name]):.1f} | {min(clean[name]):.1f} |"
                )


def _mean(values: Iterable[float]) -> float:
    listed = list(values)
    return sum(listed) / len(listed) if listed else float("nan")


def _interval(values: list[float]) -> str:
    spread = float(torch.tensor(values).std()) / len(values) ** 0.5 * 1.96 if len(values) > 1 else float("nan")
    return f"{_mean(values):.2f} ± {spread:.2f} ({len(values)})"


def readme_table(rows: Rows) -> str:
    """Return the README's table: the half that nothing was tuned on, by class."""
    noisy = {n: [(m, s) for m, s in done if m.split == "test" and m.snr_db < 30] for n, done in rows.items()}
    kinds = list(dict.fromkeys(m.kind for m, _ in next(iter(noisy.values()))))
    lines = [f"| | {' | '.join(kinds)} | all | PESQ (speech) | CPU s/s |", f"|---|{'---|' * (len(kinds) + 3)}"]
    for name, done in sorted(noisy.items(), key=lambda item: -_mean(s["gain"] for _, s in item[1])):
        cells = [f"{_mean(s['gain'] for m, s in done if m.kind == kind):.1f}" for kind in kinds]
        cells += [f"{_mean(s['gain'] for _, s in done):.1f}", f"{_mean(s['pesq'] for _, s in done if 'pesq' in s):.2f}"]
        label = (
            f"**{name}**"
            if name == DEFAULT
            else f"{name} (trained on speech)"
            if name in PEERS and PEERS[name].trained
            else name
        )
        lines.append(f"| {label} | {' | '.join(cells)} | {_mean(s['cpu'] for _, s in done):.2f} |")
    return "\n".join(lines)


def replace_section(path: Path, mark: str, text: str) -> None:
    """Put text between a file's two comments that bear a mark, adding them at the end where there are none."""
    begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    old = (
        path.read_text(encoding="utf-8")
        if path.exists()
        else "# Results\n\nWritten by `python -m bench.denoise`; do not edit.\n"
    )
    if begin not in old:
        old = f"{old.rstrip()}\n\n{begin}\n{end}\n"
    head, rest = old.split(begin, 1)
    path.write_text(f"{head}{begin}\n{text}\n{end}{rest.split(end, 1)[1]}", encoding="utf-8")


if __name__ == "__main__":
    main()
