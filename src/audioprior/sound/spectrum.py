"""The short-time Fourier transform, exactly invertible at any length."""

from dataclasses import dataclass

import torch
from torch import Tensor

from audioprior.errors import SettingsError


@dataclass(frozen=True)
class Transform:
    """A short-time Fourier transform with a periodic Hann window.

    Attributes:
        window: in samples, even.
        hop: in samples.
        sample_rate: in Hz.
    """

    window: int
    hop: int
    sample_rate: int

    @classmethod
    def of(cls, sample_rate: int, window_ms: float, overlap: int = 4) -> "Transform":
        """Return the transform whose window lasts about `window_ms` and moves by a share 1/`overlap` of it.

        The window is the nearest length of the form 2^k or 3·2^k samples that `overlap` divides: fast to transform.
        64 ms at 16 kHz is 1024 samples, and its bins are 15.6 Hz apart.

        Raises:
            SettingsError: a window that is not positive.
        """
        if not window_ms > 0:
            raise SettingsError(f"the window is {window_ms} ms; give a positive length.")
        wanted = sample_rate * window_ms / 1000
        lengths = [base << k for base in (1, 3) for k in range(3, 22) if (base << k) % (2 * overlap) == 0]
        window = min(lengths, key=lambda length: abs(length - wanted))
        return cls(window, window // overlap, sample_rate)

    @property
    def bins(self) -> int:
        """Number of frequencies, from 0 Hz to half the sample rate."""
        return self.window // 2 + 1

    @property
    def frame_rate_hz(self) -> float:
        """Frames per second."""
        return self.sample_rate / self.hop

    def frames(self, length: int) -> int:
        """Number of frames of a recording of `length` samples; frame t is centred on sample t·hop."""
        return 1 + length // self.hop

    def frequencies_hz(self) -> Tensor:
        """(frequency,): the centre of each bin."""
        return torch.arange(self.bins) * (self.sample_rate / self.window)

    def analyse(self, samples: Tensor) -> Tensor:
        """(channel, time) → complex (channel, frequency, frame).

        The ends are mirrored, so that the first and last frames hold as much sound and noise as the others.
        """
        length, half = samples.shape[-1], self.window // 2
        # Mirrored as often as a short recording needs: 0 1 2 | 2 1 0 | 0 1 2 ...
        index = torch.arange(-half, length + half, device=samples.device) % (2 * length)
        index = torch.where(index < length, index, 2 * length - 1 - index)
        return torch.stft(
            samples[..., index], self.window, self.hop, window=self._window(samples), center=False, return_complex=True
        )

    def synthesise(self, spectrum: Tensor, length: int) -> Tensor:
        """Complex (channel, frequency, frame) → (channel, time), the inverse of `analyse`."""
        return torch.istft(spectrum, self.window, self.hop, window=self._window(spectrum.real), length=length)

    def noise_gain(self) -> float:
        """Expected power of a bin of white noise with variance one."""
        return float(torch.hann_window(self.window, dtype=torch.float64).square().sum())

    def _window(self, like: Tensor) -> Tensor:
        return torch.hann_window(self.window, dtype=like.dtype, device=like.device)
