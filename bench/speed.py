"""Measures what the command costs: time and memory, each against something else within one run.

    python -m bench.speed --data FOLDER [--sections machine,presets,published,long,batch,gpu] [--minutes 60]

Material: the voices of `bench.mixtures` one after the other, again and again, with recorded rain at 5 dB.
Split: none; nothing is tuned on these.
Conditions: every figure of a section is taken in one run of it, on an otherwise idle machine; the section "machine" says
what its core can do. Nothing is kept from one run to the next.
Measures: whole processes, start and import included: wall and CPU seconds per second of sound, peak memory, and the SI-SDR
gain, so that what is quick is not quick for doing less.
Fairness: published priors run with their published settings, some steps timed and scaled to all; batches and single commands
take turns, the fastest round counts.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch

from audioprior.compare.metrics import si_sdr
from audioprior.settings.presets import METHODS
from bench.mixtures import CLIPS, NOISES
from bench.published import DIP_STEPS, WAVE_STEPS, deep_image_prior, wave_u_net_prior
from bench.results import parsed, parser, show, table

COMMAND = [sys.executable, "-m", "audioprior"]
SPEECH_S, LONG_METHOD = 60.0, "fast"
PRESETS = ("fast", "consensus", "best")
PUBLISHED_S, PUBLISHED_STEPS = 2.0, {"deep image prior": (DIP_STEPS, 3), "wave-u-net": (WAVE_STEPS, 20)}
BATCH_FILES, BATCH_S, BATCH_ROUNDS = 8, 40.0, 3


def speech(data: Path, seconds: float, rate: int, channels: int = 1, snr_db: float = 5.0) -> tuple[np.ndarray, np.ndarray]:
    """Return (time, channel) of all voices one after the other, again and again, with rain and without."""
    voices = []
    for clip in CLIPS.values():
        if clip.kind == "speech":
            samples, own = soundfile.read(data / clip.file, always_2d=True)
            voice = soxr.resample(samples[:, 0], own, rate)
            voices.append(voice / voice.std())
    rain, own = soundfile.read(data / str(NOISES["rain"]), always_2d=True)
    rain = soxr.resample(rain[:, 0], own, rate)
    length = round(seconds * rate)
    clean = np.resize(np.concatenate(voices), length)
    # Each channel hears another moment of the rain.
    added = np.stack([np.resize(np.roll(rain, 7919 * channel), length) for channel in range(channels)], 1)
    clean = np.repeat(clean[:, None], channels, 1)
    added *= clean.std() / added.std() * 10 ** (-snr_db / 20)
    level = 0.5 / np.abs(clean + added).max()
    return clean * level, (clean + added) * level


def timed(*arguments: str | Path, environment: dict[str, str] | None = None) -> tuple[float, float, float]:
    """Run the command; return its wall seconds, its CPU seconds and its peak memory in MB."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    process = subprocess.Popen([*COMMAND, *map(str, arguments)], env=os.environ | (environment or {}))
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.monotonic() - started
    if status:
        raise SystemExit(f"{' '.join(map(str, arguments))} failed")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, usage.ru_maxrss / 1024


def best_of(run: Callable[[], object], times: int = 20) -> float:
    """Return the least seconds that something took."""
    least = float("inf")
    for _ in range(times):
        started = time.perf_counter()
        run()
        least = min(least, time.perf_counter() - started)
    return least


def machine(data: Path, folder: Path) -> str:  # noqa: ARG001 (as all sections)
    """What one core can do."""
    torch.set_num_threads(1)
    a, b, product = (torch.rand(1024, 1024) for _ in range(3))
    flops = 2 * 1024**3 / best_of(lambda: torch.mm(a, b, out=product))
    rows = [["matrix product, 1024 × 1024 float32", f"{flops / 1e9:.0f} Gflop/s"]]
    for name, count in (("in the last cache (4 MB)", 1 << 20), ("in memory (64 MB)", 1 << 24)):
        x, y, z = (torch.rand(count) for _ in range(3))
        rows.append([f"x + y → z, {name}", f"{12 * count / best_of(lambda: torch.add(x, y, out=z)) / 1e9:.0f} GB/s"])  # noqa: B023
    return "**One core**\n\n" + table(["what", "rate"], rows)


