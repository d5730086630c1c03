"""One and the same seat for every prior: what differs between two of them is λ only.

A mixture's first channel at 16 kHz, two seconds of it; a window of 64 ms; the noise power that the tool finds blind, not
renewed, so that it is the same for every prior; the gain rule "balanced" above a floor of −26 dB. Each fit starts as
`Denoising` would start it for its first block. Every λ is kept in build/bench with its cost.
"""

import time
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from runpy import run_path

import torch
from torch import Tensor

from audioprior.model.fit import Fit, fit, generator
from audioprior.noise.floor import long_transform, noise_power, to_shorter
from audioprior.observations.noise import NoiseObservation
from audioprior.settings.methods import Method
from audioprior.settings.presets import DEFAULT, METHODS
from audioprior.settings.priors import Nmf
from audioprior.settings.rules import FixedSteps, StoppingSettings
from audioprior.sound.resampling import resampled
from audioprior.sound.spectrum import Transform
from bench import cache
from bench.mixtures import mixture

RATE_HZ = 16000
WINDOW_MS = 64.0
EXCERPT_S = 2.0  # from the second second on: the slow networks take a hundred times as long
SKIPPED_S = 1.0
MIXTURES = (
    ("lj", "white", 5),
    ("female", "pink", 5),
    ("piano", "vinyl", 5),
    ("guitar", "pink", 5),
    ("robin", "ocean", 5),
    ("spinetail", "rumble", 5),
)


@dataclass(frozen=True)
class Seat:
    """A mixture, (channel, time) each with one channel, and the observation of it that every prior gets."""

    name: str
    kind: str
    clean: Tensor
    noisy: Tensor
    observation: NoiseObservation

    def restored(self, prior_power: Tensor) -> Tensor:
        return self.observation.estimate(prior_power).sound.double()


@dataclass(frozen=True)
class Drawn:
    """λ, (1, 1, frequency, frame), the steps it took and its CPU seconds per second of sound."""

    power: Tensor
    steps: int
    cpu: float


def seat(data: Path, clip: str, noise: str, snr_db: float) -> Seat:
    """Return a mixture's seat; the level is 1, as in `Denoising`."""
    m = mixture(data, clip, noise, snr_db)
    start, end = round(SKIPPED_S * RATE_HZ), round((SKIPPED_S + EXCERPT_S) * RATE_HZ)
    clean, noisy = (resampled(x[:1], m.sample_rate, RATE_HZ)[:, start:end] for x in (m.clean, m.noisy))
    level = noisy.square().mean().sqrt()
    samples = (noisy / level).float()
    transform = Transform.of(RATE_HZ, WINDOW_MS)
    longer = long_transform(transform)
    ratio, frames = longer.window // transform.window, transform.frames(samples.shape[1])
    added = to_shorter(noise_power(longer.analyse(samples).abs().square(), longer), ratio, frames)
    observation = NoiseObservation(samples, transform, added, rule="balanced", max_reduction_db=26.0)
    return Seat(m.name, m.kind, clean / level, noisy / level, observation)


def method(name: str) -> Method:
    """Return a method by its name.

    `nmf-8` is `nmf` at that rank, `dcgan-40` is `dcgan` after that many steps, and `own.py:Settings` or
    `package.module:Settings` is a prior of anybody's by the class of its settings, for as many steps as the default.
    """
    base, _, number = name.partition("-")
    if ":" in name:
        home, _, settings = name.rpartition(":")
        found = run_path(home) if home.endswith(".py") else vars(import_module(home))
        return replace(METHODS[DEFAULT], prior=found[settings]())
    if base == "nmf" and number.isdecimal():
        return replace(METHODS["nmf"], prior=Nmf(rank=int(number)))
    if base == "dcgan" and number.isdecimal():
        return replace(METHODS["dcgan"], stopping=FixedSteps(max_steps=int(number)))
    if name not in METHODS:
        raise SystemExit(f"there is no method {name!r}; choose from {', '.join(METHODS)}, or give own.py:Settings.")
    return METHODS[name]


def started(chosen: Method, place: Seat, seed: int) -> Fit:
    """Return the fit of a method in the seat, as `Denoising` would begin it for its first block."""
    randomness = generator(seed, 1, round(WINDOW_MS * RATE_HZ / 1000))
    prior = chosen.prior.build(planned_steps=chosen.stopping.max_steps, generators=[randomness])
    return fit(place.observation, prior, chosen.stopping.build(randomness))


def key(chosen: Method, place: Seat, seed: int) -> str:
    """Return a hash of all that decides λ in a seat."""
    modules, settings = cache.method_code(chosen)
    return cache.key(
        code=["model.fit", "model.stopping", "noise.floor", "observations.noise", *modules],
        measuring=(started, seat),
        material=(place.clean, place.noisy),
        settings=[settings, seed],
    )


def drawn(name: str, place: Seat, seed: int, rule: StoppingSettings | None = None) -> Drawn:
    """Return what a prior draws, now or before, stopped by its own rule or by another."""
    chosen = method(name) if rule is None else replace(method(name), stopping=rule)
    path = cache.place("seat", f"{name} {place.name} {seed}", key(chosen, place, seed), "pt")
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        begun = time.process_time()
        run = started(chosen, place, seed)
        for _ in run:
            pass
        power = run.power()
        cpu = (time.process_time() - begun) / EXCERPT_S
        torch.save({"power": power, "steps": run.chosen, "cpu": cpu}, path)
    return Drawn(**torch.load(path))
