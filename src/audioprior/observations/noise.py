"""Sound plus noise: two powers, their likelihood, and a gain."""

from torch import Tensor

from audioprior.evidence import Evidence, heard_everywhere
from audioprior.observations import Estimate
from audioprior.observations.gain import gain
from audioprior.spectrum import Transform


class NoiseObservation:
    """The recording is Y = S + N, both Gaussian in each bin, with powers λ and ν."""

    renew_every = None  # |Y|² and ν are what they are, whatever λ becomes

    def __init__(
        self, samples: Tensor, transform: Transform, noise_power: Tensor, *, rule: str, max_reduction_db: float
    ) -> None:
        """Take in a recording.

        Args:
            samples: (channel, time).
            transform: between samples and spectra.
            noise_power: ν, broadcast to (channel, frequency, frame).
            rule: the gain rule.
            max_reduction_db: the gain's floor.
        """
        self._transform, self._length = transform, samples.shape[1]
        self._spectrum = transform.analyse(samples)
        self._noise, self._rule, self._floor = noise_power, rule, 10 ** (-max_reduction_db / 20)
        # A bin of exactly zero has no logarithm; nothing below −200 dB of the mean is sound.
        power = self._spectrum.abs().square()
        self._power = power.clamp_min(1e-20 * power.mean() + 1e-30)

    def expect(self, prior_power: Tensor | None) -> Evidence:  # noqa: ARG002
        """Return |Y|² with ν as the added power."""
        return heard_everywhere(self._power[None], self._noise[None])

    def estimate(self, prior_power: Tensor) -> Estimate:
        """Return the recording with the gain applied to each bin."""
        gains = gain(self._rule, prior_power[0], self._noise, self._power).clamp_min(self._floor)
        sound = self._transform.synthesise(self._spectrum * gains, self._length)
        # What stays uncertain in a bin is λν/(λ+ν) = G·ν, the posterior variance.
        wiener = prior_power[0] / (prior_power[0] + self._noise)
        spread = (wiener * self._noise).sum(1).mean() / (self._transform.bins * self._transform.noise_gain())
        return Estimate(sound, float(spread))
