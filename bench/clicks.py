"""Measures the finding and repairing of clicks against ffmpeg's adeclick, and writes the tables.

    python -m bench.clicks --data FOLDER [--splits tune,test] [--verbose]

Material: the twelve clean clips at full length and their own rates (`bench.mixtures`). Ten clicks a second, cut out of a
recorded record's surface, are added to each, each to one channel or to all.
Split: the tune half hears clicks of the first half of the surface, the test half those of the second.
Conditions: a click stands 6 to 24 dB above the sound in the third of an octave where it stands out most: all are audible.
Places, shapes and levels are drawn from the clip's name, the same in every run.
Measures: recall (a click counts as found if a detection overlaps it), precision (a detection counts if it overlaps a click),
SI-SDR before and after, CPU seconds per second of sound; in the clean clip, the findings and what adeclick leaves.
Fairness: both get the clicked clip alone and their own default settings.
"""

import math
import shutil
import subprocess
import tempfile
import time
import zlib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from torch import Tensor

from audioprior.compare import metrics
from audioprior.damage.findings import Finding
from audioprior.restore import declick
from audioprior.tasks import Declick
from bench import cache
from bench.mixtures import CLIPS, NOISES, Split
from bench.results import figure, mean, parsed, parser, show

CLICKS_PER_S = 10.0
EXCESS_DB = (6.0, 24.0)
_PEAK_DB = (-50.0, 0.0)  # a click's, relative to the clip's
_SHAPE_S = (0.0003, 0.0022)  # cut before and after a click's peak
_SEEN = 0.03  # of its peak: where a click begins and ends
_APART_S = 0.005
_MASKING_S = 0.012  # of the sound that a click is compared with
_SPREAD_DB = -30.0  # of all of its power masks any band: ears are not filters with empty bands


@dataclass(frozen=True)
class Clicked:
    """A clean clip and its clicks, (channel, time) each.

    Attributes:
        spots: (channel, time), true where a channel has a click.
        events: of each click in each channel, how far it stands out in dB, the channel, its first sample and its end.
    """

    clip: str
    clean: Tensor
    clicks: Tensor
    spots: Tensor
    events: list[tuple[float, int, int, int]]
    sample_rate: int

    @property
    def damaged(self) -> Tensor:
        return self.clean + self.clicks


def shapes(data: Path, split: Split, rate: int) -> list[Tensor]:
    """Return recorded clicks, (time,) each, with a peak of one, from the half of the surface that belongs to a split."""
    surface, own_rate = soundfile.read(data / str(NOISES["vinyl"]), always_2d=True)
    half = len(surface) // 2
    surface = surface[:half] if split == "tune" else surface[half:]
    before, after = (round(s * own_rate) for s in _SHAPE_S)
    found = []
    for side in surface.T:
        curve = np.abs(np.diff(side, 2, append=[0, 0]))
        least = 25 * np.median(curve)
        while curve.max() > least:
            at = int(curve.argmax())
            curve[max(0, at - 3 * after) : at + 3 * after] = 0
            if not before < at < len(side) - after:
                continue
            cut = side[at - before : at + after]
            fade = np.concatenate([np.ones(2 * before), np.cos(np.linspace(0, np.pi / 2, len(cut) - 2 * before)) ** 2])
            fade[:6] = np.linspace(0, 1, 6)
            cut = (cut - cut[:6].mean()) * fade
            shape = torch.from_numpy(soxr.resample(cut, own_rate, rate, "VHQ"))
            found.append(shape / shape.abs().max())
    return found


