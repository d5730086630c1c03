"""Sound plus noise: two powers, their likelihood, and a gain."""

import torch
from torch import Tensor

from audioprior.model.evidence import Evidence, heard_everywhere
from audioprior.model.observation import Estimate
from audioprior.noise.bands import proportional_mean
from audioprior.observations.gain import gain
from audioprior.sound.spectrum import Transform

_SMOOTHING_SHARE = 0.06  # of each frequency, over which the renewed noise power is averaged


class NoiseObservation:
    """The recording is Y = S + N, both Gaussian in each bin, with powers λ and ν.

    A noise power that was found blind is renewed once, when there is a λ to tell sound from noise with: ν becomes the
    posterior power of the noise, averaged over time (the M-step of expectation-maximisation). Once only: λ and ν can trade
    power for ever, and ν sinks.
    """

    def __init__(
        self,
        samples: Tensor,
        transform: Transform,
        noise_power: Tensor,
        *,
        rule: str,
        max_reduction_db: float,
        renew_every: int | None = None,
    ) -> None:
        """Take in a recording.

        Args:
            samples: (channel, time).
            transform: between samples and spectra.
            noise_power: ν, broadcast to (channel, frequency, frame).
            rule: the gain rule.
            max_reduction_db: the gain's floor.
            renew_every: after how many steps to renew ν; None where it is known.
        """
        self.renew_every = renew_every
        self._transform, self._length = transform, samples.shape[1]
        self._spectrum = transform.analyse(samples)
        self._renewed = False
        self._noise, self._rule, self._floor = noise_power, rule, 10 ** (-max_reduction_db / 20)
        # A bin of exactly zero has no logarithm; nothing below −200 dB of the mean is sound.
        power = self._spectrum.abs().square()
        self._power = power.clamp_min(1e-20 * power.mean() + 1e-30)

    def expect(self, prior_power: Tensor | None) -> Evidence:
        """Return |Y|² with ν as the added power; the first λ renews ν."""
        if prior_power is not None and not self._renewed:
            self._noise = self._noise * self._change(prior_power[0])
            self._renewed = True
        return heard_everywhere(self._power[None], self._noise[None])

    def estimate(self, prior_power: Tensor) -> Estimate:
        """Return the recording with the gain applied to each bin."""
        gains = gain(self._rule, prior_power[0], self._noise, self._power).clamp_min(self._floor)
        sound = self._transform.synthesise(self._spectrum * gains, self._length)
        # What stays uncertain in a bin is λν/(λ+ν) = G·ν, the posterior variance.
        wiener = prior_power[0] / (prior_power[0] + self._noise)
        spread = (wiener * self._noise).sum(1).mean() / (self._transform.bins * self._transform.noise_gain())
        return Estimate(sound, float(spread))

    def _change(self, prior_power: Tensor) -> Tensor:
        """Return the ratio of ν's posterior mean over time to ν: (channel, frequency, 1)."""
        share = self._noise / (prior_power + self._noise)
        posterior = share.square() * self._power + prior_power * share
        change = posterior.mean(2) / self._noise.expand_as(posterior).mean(2)
        return torch.stack([proportional_mean(channel[:, None], _SMOOTHING_SHARE) for channel in change])
