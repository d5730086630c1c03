"""Measures the repair of gaps and of clipping, and writes the tables.

    python -m bench.repair --data FOLDER [--gaps 10,20,40,80,200] [--columns 2,4,6] [--levels 1,3,7,10,15] [--seeds 0]
        [--methods nmf]

Material: three seconds of the twelve clean clips' first channels at their own rates (`bench.mixtures`).
Split: constants are tuned on the tune half of the clips; the test half is reported beside it.
Conditions: five gaps a clip (two of 200 ms) at places that are not quiet, drawn from the clip's name, length and seed;
columns of a spectrogram with four windows over each sample; clipping to a signal-to-distortion ratio.
Measures: inside the damage only, so that they do not depend on how much of a clip is damaged: SNR (its gain, for clipping),
log-spectral distance and energy of gaps, CPU seconds for each gap or second. A changed sample outside a gap is a failure.
Fairness: gaps are told to all. The clipping level is found by this project's methods, told to A-SPADE, and adeclip gets the
headroom that it does not make. What was used before stands beside: linear prediction (Janssen), A-SPADE, ffmpeg's adeclip.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import soundfile
import torch
from torch import Tensor

from audioprior.classical.autoregression import interpolate
from audioprior.classical.spade import declip as spade
from audioprior.restore import declip, inpaint
from audioprior.sound.spectrum import Transform
from audioprior.tasks import TASKS, Inpaint
from bench import cache
from bench.damages import GAPS, LONGEST_MS, Scores, clip_scores, column_scores, excerpt, gap_scores
from bench.mixtures import CLIPS
from bench.results import figure, mean, numbers, parsed, parser, show

FFMPEG_DB = 10  # below, its cost is minutes for each second, and it gains nothing
LONG_MS = 80  # from here on a sample is worth its lower score
CLASSICAL = {"Janssen": "classical.autoregression", "A-SPADE": "classical.spade", "ffmpeg adeclip": ""}
Rows = dict[tuple[str, str], list[tuple[str, Scores]]]  # (damage, system): clip and scores


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


def gap_systems(methods: Sequence[str], length_ms: int) -> dict[str, Callable[..., Tensor]]:
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


def clip_systems(methods: Sequence[str], snr_db: float) -> dict[str, Callable[..., Tensor]]:
    found: dict[str, Callable[..., Tensor]] = {"A-SPADE": with_spade}
    if snr_db >= FFMPEG_DB and shutil.which("ffmpeg"):
        found["ffmpeg adeclip"] = with_ffmpeg
    for method in methods:
        found[method] = lambda sound, rate, _, m=method: declip(sound, sample_rate=rate, method=m).restored.samples[0]
    return found


@dataclass(frozen=True)
class Case:
    """A damage: which table and row it belongs to, how it is scored, what decides it, and who repairs it."""

    table: str
    damage: str
    task: str
    score: Callable[..., Scores]
    values: tuple[Any, ...]
    systems: dict[str, Callable[..., Tensor]]


def cases(clip: str, options: Any) -> Iterator[Case]:
    """Yield the damages of a clip."""
    methods = options.methods.split(",")
    for count in numbers(options.columns):
        yield Case("columns", f"{count} columns", "inpaint", column_scores, (clip, count), gap_systems(methods, 0))
    for length_ms in numbers(options.gaps):
        for seed in numbers(options.seeds):
            systems = gap_systems(methods, length_ms)
            yield Case("gaps", f"{length_ms} ms", "inpaint", gap_scores, (clip, length_ms, seed), systems)
    for snr_db in numbers(options.levels):
        yield Case("levels", f"{snr_db} dB", "declip", clip_scores, (float(snr_db),), clip_systems(methods, snr_db))


def key(case: Case, name: str, clean: Tensor, rate: int) -> str:
    """Return a hash of all that decides a system's scores."""
    settings: Any = None
    code: list[str | Path] = ["model.gaussian", "sound.spectrum"]
    if name in CLASSICAL:
        code += [CLASSICAL[name]] if CLASSICAL[name] else []
    else:
        modules, settings = cache.method_code(TASKS[case.task].preset(name.partition(",")[0]))
        code += ["restore", *modules]
    return cache.key(
        code=code,
        measuring=[case.score, gap_systems, clip_systems],
        material=[clean],
        settings=[case.values, rate, name, settings],
        packages=["ffmpeg"] if name == "ffmpeg adeclip" else [],
    )


def tables(rows: Rows, split: str, columns: tuple[str, ...]) -> Iterable[str]:
    kinds = ("speech", "music", "animals")
    yield f"\n**{split}**\n\n| damage | system | {' | '.join(kinds)} | all | {' | '.join(columns)} |"
    yield f"|---|---|{'---|' * (len(kinds) + 1 + len(columns))}"
    for (damage, name), done in rows.items():
        mine = [(clip, scores) for clip, scores in done if CLIPS[clip].split == split]
        means = [mean(s["snr"] for clip, s in mine if CLIPS[clip].kind == kind) for kind in kinds]
        means += [mean(s["snr"] for _, s in mine), *(mean(s[key] for _, s in mine) for key in columns)]
        yield f"| {damage} | {name} | {' | '.join(figure(value) for value in means)} |"


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--gaps", default="10,20,40,80,200", help="lengths in ms")
    arguments.add_argument("--columns", default="2,4,6", help="how many in a row")
    arguments.add_argument("--levels", default="1,3,7,10,15", help="of clipping: signal-to-distortion ratios in dB")
    arguments.add_argument("--seeds", default="0", help="of the places of gaps")
    arguments.add_argument("--methods", default="nmf")
    options = parsed(arguments)
    rows: dict[str, Rows] = {"gaps": {}, "columns": {}, "levels": {}}
    for clip in options.clips:
        clean, rate = excerpt(options.data, clip)
        for case in cases(clip, options):
            for name, repair in case.systems.items():
                work = partial(case.score, clean, rate, *case.values, repair)
                label = f"{case.damage} {clip} {name} {' '.join(str(value) for value in case.values[1:])}"
                scores = cache.kept("repair", label, key(case, name, clean, rate), work)
                rows[case.table].setdefault((case.damage, name), []).append((clip, scores))
                print(f"{case.damage} {clip} {name}: {scores}", flush=True)
    text = [
        f"Gaps, {GAPS} a clip ({LONGEST_MS} ms: 2): SNR inside, log-spectral distance, energy in dB, CPU seconds for each."
    ]
    for split in ("tune", "test"):
        text += tables(rows["gaps"], split, ("lsd", "energy", "cpu"))
    text += ["\nSpectrogram columns missing (64 ms windows, a quarter apart): SNR over all samples that they reach, in dB."]
    for split in ("tune", "test"):
        text += tables(rows["columns"], split, ("cpu",))
    text += ["\nClipping: SNR gain over the clipped recording in dB, share of clipped samples, CPU seconds per second."]
    for split in ("tune", "test"):
        text += tables(rows["levels"], split, ("share", "cpu"))
    show(options, "repair", "Gaps and clipping", "\n".join(text))


if __name__ == "__main__":
    main()
