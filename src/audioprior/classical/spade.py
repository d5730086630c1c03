"""Declipping by sparsity: the best of what was used before.

Kitić, Bertin, Gribonval 2015, "Sparsity and cosparsity for audio declipping: a flexible non-convex approach"; the analysis
form, A-SPADE, as corrected by Záviška, Rajmic, Průša, Veselý 2018, "Revisiting synthesis model in sparse audio declipper".
All windows are worked on at once; those that have converged rest.
"""

import torch
from torch import Tensor

from audioprior.model.gaussian import Frames

_REDUNDANCY = 2  # of the transform
_STEPS = 256  # until half of all coefficients are in use
_TOLERANCE = 0.03


def declip(samples: Tensor, low: Tensor, high: Tensor, window: int) -> Tensor:
    """Return (time,) samples with those that are known by bounds only inferred.

    Args:
        samples: (time,) float64.
        low: (time,), the least that each can be; the sample itself where it is whole.
        high: (time,), the most.
        window: in samples.
    """
    frames = Frames(window, len(samples))
    shape = frames.shape.float()
    sound = frames.cut(samples.float()).clone()  # as cut, the frames share memory
    damaged = (frames.cut((low < high).to(samples)) > 0).any(1)
    heard, least, most = (frames.cut(part.float())[damaged] * shape for part in (samples, low, high))
    solved, size = heard.clone(), _REDUNDANCY * window
    dual = torch.zeros(len(heard), size // 2 + 1, dtype=torch.complex64)
    live = torch.arange(len(heard))
    more = max(1, size // 2 // _STEPS)
    for kept in range(more, size // 2, more):
        if not len(live):
            break
        spectrum = torch.fft.rfft(solved[live], size, norm="ortho") + dual[live]
        magnitude = spectrum.abs()
        sparse = spectrum * (magnitude >= magnitude.topk(kept, sorted=False).values.amin(1, keepdim=True))
        guess = torch.fft.irfft(sparse - dual[live], size, norm="ortho")[:, :window]
        guess = guess.maximum(least[live]).minimum(most[live])
        rest = torch.fft.rfft(guess, size, norm="ortho") - sparse
        solved[live] = guess
        dual[live] += rest
        live = live[rest.norm(dim=1) > _TOLERANCE * guess.norm(dim=1).clamp_min(1e-12)]
    sound[damaged] = solved / shape
    joined = frames.join(sound * shape.square()) / (frames.window / 2 / frames.hop)
    return torch.where(low < high, joined.to(samples), samples)