def presets(data: Path, folder: Path) -> str:
    """What a minute of noisy speech costs with each preset."""
    rows = []
    for rate in (16000, 44100):
        clean, noisy = speech(data, SPEECH_S, rate)
        soundfile.write(folder / "x.wav", noisy, rate, subtype="FLOAT")
        reference, costs = torch.from_numpy(clean.T.copy()), {}
        for name in PRESETS:
            out = folder / f"{name}.wav"
            costs[name] = timed("denoise", folder / "x.wav", "-m", name, "-o", out, "--force", "-q", "--device", "cpu")
            restored = torch.from_numpy(soundfile.read(out, always_2d=True)[0].T.copy())
            gain = float(si_sdr(restored, reference)) - float(si_sdr(torch.from_numpy(noisy.T.copy()), reference))
            wall, cpu, peak = costs[name]
            ratio = f"{wall / costs['consensus'][0]:.2f}" if "consensus" in costs else "–"
            rows.append(
                [f"{rate}", name, f"{wall / SPEECH_S:.2f}", f"{cpu / SPEECH_S:.2f}", ratio, f"{gain:.2f}", f"{peak:.0f}"]
            )
    headings = ["Hz", "preset", "wall s/s", "CPU s/s", "× default", "SI-SDR gain", "peak MB"]
    return f"**{SPEECH_S:g} s of speech with rain at 5 dB, mono**\n\n" + table(headings, rows)


def published(data: Path, folder: Path) -> str:
    """What two published priors cost on the same sound, some steps timed and scaled to all."""
    torch.set_num_threads(1)
    rate = 16000
    _, noisy = speech(data, PUBLISHED_S, rate)
    soundfile.write(folder / "x.wav", noisy, rate, subtype="FLOAT")
    ours, _, _ = timed("denoise", folder / "x.wav", "-o", folder / "y.wav", "--force", "-q", "--device", "cpu")
    sound = torch.from_numpy(noisy[:, 0].copy())
    rows = [["consensus, the whole command", f"{METHODS['consensus'].stopping.max_steps}", f"{ours / PUBLISHED_S:.2f}", "1"]]
    for name, fit in (("deep image prior", deep_image_prior(sound, rate)), ("wave-u-net", wave_u_net_prior(sound))):
        steps, some = PUBLISHED_STEPS[name]
        next(fit)  # the first step allocates
        started = time.monotonic()
        list(islice(fit, some))
        total = (time.monotonic() - started) / some * steps
        rows.append([f"{name}, {some} steps scaled", str(steps), f"{total / PUBLISHED_S:.0f}", f"{total / ours:.0f}"])
    headings = ["prior", "steps", "wall s/s", "× ours"]
    return f"**{PUBLISHED_S:g} s at 16 kHz, one core**\n\n" + table(headings, rows)


def long(data: Path, folder: Path, minutes: float) -> str:
    """What a long stereo recording costs, against a minute of it."""
    rows, rate = [], 44100
    _, noisy = speech(data, 60.0, rate, channels=2)
    first: tuple[float, float] | None = None
    for length in (1.0, minutes):
        with soundfile.SoundFile(folder / "x.wav", "w", rate, 2, "PCM_16") as file:
            for _ in range(round(length)):
                file.write(noisy)
        files = (folder / "x.wav", "-o", folder / "y.wav", "--force")
        wall, cpu, peak = timed("denoise", *files, "-m", LONG_METHOD, "-q", "--device", "cpu")
        each = cpu / length / 60
        first = first or (each, peak)
        times, more = each / first[0], peak - first[1]
        rows.append([f"{length:g}", f"{wall / 60:.1f}", f"{each:.3f}", f"{times:.2f}", f"{peak:.0f}", f"{more:.0f}"])
    headings = ["minutes", "wall min", "CPU s/s", "× one minute", "peak MB", "MB more"]
    return f"**44.1 kHz stereo, `{LONG_METHOD}`**\n\n" + table(headings, rows)