def clicked(data: Path, clip: str) -> Clicked:
    """Return a clip with clicks; the same clip always gets the same ones."""
    what = CLIPS[clip]
    samples, rate = soundfile.read(data / what.file, always_2d=True)
    clean = torch.from_numpy(samples.T.copy())
    numbers = np.random.default_rng(zlib.crc32(clip.encode()))
    bank = shapes(data, what.split, rate)
    clicks, spots, length = torch.zeros_like(clean), torch.zeros_like(clean, dtype=torch.bool), clean.shape[1]
    events = []
    for start in np.sort(numbers.integers(0, length, round(CLICKS_PER_S * length / rate))):
        shape = bank[numbers.integers(len(bank))] * numbers.choice([-1, 1])
        channels = [[0], [1], [0, 1]][numbers.integers(3)] if len(clean) == 2 else [0]
        end, apart = start + len(shape), round(_APART_S * rate)
        wanted_db = numbers.uniform(*EXCESS_DB)
        if end > length or spots[:, max(0, start - apart) : end + apart].any():
            continue
        quietest, loudest = (float(clean.abs().max()) * 10 ** (db / 20) for db in _PEAK_DB)
        audible = _audible(clean[channels, :], int(start), shape, rate)
        level = min(max(audible * 10 ** (wanted_db / 20), quietest), loudest)
        seen = (shape.abs() > _SEEN).nonzero()[:, 0]
        for channel in channels:
            clicks[channel, start:end] += level * shape
            first, last = int(start + seen[0]), int(start + seen[-1]) + 1
            spots[channel, first:last] = True
            events.append((20 * math.log10(level / audible), channel, first, last))
    return Clicked(clip, clean, clicks, spots, events, rate)


def _audible(sound: Tensor, start: int, shape: Tensor, rate: int) -> float:
    """Return the factor at which a click has as much energy as the sound around it, in the band where it has most."""
    reach = round(_MASKING_S * rate / 2)
    around = sound[:, max(0, start - reach) : start + len(shape) + reach]
    size = around.shape[1]
    window = torch.hann_window(size, periodic=False, dtype=torch.float64)
    heard = torch.fft.rfft(around * window).abs().square().mean(0)
    click = torch.fft.rfft(shape, size).abs().square()
    frequency = torch.fft.rfftfreq(size, 1 / rate)
    edges = [1000 * 2 ** (i / 3) for i in range(14) if 1000 * 2 ** (i / 3) < 0.4 * rate]  # lower ones are not resolved
    bands = [(frequency >= low) & (frequency < 2 ** (1 / 3) * low) for low in edges]
    least = 10 ** (_SPREAD_DB / 10) * float(heard.sum()) + 1e-20
    ratios = [float(click[band].sum() / heard[band].sum().clamp_min(least)) for band in bands if band.any()]
    return float(max(ratios) ** -0.5)


def adeclick_si_sdr(clean: Tensor, samples: Tensor, rate: int) -> float:
    """Return the SI-SDR in dB of what adeclick leaves, NaN without ffmpeg."""
    return metrics.si_sdr(clean, adeclick(samples, rate)) if shutil.which("ffmpeg") else float("nan")


def adeclick(samples: Tensor, rate: int) -> Tensor:
    """Return what ffmpeg's adeclick makes of (channel, time) with its own settings."""
    with tempfile.TemporaryDirectory() as folder:
        before, after = Path(folder) / "in.wav", Path(folder) / "out.wav"
        soundfile.write(before, samples.T.numpy(), rate, subtype="DOUBLE")
        command = ["ffmpeg", "-v", "error", "-i", before, "-af", "adeclick", "-c:a", "pcm_f64le", after]
        subprocess.run([str(word) for word in command], check=True)
        restored = torch.from_numpy(soundfile.read(after, always_2d=True)[0].T.copy())
    return torch.nn.functional.pad(restored, (0, samples.shape[1] - restored.shape[1]))


@dataclass(frozen=True)
class Outcome:
    """What became of a clip: SI-SDR in dB with clicks, after `declick` and after adeclick; of each click how far it stood
    out and whether it was found; of each finding its confidence and whether it is a click; findings in the clean clip."""

    clip: str
    before: float
    after: float
    peer: float
    clicks: list[tuple[float, bool]]
    findings: list[tuple[float, bool]]
    false: int
    cpu: float
    peer_clean: float


def measure(c: Clicked) -> Outcome:
    """Return what becomes of a clip."""
    started = time.process_time()
    result = declick(c.damaged, sample_rate=c.sample_rate)
    seconds = time.process_time() - started
    channels = len(c.clean)
    hit = torch.zeros_like(c.spots)
    for finding in result.findings:
        hit[_place(finding, channels, c.sample_rate)] = True
    found = [(excess, bool(hit[channel, start:end].any())) for excess, channel, start, end in c.events]
    findings = [(f.confidence, bool(c.spots[_place(f, channels, c.sample_rate)].any())) for f in result.findings]
    return Outcome(
        c.clip,
        metrics.si_sdr(c.clean, c.damaged),
        metrics.si_sdr(c.clean, result.restored.samples),
        adeclick_si_sdr(c.clean, c.damaged, c.sample_rate),
        found,
        findings,
        len(declick(c.clean, sample_rate=c.sample_rate).findings),
        seconds / (c.clean.shape[1] / c.sample_rate),
        adeclick_si_sdr(c.clean, c.clean, c.sample_rate),
    )


