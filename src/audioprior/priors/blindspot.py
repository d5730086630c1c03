"""The blind-spot prior: each bin guessed from its neighbours, never from itself.

Noise cannot be guessed from neighbours, sound can: a network that never sees the bin it guesses has no way to copy the bin's
noise, however long it is fitted. That is the J-invariance of Batson and Royer 2019 ("Noise2Self", section 2), here under the
Itakura-Saito likelihood; it needs no stopping rule.

"Never from itself" has to hold for the noise as well as for the bin. A Hann window leaks a bin's noise into the bins
above and below it, so these are hidden too, and frames that overlap by more than half share noise, so context is taken
from every other frame of a transform with four-fold overlap.
"""

import itertools
import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from audioprior.errors import FitError
from audioprior.model.evidence import Evidence, filled
from audioprior.priors.adam import Adam

_STRIDE = 2  # frames between context frames: hop window/4 → half-overlapping context
_GUARD = 1  # frequencies hidden on either side of the bin, at its own frame
_NEAR = (3, 4)  # reach of the near context, in frequencies and in context frames
_SLOPE = 0.1
_GATHERED, _DRAWN = 1 << 15, 1 << 12  # bins whose context is gathered, and drawn, at once: the latter fits in a cache


class _Context:
    """What a bin's neighbours say: a few pictures, and the places beside a bin at which they are read.

    Every picture is padded with zeros, its mean, so that context beyond the edges is neutral and never wraps onto the bin.
    A bin in which nothing was heard holds its frequency's mean, and counts in no mean of others.
    """

    def __init__(self, log_ratio: Tensor, heard: Tensor) -> None:
        """Precompute the pictures of `log_ratio`, log(1 + P/ν): (batch, channel, frequency, frame), as is `heard`."""
        reach_f, reach_t = _NEAR
        log_ratio = filled(log_ratio, heard)
        pictures = [log_ratio, *(_mean(log_ratio, heard, *size) for size in ((1, 5), (3, 9), (7, 5)))]
        taps = [
            (0, df, dt)
            for df in range(-reach_f, reach_f + 1)
            for dt in range(-reach_t, reach_t + 1)
            if dt or abs(df) > _GUARD
        ]
        for side in (-1, 1):
            # Beyond the near context: ever coarser means, further off in time, then in frequency.
            taps += [(1, df, side * (reach_t + dt)) for df, dt in ((0, 3), (0, 8), (-1, 3), (1, 3))]
            taps += [(2, 0, side * (reach_t + dt)) for dt in (15, 26)]
            taps += [(3, side * (reach_f + df), 0) for df in (4, 12, 20)]
        channels, bins, frames = log_ratio.shape[1:]
        pad_f = max(abs(df) for _, df, _ in taps)
        pad_t = _STRIDE * max(abs(dt) for _, _, dt in taps)
        height, width = bins + 2 * pad_f, frames + 2 * pad_t
        stack = torch.stack(pictures, 1)
        spread, mean = torch.std_mean(stack, (2, 3, 4), keepdim=True)
        stack = functional.pad((stack - mean) / (spread + 1e-3), (pad_t, pad_t, pad_f, pad_f))
        self._pictures, self._taps, self._pads = stack, taps, (pad_f, pad_t)
        offsets = [picture * channels * height * width + df * width + _STRIDE * dt for picture, df, dt in taps]
        self._offsets = torch.tensor(offsets, device=log_ratio.device)[:, None]
        self._whole = self._summaries(log_ratio)

    @staticmethod
    def _summaries(log_ratio: Tensor) -> Tensor:
        """Return (batch, 4, channel, frequency, frame): pitch, and the bin's row and frame as a whole, less the bin."""
        bins, frames = log_ratio.shape[2:]
        pitch = torch.linspace(-1, 1, bins, device=log_ratio.device)[:, None].expand_as(log_ratio)
        row = (log_ratio.sum(3, keepdim=True) - log_ratio) / max(1, frames - 1)
        stripe = functional.avg_pool2d(log_ratio, (3, 1), 1, (1, 0), count_include_pad=True) * 3
        others = max(1, bins - 3)
        frame = (log_ratio.sum(2, keepdim=True) - stripe) / others
        square = log_ratio.square()
        stripe = functional.avg_pool2d(square, (3, 1), 1, (1, 0), count_include_pad=True) * 3
        spread = ((square.sum(2, keepdim=True) - stripe) / others - frame.square()).clamp_min(0).sqrt()
        stack = torch.stack([pitch, row, frame, spread], 1)
        deviation, mean = torch.std_mean(stack, (2, 3, 4), keepdim=True)
        return (stack - mean) / (deviation + 1e-3)

    @property
    def size(self) -> int:
        """Numbers that describe a bin's context."""
        return len(self._taps) + self._whole.shape[1]

    def at(self, index: Tensor) -> Tensor:
        """Return (batch, size, number) for bins at (batch, number) positions in the flattened spectrogram."""
        bins, frames = self._whole.shape[3:]
        row, frame = index // frames, index % frames
        channel, height = row // bins, row % bins
        (pad_f, pad_t), (padded_bins, padded_frames) = self._pads, self._pictures.shape[3:]
        centre = (channel * padded_bins + height + pad_f) * padded_frames + frame + pad_t
        places = centre[:, None] + self._offsets
        near = self._pictures.flatten(1).gather(1, places.flatten(1)).view(places.shape)
        whole = self._whole.flatten(2).gather(2, index[:, None].expand(-1, self._whole.shape[1], -1))
        return torch.cat([near, whole], 1)

    def rows(self, start: int, end: int) -> Tensor:
        """Return (batch, size, number) for all bins of frequencies `start` to `end`, in order."""
        (pad_f, pad_t), frames = self._pads, self._whole.shape[4]
        near = [
            self._pictures[:, picture, :, pad_f + df + start : pad_f + df + end, pad_t + _STRIDE * dt :][..., :frames]
            for picture, df, dt in self._taps
        ]
        return torch.stack([*near, *self._whole[..., start:end, :].unbind(1)], 1).flatten(2)