def batch(data: Path, folder: Path) -> str:
    """What two workers do in the time of one: the fastest of some rounds, taken by turns."""
    inputs = folder / "in"
    inputs.mkdir()
    _, noisy = speech(data, BATCH_FILES * BATCH_S, 16000)
    for number, part in enumerate(np.split(noisy, BATCH_FILES)):
        soundfile.write(inputs / f"{number}.wav", part, 16000, subtype="PCM_16")
    single = {"OMP_NUM_THREADS": "1"}
    ways = {
        "batch, 1 job": ["--jobs", "1"],
        "batch, 2 jobs": ["--jobs", "2"],
        "batch, 2 jobs of Ray": ["--jobs", "2", "--engine", "ray"],
    }
    walls: dict[str, list[float]] = {name: [] for name in ("a command for each file", *ways)}
    for turn in range(BATCH_ROUNDS):
        out = folder / str(turn)
        out.mkdir()
        apart = (
            timed("denoise", path, "-o", out / path.name, "-q", "--device", "cpu", environment=single)[0]
            for path in sorted(inputs.iterdir())
        )
        walls["a command for each file"].append(sum(apart))
        for number, (name, options) in enumerate(ways.items()):
            target = out / str(number)
            wall = timed("batch", inputs, "-o", target, "-q", "--set", "device=cpu", *options, environment=single)[0]
            walls[name].append(wall)
    apart_s, alone_s = (min(walls[name]) for name in ("a command for each file", "batch, 1 job"))
    rows = [
        [name, " ".join(f"{wall:.1f}" for wall in times), f"{alone_s / min(times):.2f}", f"{apart_s / min(times):.2f}"]
        for name, times in walls.items()
    ]
    what = f"**{BATCH_FILES} files of {BATCH_S:g} s at 16 kHz, the default, a thread each, with the start of processes**"
    return f"{what}\n\n" + table(["how", "wall s", "× batch, 1 job", "× a command for each"], rows)


def gpu(data: Path, folder: Path) -> str:
    """How many seconds of sound a GPU restores in one, blocks batched."""
    if not torch.cuda.is_available():
        raise SystemExit("there is no CUDA device here; leave out the section gpu.")
    rows, seconds = [], 1200.0
    clean, noisy = speech(data, seconds, 16000)
    soundfile.write(folder / "x.wav", noisy, 16000, subtype="FLOAT")
    for device in ("cuda", "cpu"):
        wall, _, _ = timed("denoise", folder / "x.wav", "-o", folder / "y.wav", "--force", "-q", "--device", device)
        restored = torch.from_numpy(soundfile.read(folder / "y.wav", always_2d=True)[0].T.copy())
        score = float(si_sdr(restored, torch.from_numpy(clean.T.copy())))
        rows.append([device, f"{seconds / wall:.0f}", f"{score:.2f}"])
    card = torch.cuda.get_device_name()
    return f"**{seconds:g} s at 16 kHz, {card}**\n\n" + table(["device", "seconds of sound a second", "SI-SDR"], rows)


SECTIONS: dict[str, Callable[..., str]] = {
    section.__name__: section for section in (machine, presets, published, long, batch, gpu)
}


def main() -> None:
    arguments = parser(__doc__, clips=False)
    arguments.add_argument("--sections", default="machine,presets,published,long,batch")
    arguments.add_argument("--minutes", type=float, default=60.0, help="of the long recording")
    options = parsed(arguments)
    for name in options.sections.split(","):
        with tempfile.TemporaryDirectory() as folder:
            extra = (options.minutes,) if name == "long" else ()
            text = SECTIONS[name](options.data, Path(folder), *extra)
        show(options, f"speed {name}", f"Speed: {name}", text)


if __name__ == "__main__":
    main()
