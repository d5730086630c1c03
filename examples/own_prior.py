"""A prior and an observation of one's own: one record, transferred twice, restored by what lasts.

    python examples/own_prior.py samples/guitar.flac restored.flac

The observation is of two transfers of one record. Whatever differs between them is noise, so its power need not be guessed.
The prior holds that sound lasts, in time (a note) or in frequency (a stroke), and noise does neither.
"""

import sys

import torch
from torch import Tensor

import audioprior as ap
from audioprior.model.evidence import Evidence, heard_everywhere
from audioprior.model.observation import Estimate
from audioprior.settings.rules import FixedSteps
from audioprior.sound.spectrum import Transform


class LastingPrior:
    """λ = the larger of two medians of P, along time and along frequency, less ν."""

    def __init__(self, frames: int = 17, bins: int = 9) -> None:
        self._frames, self._bins = frames, bins  # odd
        self._power: Tensor | None = None

    def fit(self, evidence: Evidence) -> float:
        """Set λ, for which one step is enough; return its misfit."""
        lasting = torch.maximum(_median(evidence.power, self._frames, -1), _median(evidence.power, self._bins, -2))
        # The median of an exponential is ln 2 of its mean.
        self._power = (lasting / 0.6931 - evidence.added).clamp_min(1e-4 * evidence.power.mean() + 1e-30)
        return float(evidence.misfit(self._power).mean())

    def draw(self) -> Tensor:
        """Return λ."""
        assert self._power is not None, "nothing was fitted yet; call fit before draw."
        return self._power


class TwoTransfers:
    """Y₁ = S + N₁ and Y₂ = S + N₂: their mean holds S under half the noise, their difference none of S."""

    renew_every = None  # λ tells nothing new of the noise

    def __init__(self, first: Tensor, second: Tensor, transform: Transform) -> None:
        self._transform, self._length = transform, first.shape[1]
        self._mean = transform.analyse((first + second) / 2)
        noise = transform.analyse((first - second) / 2).abs().square()
        self._noise = torch.nn.functional.avg_pool2d(noise[None], (9, 31), 1, (4, 15), count_include_pad=False)[0]

    def expect(self, prior_power: Tensor | None) -> Evidence:  # noqa: ARG002
        """Return the power of the mean, with the noise's as what was added: (batch, channel, frequency, frame)."""
        return heard_everywhere(self._mean.abs().square()[None], self._noise[None])

    def estimate(self, prior_power: Tensor) -> Estimate:
        """Return the Wiener filter's sound, and its expected error."""
        gain = prior_power[0] / (prior_power[0] + self._noise)
        error = float((gain * self._noise).mean() / self._transform.noise_gain())
        return Estimate(self._transform.synthesise(gain * self._mean, self._length), error)


def restored(first: Tensor, second: Tensor, sample_rate: int) -> Tensor:
    """Return the sound of two transfers, (channel, time) each."""
    observation = TwoTransfers(first, second, Transform.of(sample_rate, 64.0))
    rule = FixedSteps(max_steps=1).build(torch.Generator())
    fit = ap.fit(observation, LastingPrior(), rule)
    for step in fit:
        print(f"step {step.index}: misfit {step.loss:.3f}")
    return observation.estimate(fit.power()).sound


def _median(power: Tensor, width: int, axis: int) -> Tensor:
    padding = [width // 2, width // 2, 0, 0] if axis == -1 else [0, 0, width // 2, width // 2]
    padded: Tensor = torch.nn.functional.pad(power, padding, mode="replicate")
    return padded.unfold(axis, width, 1).median(-1).values


if __name__ == "__main__":
    clean = ap.read(sys.argv[1])
    numbers = torch.Generator().manual_seed(0)
    hiss = 0.2 * clean.samples.std()
    one, two = (clean.samples + hiss * torch.randn(clean.samples.shape, generator=numbers) for _ in range(2))
    sound = restored(one, two, clean.sample_rate)
    errors = [(x - clean.samples).square().mean() for x in (one, (one + two) / 2, sound)]
    levels = [10 * float((clean.samples.square().mean() / error).log10()) for error in errors]
    print("SNR: one transfer {:.1f} dB, their mean {:.1f} dB, restored {:.1f} dB".format(*levels))
    clean.with_samples(sound).write(sys.argv[2], force=True)
