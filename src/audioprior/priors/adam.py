"""Adam, for weights that are plain tensors."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.optim.adam import adam


class Adam:
    """Adam (Kingma and Ba 2015, "Adam: a method for stochastic optimization", algorithm 1) as PyTorch computes it.

    Called by its function, not by `torch.optim.Adam`: the first step of any `torch.optim.Optimizer` imports PyTorch's
    compiler, which takes two and a half seconds, as long as the fit of a short recording, and each step costs eight times
    as much.
    """

    def __init__(self, weights: Sequence[Tensor]) -> None:
        self.weights = list(weights)
        self._means, self._squares = ([torch.zeros_like(weight) for weight in self.weights] for _ in range(2))
        self._steps = [torch.zeros((), device=weight.device) for weight in self.weights]

    def step(self, loss: Tensor, learning_rate: float, *, largest: float | None = None) -> None:
        """Move the weights against the loss's gradient, which is scaled down where its norm is above `largest`."""
        gradients = list(torch.autograd.grad(loss, self.weights))
        with torch.no_grad():
            if largest is not None:
                norm = torch.stack([gradient.norm() for gradient in gradients]).norm()
                scale = (largest / (norm + 1e-6)).clamp(max=1.0)
                gradients = [gradient * scale for gradient in gradients]
            adam(
                self.weights, gradients, self._means, self._squares, [], self._steps,
                fused=True, amsgrad=False, beta1=0.9, beta2=0.999, lr=learning_rate, weight_decay=0.0, eps=1e-8,
                maximize=False,
            )  # fmt: skip