class BlindSpotPrior:
    """λ = (a blind local mean) · exp(a small network of the bin's context).

    The network has two hidden layers; each recording of a batch has its own. Steps see random bins, so their cost does not
    grow with the recording.
    """

    def __init__(
        self,
        *,
        hidden: int,
        batch_bins: int,
        learning_rate: float,
        planned_steps: int,
        generators: Sequence[torch.Generator],
        start: list[Tensor] | None = None,
    ) -> None:
        self._hidden, self._batch_bins, self._learning_rate = hidden, batch_bins, learning_rate
        self._planned, self._generators, self._start = planned_steps, generators, start
        self._step = 0
        self._context: _Context | None = None

    def fit(self, evidence: Evidence) -> float:
        """Take one step of Adam on random bins."""
        if self._context is None:
            self._begin(evidence)
        rate = 0.5 * (1 + math.cos(math.pi * min(1.0, self._step / (self._planned + 1))))
        index = self._random_bins(evidence.power.shape).to(evidence.power.device)
        assert self._context is not None
        guess = self._base.flatten(1).gather(1, index) * self._factor(self._context.at(index))
        losses = evidence.at(index).misfit(guess).mean(1)
        self._adam.step(losses.sum(), self._learning_rate * rate)
        self._step += 1
        return float(losses.detach().mean())

    @torch.no_grad()
    def draw(self) -> Tensor:
        """Return λ."""
        if self._context is None:
            raise FitError("nothing was fitted yet; call fit before draw.")
        drawn = torch.empty_like(self._base)
        rows = max(1, _GATHERED // (self._base.shape[1] * self._base.shape[3]))
        for start in range(0, drawn.shape[2], rows):
            part = self._base[:, :, start : start + rows]
            context = torch.split(self._context.rows(start, start + part.shape[2]), _DRAWN, 2)
            factor = torch.cat([self._factor(some) for some in context], 1)
            drawn[:, :, start : start + rows] = part * factor.view(part.shape)
        return drawn

    def learned(self, place: int) -> list[Tensor]:
        """Return the network's weights."""
        return [weight.detach()[place] for weight in self._adam.weights]

    def _begin(self, evidence: Evidence) -> None:
        heard, power = evidence.heard, evidence.filled().power
        mean = power.mean((1, 3), keepdim=True) + 1e-30
        noisy = evidence.added > 0
        scale = torch.where(noisy, evidence.added, mean)
        ratio = power / scale
        self._context = _Context(torch.log1p(ratio), heard)
        # Sound below a third of the noise is left to the network to find.
        excess = _blind_mean(ratio, heard) - noisy.to(ratio)
        self._base = excess.clamp_min(0.3) * scale
        sizes = (self._context.size, self._hidden, self._hidden, 1)
        weights: list[Tensor] = []
        for inputs, outputs in itertools.pairwise(sizes):
            for columns in (inputs, 1):  # weights, then biases
                drawn = [torch.rand((outputs, columns), generator=numbers) for numbers in self._generators]
                # The last layer starts at zero: the first guess is the local mean.
                bound = 0.0 if outputs == 1 else 1 / math.sqrt(inputs)
                weights.append(((2 * torch.stack(drawn) - 1) * bound).to(ratio.device).requires_grad_())
        if self._start is not None:
            weights = [
                learned.to(fresh).expand_as(fresh).clone().requires_grad_()
                for learned, fresh in zip(self._start, weights, strict=True)
            ]
        self._adam = Adam(weights)

    def _random_bins(self, shape: torch.Size) -> Tensor:
        """Return (batch, number) positions of random bins, denser at low frequencies, where sound has its structure."""
        channels, bins, frames = shape[1:]
        size = (self._batch_bins,)
        places = []
        for numbers in self._generators:
            height = (torch.rand(size, generator=numbers).square() * bins).long().clamp_max(bins - 1)
            frame = torch.randint(frames, size, generator=numbers)
            channel = torch.randint(channels, size, generator=numbers)
            places.append((channel * bins + height) * frames + frame)
        return torch.stack(places)

    def _factor(self, context: Tensor) -> Tensor:
        """Return λ over the local mean, (batch, number), of bins whose context is (batch, size, number)."""
        weights = self._adam.weights
        *layers, (weight, bias) = zip(weights[::2], weights[1::2], strict=True)
        hidden = context
        for into, offset in layers:
            hidden = functional.leaky_relu(torch.baddbmm(offset, into, hidden), _SLOPE)
        return torch.baddbmm(bias, weight, hidden)[:, 0].clamp(-10, 10).exp()


def _mean(picture: Tensor, heard: Tensor, height: int, width: int) -> Tensor:
    """Return the mean over `height` frequencies and `width` context frames around each bin, less at the edges.

    Of what was heard there; where nothing was, the picture as it is.
    """
    if bool(heard.all()):
        return _box(picture, height, width) / _box(torch.ones_like(picture[:1, :1]), height, width)
    count = _box(heard.to(picture), height, width)
    return torch.where(count > 0, _box(picture * heard, height, width) / count.clamp_min(1), picture)


def _blind_mean(picture: Tensor, heard: Tensor) -> Tensor:
    """Return the mean of 5 × 7 bins around each bin, without the bin and its guard.

    Of what was heard there; where nothing was, the picture as it is.
    """

    def around(of: Tensor) -> Tensor:
        return _box(of, 5, 7) - _box(of, 1 + 2 * _GUARD, 1)

    if bool(heard.all()):
        return around(picture).clamp_min(0) / around(torch.ones_like(picture[:1, :1])).clamp_min(1e-6)
    count = around(heard.to(picture))
    return torch.where(count > 0, around(picture * heard).clamp_min(0) / count.clamp_min(1), picture)


def _box(picture: Tensor, height: int, width: int) -> Tensor:
    """Return the sum over `height` frequencies and `width` context frames around each bin."""
    for dim, count, stride in ((2, height, 1), (3, width, _STRIDE)):
        reach, size = count // 2, picture.shape[dim]
        total = picture.clone()
        for shift in range(stride, min(stride * reach, size - 1) + 1, stride):
            total.narrow(dim, shift, size - shift).add_(picture.narrow(dim, 0, size - shift))
            total.narrow(dim, 0, size - shift).add_(picture.narrow(dim, shift, size - shift))
        picture = total
    return picture
