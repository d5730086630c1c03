"""Noise profiles: the noise of a recorder, a room or a tape, learned from a passage that holds nothing else.

A profile is kept in a JSON file of its own and serves other recordings made in the same way, at any sample rate.
"""

import json
import math
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from audioprior.errors import SettingsError
from audioprior.sound.channels import Axes, notable_offset
from audioprior.sound.source import Source
from audioprior.sound.spectrum import Transform
from audioprior.sound.writing import replacing

_WINDOW_MS = 128.0
_SHORTEST_S = 0.05
_FILE_VERSION = 1


@dataclass(frozen=True)
class Profile:
    """The power of a noise.

    Attributes:
        sample_rate: in Hz.
        covariance: (frequency, channel, channel), real: power per bin of a window with gain one, and how channels share it.
            Frequencies run evenly from 0 Hz to half the sample rate.
    """

    sample_rate: int
    covariance: Tensor

    def power(self, transform: Transform, axes: Axes, level: float) -> Tensor:
        """Return ν as a transform of a recording sees it: (axis, frequency, 1).

        Args:
            transform: the recording's.
            axes: its principal axes.
            level: what its samples were divided by.

        Raises:
            SettingsError: the profile has another number of channels.
        """
        channels = self.covariance.shape[1]
        if channels != len(axes.sources):
            raise SettingsError(
                f"the noise profile has {channels} channels, the recording {len(axes.sources)}; learn one from its like."
            )
        bins = len(self.covariance)
        place = transform.frequencies_hz().double() / (self.sample_rate / 2) * (bins - 1)
        low = place.long().clamp_max(bins - 1)  # above the profile's own range its last value goes on
        share = (place - low).clamp(0, 1)[:, None, None]
        covariance = self.covariance[low] * (1 - share) + self.covariance[(low + 1).clamp_max(bins - 1)] * share
        chosen = covariance[:, axes.distinct][:, :, axes.distinct]
        return (axes.power(chosen).clamp_min(1e-30) * (transform.noise_gain() / level**2))[..., None].float()

    def write(self, path: Path, *, force: bool = False) -> None:
        """Write to a JSON file."""
        content = {"file_version": _FILE_VERSION, "sample_rate": self.sample_rate, "covariance": self.covariance.tolist()}
        with replacing(path, force=force) as beside:
            beside.write_text(json.dumps(content) + "\n", encoding="utf-8")


def white(recording: Source, variance: float) -> Profile:
    """Return the profile of white noise, independent in each channel."""
    covariance = variance * torch.eye(recording.channels, dtype=torch.float64)
    return Profile(recording.sample_rate, covariance.expand(2, -1, -1).clone())


def read_profile(path: Path) -> Profile:
    """Read a profile.

    Raises:
        SettingsError: the file cannot be read or is no profile.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        covariance = torch.tensor(content["covariance"], dtype=torch.float64)
        rate, version = int(content["sample_rate"]), content["file_version"]
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({error.strerror}); give a noise profile.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise SettingsError(f"{path} is no noise profile; `audioprior profile` writes them.") from error
    square = covariance.ndim == 3 and covariance.shape[1] == covariance.shape[2] and len(covariance) > 1
    if version != _FILE_VERSION or not square or rate <= 0:
        raise SettingsError(f"{path} is no noise profile of this version; `audioprior profile` writes them.")
    return Profile(rate, covariance)


def learn(recording: Source, passage_s: tuple[float, float]) -> Profile:
    """Return the profile of a passage that holds noise only.

    Args:
        recording: from which.
        passage_s: start and end.

    Raises:
        SettingsError: the passage lies outside the recording, is too short, or is digital silence.
    """
    start, end = passage_s
    name = f"the noise passage {start:g}-{end:g} s"
    duration_s = recording.length / recording.sample_rate
    if start >= duration_s:
        raise SettingsError(f"{name} begins after the end of the recording ({duration_s:.3f} s).")
    first, last = round(start * recording.sample_rate), round(end * recording.sample_rate)
    samples = recording.read(first, min(last, recording.length))
    length = samples.shape[1] / recording.sample_rate
    if length < _SHORTEST_S:
        raise SettingsError(f"{name} holds {1000 * length:.0f} ms; give at least {1000 * _SHORTEST_S:.0f} ms.")
    if not samples.any():
        raise SettingsError(f"{name} is digital silence; choose one that holds noise.")
    # A window no longer than the passage: short ones are seen coarsely instead of mirrored many times.
    transform = Transform.of(recording.sample_rate, min(_WINDOW_MS, 1000 * length))
    mean = samples.mean(1, keepdim=True)
    spectrum = transform.analyse(samples - notable_offset(mean, samples.square().mean(1, keepdim=True)))
    covariance = torch.einsum("cft,dft->fcd", spectrum, spectrum.conj()).real / spectrum.shape[2]
    return Profile(recording.sample_rate, _smooth(covariance, length) / transform.noise_gain())


def _smooth(covariance: Tensor, length_s: float) -> Tensor:
    """Average neighbouring bins where a short passage gives few frames: about sixteen independent values each."""
    reach = math.ceil(8 * _WINDOW_MS / 1000 / length_s) - 1 if length_s < 8 * _WINDOW_MS / 1000 else 0
    if reach == 0:
        return covariance
    bins = len(covariance)
    index = torch.arange(bins)
    width = torch.minimum(torch.tensor(min(reach, 8)), torch.minimum(index, bins - 1 - index))
    total = torch.cat([torch.zeros_like(covariance[:1]), covariance.cumsum(0)])
    return (total[index + width + 1] - total[index - width]) / (2 * width + 1)[:, None, None]
