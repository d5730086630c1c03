"""Declipping by sparsity: the best of what was used before.

Kitić, Bertin, Gribonval 2015, "Sparsity and cosparsity for audio declipping: a flexible non-convex approach"; the analysis
form, A-SPADE, as corrected by Záviška, Rajmic, Průša, Veselý 2018, "Revisiting synthesis model in sparse audio declipper".
All windows are worked on at once; those that have converged rest.
"""

import torch
from torch import Tensor

from audioprior.gaussian import Frames

_REDUNDANCY = 2  # of the transform
_MORE_EACH_STEP = 2  # coefficients
_TOLERANCE = 0.03


def declip(samples: Tensor, low: Tensor, high: Tensor, window: int) -> Tensor:
    """Return (time,) samples with the clipped ones inferred.

    Args:
        samples: (time,) float64, all at or between the levels.
        low: where the sound was cut from below: the sample is an upper bound.
        high: where it was cut from above: the sample is a lower bound.
        window: in samples.
    """
    frames = Frames(window, len(samples))
    sound, below, above = (frames.cut(part.to(samples)) for part in (samples, low, high))
    sound = sound.clone()  # its frames share memory
    damaged = (below + above).sum(1) > 0
    shape = frames.shape
    heard = sound[damaged] * shape
    below, above = below[damaged] > 0, above[damaged] > 0
    solved, size = heard.clone(), _REDUNDANCY * window
    dual = torch.zeros(len(heard), size // 2 + 1, dtype=torch.complex128)
    live = torch.arange(len(heard))
    for kept in range(_MORE_EACH_STEP, size // 2, _MORE_EACH_STEP):
        if not len(live):
            break
        spectrum = torch.fft.rfft(solved[live], size, norm="ortho") + dual[live]
        magnitude = spectrum.abs()
        sparse = spectrum * (magnitude >= magnitude.topk(kept).values[:, -1:])
        guess = torch.fft.irfft(sparse - dual[live], size, norm="ortho")[:, :window]
        bound = heard[live]
        guess = torch.where(above[live], guess.maximum(bound), torch.where(below[live], guess.minimum(bound), bound))
        rest = torch.fft.rfft(guess, size, norm="ortho") - sparse
        solved[live] = guess
        dual[live] += rest
        live = live[rest.norm(dim=1) > _TOLERANCE * guess.norm(dim=1).clamp_min(1e-12)]
    sound[damaged] = solved / shape
    joined = frames.join(sound * shape.square()) / (frames.window / 2 / frames.hop)
    return torch.where(low | high, joined, samples)
