"""Hashes of what every task and preset makes of short sounds: the same before and after a change that is to change no sound.

    python -m bench.same > before.json        # on the old tree
    python -m bench.same > after.json         # on the new one
    python -m bench.same before.json after.json

Material: two seconds of the sample at 8 kHz, mono and stereo, damaged here.
Split: none; nothing is scored.
Conditions: every task and preset, the slow ones for a few steps; each case goes through the library, or through the command
from file to file; blocks and no blocks.
Measures: a hash of all that comes out.
Fairness: bytes belong to a machine and to the versions on it: compare what one machine made.
"""

import contextlib
import hashlib
import io
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch

import audioprior as ap
from audioprior.cli import main
from audioprior.settings import presets

RATE = 8000
SAMPLE = Path(__file__).parent.parent / "samples" / "guitar_vinyl.flac"
STEPS = {"dcgan": 4, "seed-dcgan": 4, "skip": 4, "harmonic": 4, "dilated": 2, "recurrent": 2, "best": 12}  # slow ones


def sound(channels: int, seconds: float = 2.0) -> np.ndarray:
    """The sample's second second and what follows at 8 kHz, (time, channel), as 16-bit files hold it."""
    samples, old = soundfile.read(SAMPLE, always_2d=True)
    samples, length = samples[old : old + round(seconds * old)].mean(1), round(seconds * RATE)
    low = np.fft.irfft(np.fft.rfft(samples)[: length // 2 + 1], length) * (length / len(samples))
    numbers = np.random.default_rng(0)
    rows = [low * (1 - 0.3 * c) + 0.01 * numbers.standard_normal(length) for c in range(channels)]
    whole: np.ndarray = np.round(np.stack(rows, 1) * 32768).clip(-32768, 32767) / 32768
    return whole


def damaged(channels: int) -> dict[str, np.ndarray]:
    """The sound, and what each task is to mend in it."""
    clean = sound(channels)
    gaps, clicks = clean.copy(), clean.copy()
    gaps[5000:5160] = 0
    gaps[9000:9040] = 0
    for place in range(700, len(clicks), 1900):
        clicks[place : place + 3] += np.array([0.5, -0.4, 0.2])[:, None]
    top = 0.3 * np.abs(clean).max()
    band = np.fft.irfft(np.fft.rfft(clean, axis=0) * (np.arange(len(clean) // 2 + 1) < 5000)[:, None], len(clean), axis=0)
    return {
        "denoise": clean,
        "gaps": gaps,
        "declick": clicks.clip(-1, 1),
        "declip": clean.clip(-top, top),
        "dequantise": np.round(clean * 64) / 64,
        "extend": band,
    }


def digest(samples: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(samples, dtype=np.float64).tobytes()).hexdigest()[:16]


@dataclass
class Call:
    """A case through the library."""

    channels: int
    verb: str
    of: str
    method: str = "default"
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        told = "".join(f" {name}={value}" for name, value in self.options.items())
        return f"memory {self.channels} {self.verb} {self.of} {'' if self.method == 'default' else self.method}{told}"

    def run(self) -> str:
        samples = torch.from_numpy(damaged(self.channels)[self.of].T.copy())
        task = getattr(ap, self.verb.capitalize())(**self.options)
        method = task.preset(self.method, steps=STEPS.get(self.method))
        chosen = {} if self.verb == "extend" else {"method": method}
        result = getattr(ap, self.verb)(samples, sample_rate=RATE, settings=task, **chosen)
        parts = [result.restored, result.removed, *result.others]
        return digest(np.concatenate([part.samples.numpy() for part in parts]))


@dataclass
class Command:
    """A case from file to file."""

    channels: int
    words: str
    of: str

    @property
    def name(self) -> str:
        return f"file {self.channels} {self.words} ({self.of})"

    def run(self) -> str:
        sounds = damaged(self.channels)
        with tempfile.TemporaryDirectory() as folder:
            path, like, out, removed = (Path(folder) / f"{name}.wav" for name in ("in", "like", "out", "removed"))
            soundfile.write(path, sounds[self.of], RATE, "PCM_16")
            soundfile.write(like, sounds["denoise"], RATE, "PCM_16")
            words = self.words.replace("LIKE", str(like)).split()
            code: object = 0
            with contextlib.redirect_stderr(io.StringIO()):
                try:
                    main([*words, str(path), "-o", str(out), "--removed", str(removed), "--quiet"])
                except SystemExit as done:
                    code = done.code
            if code:
                raise SystemExit(f"{self.name}: exit code {code}")
            return digest(np.concatenate([soundfile.read(file, always_2d=True)[0] for file in (out, removed)]))


def cases() -> Iterator[Call | Command]:
    blocks = {"block_s": 1.0, "overlap_s": 0.25}
    two_gaps = ((0.2, 0.23), (1.0, 1.05))
    one_region, two_regions = ((0.5, 0.8, 500.0, 900.0),), ((0.5, 0.8, 500.0, 900.0), (0.7, 1.1, 800.0, 1200.0))
    for n in (1, 2):
        for method in presets.METHODS:
            yield Call(n, "denoise", "denoise", method)
        yield Call(n, "denoise", "denoise", options=blocks)
        yield Call(n, "denoise", "denoise", "fast", {**blocks, "strength": 0.7, "max_reduction_db": 12.0})
        yield Call(n, "denoise", "denoise", "fast", {"noise": (0.5, 0.9)})
        yield Call(n, "denoise", "denoise", "fast", {"protect": ((0.5, 0.9, 500.0, 900.0),)})
        yield Call(n, "denoise", "denoise", options={"stop_at": 0.5})
        yield Call(n, "denoise", "denoise", "fast", {"seed": 3})
        yield Call(n, "inpaint", "gaps")
        yield Call(n, "inpaint", "gaps", options={"gaps": two_gaps})
        yield Call(n, "inpaint", "gaps", "temporal", {"gaps": two_gaps[:1]})
        yield Call(n, "inpaint", "gaps", "consensus", {"gaps": two_gaps[:1]})
        yield Call(n, "inpaint", "gaps", options={"gaps": two_gaps, "fill": "sample", "samples": 2})
        yield Call(n, "inpaint", "denoise", options={"regions": two_regions})
        yield Call(n, "inpaint", "denoise", options={"regions": one_region, "fill": "sample"})
        yield Call(n, "declip", "declip")
        yield Call(n, "declick", "declick")
        yield Call(n, "declick", "declick", options={"keep": (2,)})
        yield Call(n, "dequantise", "dequantise")
        yield Call(n, "dequantise", "denoise", options={"bits": 6})
        yield Call(n, "extend", "extend")
        yield Call(n, "extend", "extend", options={"rate_hz": 16000})
        for verb in ("inpaint", "declip", "declick", "extend", "dequantise"):
            yield Call(n, verb, "denoise")  # nothing to find
        yield Command(n, "denoise -m fast", "denoise")
        yield Command(n, "denoise --steps 20", "denoise")
        yield Command(n, "denoise -m fast --block-s 1 --overlap-s 0.25 --strength 0.8", "denoise")
        yield Command(n, "denoise --steps 20 --block-s 1 --overlap-s 0.25", "denoise")
        yield Command(n, "denoise -m fast --block-s 1 --overlap-s 0.25 --clip-mode float", "denoise")
        yield Command(n, "inpaint", "gaps")
        yield Command(n, "inpaint --gap 0.2-0.23 --fill sample --samples 2", "gaps")
        yield Command(n, "inpaint --region 0.5-0.8:500-900 --region 0.7-1.1:800-1200", "denoise")
        yield Command(n, "declip", "declip")
        yield Command(n, "declip --clip-mode rescale", "declip")
        yield Command(n, "declick", "declick")
        yield Command(n, "dequantise --steps 20", "dequantise")
        yield Command(n, "extend", "extend")
        yield Command(n, "extend --rate 16000 --like LIKE", "extend")


def compare(before: Path, after: Path) -> int:
    """Say which hashes differ."""
    old, new = (json.loads(path.read_text()) for path in (before, after))
    names = sorted(old.keys() | new.keys())
    different = [name for name in names if old.get(name) != new.get(name)]
    for name in different:
        print(f"{name}: {old.get(name)} → {new.get(name)}")
    print(f"{len(names) - len(different)} the same, {len(different)} not")
    return int(bool(different))


if __name__ == "__main__":
    if len(sys.argv) == 3:
        sys.exit(compare(Path(sys.argv[1]), Path(sys.argv[2])))
    torch.set_num_threads(1)
    hashes = {}
    for case in cases():
        hashes[case.name] = case.run()
        print(case.name, hashes[case.name], file=sys.stderr, flush=True)
    print(json.dumps(hashes, indent=1))
