"""Scores against a clean reference. No module that restores may import this one."""

import numpy as np
from torch import Tensor

from audioprior.sound.spectrum import Transform


def si_sdr(reference: Tensor, estimate: Tensor) -> float:
    """Return the scale-invariant signal-to-distortion ratio in dB.

    Le Roux et al. 2019, "SDR – half-baked or well done?"; means are removed, channels count as one long signal.

    Args:
        reference: (channel, time) or (time,).
        estimate: the same shape.
    """
    if reference.shape != estimate.shape:
        raise ValueError(f"shapes differ: {tuple(reference.shape)} and {tuple(estimate.shape)}")
    r, e = (x.double() - x.double().mean(-1, keepdim=True) for x in (reference, estimate))
    target = r * ((e * r).sum() / r.square().sum().clamp_min(1e-20))
    return float(10 * ((target.square().sum() + 1e-20) / ((e - target).square().sum() + 1e-20)).log10())


def log_spectral_distance(reference: Tensor, estimate: Tensor, sample_rate: int, floor_db: float = 80.0) -> float:
    """Return the log-spectral distance in dB: root mean square over frequencies, mean over frames.

    Args:
        reference: (channel, time).
        estimate: the same shape.
        sample_rate: in Hz.
        floor_db: levels further than this below the reference's loudest bin count as this far below.
    """
    transform = Transform.of(sample_rate, 32.0)
    powers = [transform.analyse(x.double()).abs().square() for x in (reference, estimate)]
    floor = powers[0].max() * 10 ** (-floor_db / 10) + 1e-30
    levels = [10 * p.clamp_min(floor).log10() for p in powers]
    return float((levels[0] - levels[1]).square().mean(-2).sqrt().mean())


def musical_noise(noise: Tensor, noisy: Tensor, restored: Tensor, sample_rate: int) -> float:
    """Return the log of the kurtosis ratio: how much tonal speckle a restoration left where there was noise only.

    Uemura et al. 2008, "Automatic optimization scheme of spectral subtraction based on musical noise assessment via
    higher-order statistics", section 3: 0 for noise that was turned down evenly, larger the more isolated peaks remain.

    Args:
        noise: what was added to the clean sound, (channel, time).
        noisy: their sum.
        restored: what became of it.
        sample_rate: in Hz.
    """
    transform = Transform.of(sample_rate, 32.0)
    added, before, after = (transform.analyse(x.double()).abs().square() for x in (noise, noisy, restored))
    clean = transform.analyse((noisy - noise).double()).abs().square()
    noise_only = clean < 0.01 * added.mean(2, keepdim=True)

    def kurtosis(power: Tensor) -> Tensor:
        mean = (power * noise_only).sum(2, keepdim=True) / noise_only.sum(2, keepdim=True).clamp_min(1)
        relative = (power / (mean + 1e-30))[noise_only]
        return relative.pow(4).mean() / relative.square().mean().square()

    if not bool(noise_only.any()):
        return float("nan")
    return float((kurtosis(after) / kurtosis(before)).log())


def pesq(reference: Tensor, estimate: Tensor, sample_rate: int) -> float:
    """Return wide-band PESQ (ITU-T P.862.2) of the channels' mean at 16 kHz; needs `audioprior[metrics]`."""
    from pesq import pesq as itu_pesq

    return float(itu_pesq(16000, *_at(16000, reference, estimate, sample_rate), "wb"))


def stoi(reference: Tensor, estimate: Tensor, sample_rate: int) -> float:
    """Return the short-time objective intelligibility of the channels' mean; needs `audioprior[metrics]`."""
    from pystoi import stoi as taal_stoi

    return float(taal_stoi(*_at(16000, reference, estimate, sample_rate), 16000))


def visqol(reference: Tensor, estimate: Tensor, sample_rate: int) -> float:
    """Return ViSQOL's mean opinion score of the channels' mean in its audio mode, at 48 kHz; needs `audioprior[metrics]`.

    Chinen et al. 2020, "ViSQOL v3: an open source production ready objective speech and audio metric".
    """
    from visqol import VisqolApi

    judge = VisqolApi()
    judge.create(mode="audio")
    clean, other = _at(48000, reference, estimate, sample_rate)
    return float(judge.measure_from_arrays(clean, other, 48000).moslqo)


def _at(rate: int, reference: Tensor, estimate: Tensor, sample_rate: int) -> list[np.ndarray]:
    """Return the means of the channels at another rate."""
    import soxr

    return [soxr.resample(x.double().mean(0).numpy(), sample_rate, rate, "VHQ") for x in (reference, estimate)]
