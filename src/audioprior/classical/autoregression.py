"""Interpolation by linear prediction: what gaps were filled with before.

Janssen, Veldhuis, Vries 1986, "Adaptive interpolation of discrete-time signals that can be modeled as autoregressive
processes": predict, fill so that the prediction errs least, and repeat with the filled sound.
"""

import torch
from torch import Tensor

_CONTEXT_S = 0.1  # either side, at least three times the gap
_ORDERS = (32, 512)  # a quarter of the context, within these
_ROUNDS = 4
_RIDGE = 1e-6


def interpolate(samples: Tensor, gaps: list[tuple[int, int]], sample_rate: int) -> Tensor:
    """Return (time,) samples with the gaps filled, each on its own.

    Args:
        samples: (time,) float64; what lies in the gaps is not read.
        gaps: first sample and end of each, apart from one another.
        sample_rate: in Hz.
    """
    filled = samples.clone()
    for start, end in gaps:
        filled[start:end] = 0
    for start, end in gaps:
        reach = max(round(_CONTEXT_S * sample_rate), 3 * (end - start))
        low, high = max(0, start - reach), min(len(filled), end + reach)
        filled[start:end] = _fill(filled[low:high], start - low, end - low)
    return filled


def _fill(sound: Tensor, start: int, end: int) -> Tensor:
    """Return samples `start` to `end` of a short sound."""
    sound = sound.clone()
    order = min(max(_ORDERS[0], len(sound) // 4), _ORDERS[1], len(sound) - 1)
    lag = torch.arange(end - start)
    lag = (lag[:, None] - lag[None, :]).abs()
    for _ in range(_ROUNDS):
        coefficients = prediction(sound, order)
        if coefficients is None:
            break
        # The error's energy is quadratic in the missing samples; its matrix holds the coefficients' autocorrelation.
        weights = _autocorrelation(coefficients, order)
        row = torch.zeros(max(len(lag), order + 1), dtype=sound.dtype)
        row[: order + 1] = weights
        matrix = row[lag] + 1e-9 * row[0] * torch.eye(len(lag), dtype=sound.dtype)
        heard = sound.clone()
        heard[start:end] = 0
        kernel = torch.cat([weights.flip(0), weights[1:]])
        pull = torch.nn.functional.conv1d(heard[None, None], kernel[None, None], padding=order)[0, 0, start:end]
        sound[start:end] = -torch.cholesky_solve(pull[:, None], torch.linalg.cholesky(matrix))[:, 0]
    return sound[start:end]


def prediction(sound: Tensor, order: int) -> Tensor | None:
    """Return the prediction error filter 1, a₁ … a_p by the autocorrelation method, or None for silence."""
    correlation = _autocorrelation(sound, order)
    if correlation[0] <= 0:
        return None
    correlation[0] *= 1 + _RIDGE
    lag = torch.arange(order)
    matrix = correlation[(lag[:, None] - lag[None, :]).abs()]
    solved = torch.cholesky_solve(-correlation[1:, None], torch.linalg.cholesky(matrix))[:, 0]
    return torch.cat([torch.ones(1, dtype=sound.dtype), solved])


def _autocorrelation(sound: Tensor, most: int) -> Tensor:
    """Return lags 0 to `most`."""
    spectrum = torch.fft.rfft(sound, 2 * len(sound))
    correlation: Tensor = torch.fft.irfft(spectrum.abs().square(), 2 * len(sound))
    return correlation[: most + 1]
