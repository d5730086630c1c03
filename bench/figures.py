"""Draws the README's pictures: `make figures`.

- before_after.png: the demo's recording before and after, and what was removed
- seed_filmstrip.png: the seed reproduced; what its network draws at steps 0, 150, 300 and 2000
- seed_curve.png: SI-SDR against step for the seed and for the default

Material: the two sample sounds, which are part of the project; for the curve, 3 s of the clean one with white noise.
Split: none; nothing is tuned on these.
Conditions: mono at 16 kHz, 5 dB, seed 0, both methods as they are shipped.
Measures: SI-SDR of what each step would give.
Fairness: the reference is used for drawing only; each point of the curve is what an oracle would get by stopping there.
"""

import argparse
from pathlib import Path

import soundfile
import soxr
import torch

from audioprior.compare.metrics import si_sdr
from audioprior.files.snapshots import Snapshots
from audioprior.report import pictures
from audioprior.restore import denoise
from audioprior.restoring.job import start
from audioprior.settings.presets import DEFAULT
from audioprior.sound.recording import Recording
from audioprior.sound.source import as_recording, read
from audioprior.tasks import Denoise, Run

ROOT = Path(__file__).parent.parent
OUT = ROOT / "docs" / "figures"
CURVE_S = 3.0
CURVE_RATE_HZ = 16000  # two thousand steps of the seed take minutes as it is
CURVE_SNR_DB = 5.0


def noisy_guitar() -> tuple[torch.Tensor, Recording]:
    """Return three seconds of the clean guitar, mono at 16 kHz, and the same with white noise at 5 dB."""
    samples, rate = soundfile.read(ROOT / "samples" / "guitar.flac", always_2d=True)
    clean = torch.from_numpy(soxr.resample(samples[: round(CURVE_S * rate)].mean(1), rate, CURVE_RATE_HZ, "VHQ"))
    clean = clean.float().double()[None]
    noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    noise *= (clean.square().sum() / noise.square().sum()).sqrt() * 10 ** (-CURVE_SNR_DB / 20)
    return clean, as_recording((clean + noise).float(), CURVE_RATE_HZ)


def before_after() -> None:
    result = denoise(read(ROOT / "samples" / "guitar_vinyl.flac"))
    panels = [("before", result.original), ("after", result.restored), ("removed", result.removed)]
    png = pictures.spectrograms([(name, r.samples) for name, r in panels], result.original.sample_rate)
    pictures.write_png(png, OUT / "before_after.png")


def seed() -> None:
    clean, recording = noisy_guitar()
    lines = []
    for name in ("seed-dcgan", DEFAULT):
        job = start(recording, Run.of(Denoise(), name))
        snapshots = Snapshots(OUT / "unused", 50, job)
        values, steps = [], []
        for progress in job:
            snapshots.take(progress)
            if progress.step == 1 or progress.step % 10 == 0:
                steps.append(progress.step)
                values.append(si_sdr(clean, progress.estimate()))
        best = max(range(len(values)), key=values.__getitem__)
        oracle = f"oracle best {values[best]:.2f} dB at step {steps[best]}"
        print(f"{name}: in {CURVE_SNR_DB} dB, {oracle}, last {values[-1]:.2f} dB")
        lines.append((name, steps, values))
        if name == "seed-dcgan":
            frames = [("degraded", recording.samples), *snapshots.frames()]
            pictures.write_png(pictures.filmstrip(frames, recording.sample_rate), OUT / "seed_filmstrip.png")
    before = si_sdr(clean, recording.samples)
    png = pictures.courses(lines, before, ylabel="SI-SDR in dB (oracle)")
    pictures.write_png(png, OUT / "seed_curve.png")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", choices=["before_after", "seed"], default=None)
    only = parser.parse_args().only
    OUT.mkdir(parents=True, exist_ok=True)
    if only != "seed":
        before_after()
    if only != "before_after":
        seed()


if __name__ == "__main__":
    main()
