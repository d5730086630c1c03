"""Measures the invention of a high band, and writes the table.

    python -m bench.extend --data FOLDER

Material: the twelve clean clips at full length (`bench.mixtures`), at 16 kHz.
Split: each row says its half; nothing was tuned on either.
Conditions: all above 4 kHz is cut away, of the whole clip or of its second half only; the first half is then in the
recording, or is given as an excerpt of something alike.
Measures: the log-spectral distance above the cutoff in dB, where anything 80 dB below the clip's loudest bin counts as that
far below; lower is nearer. It knows nothing of phase, and little of how it sounds.
Fairness: the cutoff is told, the same to all; beside each stands what leaving the band empty comes to.
"""

import tempfile
from functools import partial
from pathlib import Path

import soundfile
import torch
from torch import Tensor
from torch.nn import functional

from audioprior.restore import extend
from audioprior.sound.resampling import resampled
from audioprior.sound.spectrum import Transform
from audioprior.tasks import Extend
from bench import cache
from bench.mixtures import CLIPS
from bench.results import mean, parsed, parser, show, table

RATE, CUTOFF_HZ = 16000, 4000.0
_FLOOR_DB = 80.0


def cut(samples: Tensor) -> Tensor:
    """Return (channel, time) with nothing above the cutoff: a wall, which no resampling filter is."""
    padded = functional.pad(samples, (0, RATE))  # so that its end does not ring into its beginning
    spectrum = torch.fft.rfft(padded)
    spectrum[:, torch.fft.rfftfreq(padded.shape[1], 1 / RATE) > CUTOFF_HZ] = 0
    low: Tensor = torch.fft.irfft(spectrum, padded.shape[1])
    return low[:, : samples.shape[1]]


def distance(clean: Tensor, restored: Tensor) -> float:
    """Return the log-spectral distance above the cutoff: root mean square over frequencies, mean over frames."""
    transform = Transform.of(RATE, 32.0)
    powers = [transform.analyse(x).abs().square() for x in (clean, restored)]
    floor = powers[0].max() * 10 ** (-_FLOOR_DB / 10)
    levels = [10 * p.clamp_min(floor).log10()[:, transform.frequencies_hz() > CUTOFF_HZ + 100] for p in powers]
    return float((levels[0] - levels[1]).square().mean(1).sqrt().mean())


def measure(clean: Tensor) -> list[float]:
    """Return a clip's distances: cut and copied up; its second half cut, copied up, first half known, and as an excerpt."""
    half = clean.shape[1] // 2
    first, second = clean[:, :half], clean[:, half:]
    lacking = cut(clean)
    partly = torch.cat([first, cut(second)], 1)
    with tempfile.TemporaryDirectory() as folder:
        soundfile.write(Path(folder) / "like.wav", first.T.numpy(), RATE, subtype="DOUBLE")
        plain = _extended(lacking, Extend(cutoff_hz=CUTOFF_HZ))
        own = _extended(partly, Extend(cutoff_hz=CUTOFF_HZ))
        taught = _extended(cut(second), Extend(cutoff_hz=CUTOFF_HZ, like=str(Path(folder) / "like.wav")))
    return [
        distance(clean, lacking),
        distance(clean, plain),
        distance(second, cut(second)),
        distance(second, plain[:, half:]),
        distance(second, own[:, half:]),
        distance(second, taught),
    ]


def _extended(samples: Tensor, settings: Extend) -> Tensor:
    return extend(samples, sample_rate=RATE, settings=settings).restored.samples


def main() -> None:
    options = parsed(parser(__doc__))
    rows: dict[str, list[float]] = {}
    for clip in options.clips:
        samples, rate = soundfile.read(options.data / CLIPS[clip].file, always_2d=True)
        clean = resampled(torch.from_numpy(samples.T.copy()), rate, RATE)
        key = cache.key(code=["restore"], measuring=[measure], material=[clean])
        rows[f"{clip} ({CLIPS[clip].split})"] = cache.kept("extend", clip, key, partial(measure, clean))
        print(clip, *(f"{value:.2f}" for value in list(rows.values())[-1]), flush=True)
    rows["all"] = [mean(column) for column in zip(*rows.values(), strict=True)]
    headings = ["clip", "all cut: zeros", "copied up", "second half: zeros", "copied up", "first half known", "as excerpt"]
    text = table(headings, [[name, *(f"{value:.2f}" for value in values)] for name, values in rows.items()])
    show(options, "extend", "A missing band, 4 to 8 kHz", f"Log-spectral distance above the cutoff, dB\n\n{text}")


if __name__ == "__main__":
    main()