def _place(finding: Finding, channels: int, rate: int) -> tuple[slice, slice]:
    channel = slice(None) if finding.channel is None or channels == 1 else slice(finding.channel, finding.channel + 1)
    return channel, slice(round(finding.start_s * rate), round(finding.end_s * rate))


def outcome(c: Clicked) -> Outcome:
    """Return what becomes of a clip, measured now or before."""
    modules, settings = cache.method_code(Declick.preset())
    key = cache.key(
        code=["restore", "compare.metrics", *modules],
        measuring=[measure],
        material=(c.clean, c.clicks),
        settings=[settings, c.sample_rate],
        packages=["ffmpeg"],
    )
    return Outcome(**cache.kept("clicks", c.clip, key, lambda: asdict(measure(c))))


def main() -> None:
    arguments = parser(__doc__)
    arguments.add_argument("--splits", default="tune,test")
    arguments.add_argument("--verbose", action="store_true")
    options = parsed(arguments)
    rows: list[Outcome] = []
    for clip in options.clips:
        if CLIPS[clip].split in options.splits.split(","):
            rows.append(outcome(clicked(options.data, clip)))
            if options.verbose:
                print(rows[-1].clip, f"{rows[-1].after - rows[-1].before:.2f} dB, {rows[-1].false} false", flush=True)
    halves = {split: [r for r in rows if CLIPS[r.clip].split == split] for split in options.splits.split(",")}
    text = "\n".join(line for split, half in halves.items() if half for line in tables(split, half))
    show(options, "clicks", "Clicks of recorded shape, ten a second", text)


def tables(split: str, rows: list[Outcome]) -> Iterable[str]:
    """Yield the lines of the tables of a half: by clip, by how far clicks stand out, and by confidence."""
    yield f"\n**{split}**: recall, precision; SI-SDR in dB before, after, after adeclick; cost; in the clean clip: findings"
    yield "of ours, and the SI-SDR that adeclick leaves (ours is exact where nothing is found)\n"
    yield "| clip | recall | precision | before | declick | adeclick | CPU s/s | clean: findings | clean: adeclick |"
    yield f"|---|{'---|' * 8}"
    for r in rows:
        yield (
            f"| {r.clip} | {_share(r.clicks)} | {_share(r.findings)} | {r.before:.1f} | {r.after:.1f} | {figure(r.peer, 1)} "
            f"| {r.cpu:.2f} | {r.false} | {figure(r.peer_clean, 1)} |"
        )
    clicks = [click for r in rows for click in r.clicks]
    findings = [finding for r in rows for finding in r.findings]
    before, after, peer, cpu, clean = (
        mean(values) for values in zip(*((r.before, r.after, r.peer, r.cpu, r.peer_clean) for r in rows), strict=True)
    )
    yield (
        f"| all | {_share(clicks)} | {_share(findings)} | {before:.1f} | {after:.1f} | {figure(peer, 1)} | {cpu:.2f} "
        f"| {sum(r.false for r in rows)} | {figure(clean, 1)} |"
    )
    yield "\n| click above the sound | under 6 dB | 6 to 12 dB | 12 to 18 dB | over 18 dB |\n|---|---|---|---|---|"
    yield f"| recall | {' | '.join(_share(_between(clicks, *edges)) for edges in ((-99, 6), (6, 12), (12, 18), (18, 99)))} |"
    yield "\n| confidence | 0.5 to 0.7 | 0.7 to 0.9 | 0.9 to 1 |\n|---|---|---|---|"
    sureness = ((0.5, 0.7), (0.7, 0.9), (0.9, 1.1))
    yield f"| precision | {' | '.join(_share(_between(findings, *edges)) for edges in sureness)} |"


def _between(values: list[tuple[float, bool]], low: float, high: float) -> list[tuple[float, bool]]:
    return [(value, good) for value, good in values if low <= value < high]


def _share(values: list[tuple[float, bool]]) -> str:
    return f"{sum(good for _, good in values) / len(values):.3f} ({len(values)})" if values else "–"


if __name__ == "__main__":
    main()
