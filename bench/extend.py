"""Measures the invention of a high band, and writes the table.

    python -m bench.extend --data FOLDER

Clean clips at 16 kHz are cut at 4 kHz, all of them or their second half only. The score is the log-spectral distance above
the cutoff in dB, where anything 80 dB below the clip's loudest bin counts as that far below.
"""

import argparse
import tempfile
from pathlib import Path

import soundfile
import soxr
import torch
from torch import Tensor

from audioprior.restore import extend
from audioprior.restoring.extend import resampled
from audioprior.sound.spectrum import Transform
from audioprior.tasks import Extend
from bench.denoise import HERE, replace_section
from bench.mixtures import CLIPS

RATE, CUTOFF_HZ = 16000, 4000.0
_FLOOR_DB = 80.0


def cut(samples: Tensor) -> Tensor:
    """Return (channel, time) with nothing above the cutoff."""
    return resampled(resampled(samples, RATE, RATE // 2), RATE // 2, RATE)[:, : samples.shape[1]]


def distance(clean: Tensor, restored: Tensor) -> float:
    """Return the log-spectral distance above the cutoff: root mean square over frequencies, mean over frames."""
    transform = Transform.of(RATE, 32.0)
    powers = [transform.analyse(x).abs().square() for x in (clean, restored)]
    floor = powers[0].max() * 10 ** (-_FLOOR_DB / 10)
    levels = [10 * p.clamp_min(floor).log10()[:, transform.frequencies_hz() > CUTOFF_HZ + 100] for p in powers]
    return float((levels[0] - levels[1]).square().mean(1).sqrt().mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    options = parser.parse_args()
    if not options.data.is_dir():
        raise SystemExit(f"{options.data} is not here; give the folder of recordings with --data.")
    torch.set_num_threads(1)
    rows: list[list[float]] = []
    lines = []
    for clip, what in CLIPS.items():
        samples, rate = soundfile.read(options.data / what.file, always_2d=True)
        clean = torch.from_numpy(soxr.resample(samples, rate, RATE, "VHQ").T.copy())
        half = clean.shape[1] // 2
        first, second = clean[:, :half], clean[:, half:]
        lacking = cut(clean)
        partly = torch.cat([first, cut(second)], 1)
        with tempfile.TemporaryDirectory() as folder:
            soundfile.write(Path(folder) / "like.wav", first.T.numpy(), RATE, subtype="DOUBLE")
            plain = _extended(lacking, Extend(cutoff_hz=CUTOFF_HZ))
            own = _extended(partly, Extend(cutoff_hz=CUTOFF_HZ))
            taught = _extended(cut(second), Extend(cutoff_hz=CUTOFF_HZ, like=str(Path(folder) / "like.wav")))
        rows.append(
            [
                distance(clean, lacking),
                distance(clean, plain),
                distance(second, cut(second)),
                distance(second, plain[:, half:]),
                distance(second, own[:, half:]),
                distance(second, taught),
            ]
        )
        lines.append(f"| {clip} ({what.split}) | {' | '.join(f'{value:.2f}' for value in rows[-1])} |")
        print(lines[-1], flush=True)
    mean = [sum(column) / len(rows) for column in zip(*rows, strict=True)]
    text = "\n".join(
        [
            "Log-spectral distance above the cutoff, dB\n",
            "| clip | all cut: zeros | copied up | second half: zeros | copied up | first half known | as excerpt |",
            "|---|---|---|---|---|---|---|",
            *lines,
            f"| all | {' | '.join(f'{value:.2f}' for value in mean)} |",
        ]
    )
    print(text)
    replace_section(HERE / "RESULTS.md", "extend", f"## A missing band, 4 to 8 kHz\n\n{text}")


def _extended(samples: Tensor, settings: Extend) -> Tensor:
    return extend(samples, sample_rate=RATE, settings=settings).restored.samples


if __name__ == "__main__":
    main()
