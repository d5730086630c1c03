"""The seed's observation: the picture of the spectrogram, and nothing else."""

from torch import Tensor

from audioprior.model.evidence import Evidence, Picture
from audioprior.model.observation import Estimate
from audioprior.sound.spectrum import Transform


class ImageObservation:
    """The recording is a picture of log-magnitudes; the network's picture with the recording's phase is the sound.

    "Deep Audio Prior" (Virdi 2017) shows pictures only; the phase is ours to add.
    """

    renew_every = None

    def __init__(self, samples: Tensor, transform: Transform, noise_power: Tensor) -> None:
        """Take in a recording: samples (channel, time) and ν for rules that ask where the noise floor lies."""
        self._transform, self._length, self._noise = transform, samples.shape[1], noise_power
        self._spectrum = transform.analyse(samples)
        power = self._spectrum.abs().square()
        # −80 dB of the loudest bin is the picture's black, as spectrograms are drawn.
        self._power = power.clamp_min(1e-8 * power.max() + 1e-30)

    def expect(self, prior_power: Tensor | None) -> Evidence:  # noqa: ARG002
        """Return the picture."""
        weight = self._power.new_ones(1, *self._power.shape)
        return Picture(self._power[None], weight, self._noise[None].expand_as(weight))

    def estimate(self, prior_power: Tensor) -> Estimate:
        """Return the sound of the drawn magnitudes with the recording's phase."""
        magnitude = self._spectrum.abs()
        phase = self._spectrum / magnitude.clamp_min(1e-15)
        sound = self._transform.synthesise(phase * prior_power[0].sqrt(), self._length)
        # Nothing is known about its error; one window needs no weights.
        return Estimate(sound, 1.0)
