"""Clicks and crackle: what the sound before foretells as little as the sound after, and what is over at once.

Sound is taken as autoregressive over a few hundredths of a second (Godsill and Rayner 1998, "Digital Audio Restoration",
chapter 5): each sample is foretold from those before it, and from those after it. Where both err, something may have
been added. How many samples it spoilt is decided by likelihood: the interval that, taken out, makes the rest so much
likelier that each of its samples pays. Onsets err in both directions too, but more sound follows, and a voice's pulses
come again: a click is told by its shortness and by how far it stands above what is left around it. The recording is looked
at again with what was found taken out, since clicks spoil the predictor that is to find them.
"""

from collections.abc import Collection
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from audioprior.damage.findings import Damage, Finding, merged
from audioprior.damage.pieces import Piece, pieces
from audioprior.sound.source import Source

_ORDER = 32
_BLOCK_S = 0.046  # over which the sound is taken as steady
_PIECE_S, _MARGIN_S = 20.0, 0.2  # long recordings go in pieces, which overlap by a margin on either side
_LOOKS = 2
_LEAST = 3.5  # times the error around: anything lower is not even considered
_FLOOR = 1e-4  # of the recording's level (−80 dB): quieter errors are rounding
_POOL_S = 0.00012  # within which both predictions must err
_CORE_S = 0.001  # two clicks that are nearer to one another are one
_BEFORE_S, _LONGEST_S = 0.001, 0.0025  # a click begins at most so long before its loudest error, and lasts at most so long
_PRICE = 1.2  # nepers of likelihood that a sample must add to belong to a click
_BESIDE_S = 0.002  # beside a click, where an onset goes on
_SLOT_S, _SLOTS, _CLEAR_S = 0.002, 12, 0.0016  # slots beside a click, in which a voice's next pulses fall
_AROUND_S = 0.012  # of sound on either side that a click's height is measured by
_CLEAR = 33.0  # times the error left beside a click: more tells no more
_JOIN_S = 0.0003  # of sound between two clicks: too little to judge either by
# The logistic regression of "is a click" on `Candidates.features`, from recorded clicks in clean speech, music and animals'
# calls, and from the same without clicks (bench.clicks); what is none weighs three times: doubt spares the sound.
_WEIGHTS, _BIAS = (2.60, 1.41, -1.97, 0.70), -10.72


def find_clicks(source: Source, sensitivity: float = 0.5, keep: Collection[int] = ()) -> Damage:
    """Return the clicks, each sure by more than 1 − `sensitivity`, in each channel.

    The recording is read twice, piece by piece: for its level, and for the clicks.

    Args:
        source: to look at.
        sensitivity: from 0, nothing is a click, to 1, all that might be is.
        keep: numbers of findings, from 1 as they are listed, that are no damage.
    """
    rate, margin = source.sample_rate, round(_MARGIN_S * source.sample_rate)
    energy = torch.stack([piece.own.square().sum(1) for piece in pieces(source)]).sum(0)
    levels = (energy / source.length).sqrt().tolist()
    seen: list[list[tuple[int, int, float]]] = [[] for _ in levels]
    for piece in pieces(source, margin, margin, round(_PIECE_S * rate)):
        for channel, level in enumerate(levels):
            if level:
                seen[channel] += _search(piece, channel, rate, level, 1 - sensitivity)
    joined = [_joined(one, round(_JOIN_S * rate)) for one in seen]
    found = sorted((start, end, channel, sure) for channel, one in enumerate(joined) for start, end, sure in one)
    spots: list[list[tuple[int, int]]] = [[] for _ in levels]
    findings = []
    for number, (start, end, channel, sure) in enumerate(found, 1):
        if number not in keep:
            spots[channel].append((start, end))
        note = "left alone" if number in keep else ""
        which = channel if source.channels > 1 else None
        findings.append(Finding("click", start / rate, end / rate, which, confidence=round(sure, 3), note=note))
    runs = (torch.tensor(one, dtype=torch.int64).view(-1, 2) for one in spots)
    return Damage(tuple(merged(one) for one in runs), tuple(findings))


def _search(piece: Piece, channel: int, rate: int, level: float, least: float) -> list[tuple[int, int, float]]:
    """Return first sample, end and confidence of each click that begins in a piece, in one channel."""
    part = cleaned = piece.samples[channel]
    for _ in range(_LOOKS):
        seen = candidates(part, cleaned, rate, level)
        sure = seen.confidence
        clicks = (sure > least).nonzero()[:, 0].tolist()
        cleaned = part.clone()
        for number in clicks:
            cleaned[seen.start[number] : seen.end[number]] = seen.filling[number]
    places = ((piece.low + int(seen.start[n]), piece.low + int(seen.end[n]), float(sure[n])) for n in clicks)
    return [one for one in places if piece.start <= one[0] < piece.end]


def _joined(found: list[tuple[int, int, float]], apart: int) -> list[tuple[int, int, float]]:
    """Return the clicks, those joined that are no more than `apart` samples apart; the surer one's confidence counts."""
    joined: list[tuple[int, int, float]] = []
    for start, end, sure in sorted(found):
        if joined and start <= joined[-1][1] + apart:
            first, last, other = joined.pop()
            joined.append((first, max(last, end), max(sure, other)))
        else:
            joined.append((start, end, sure))
    return joined


@dataclass(frozen=True)
class Predictor:
    """The prediction error filters of a sound, one a block; block t is centred on sample (t + ½)·hop.

    Attributes:
        hop: samples from block to block.
        filters: (block, order + 1), beginning with 1.
    """

    hop: int
    filters: Tensor

    @classmethod
    def of(cls, sound: Tensor, sample_rate: int) -> "Predictor":
        """Return the predictor of (time,) by the autocorrelation method."""
        hop = max(_ORDER, 2 * round(_BLOCK_S * sample_rate / 4))
        frames = _blocks(sound, hop, hop // 2) * torch.hann_window(2 * hop, dtype=sound.dtype)
        correlation = torch.fft.irfft(torch.fft.rfft(frames, 4 * hop).abs().square(), 4 * hop)[:, : _ORDER + 1]
        # Silence predicts itself; a hint of white noise keeps the rest well-conditioned.
        correlation[:, 0] = correlation[:, 0] * (1 + 1e-5) + 1e-20 + 1e-9 * correlation[:, 0].max()
        lag = torch.arange(_ORDER)
        matrix = correlation[:, (lag[:, None] - lag[None, :]).abs()]
        solved = torch.linalg.solve(matrix, -correlation[:, 1:, None])[..., 0]
        return cls(hop, functional.pad(solved, (1, 0), value=1.0))

    @property
    def weights(self) -> Tensor:
        """(block, order + 1): autocorrelation of the filters, a row of the precision of the sound in units of its error."""
        power = torch.fft.rfft(self.filters, 4 * _ORDER).abs().square()
        whole: Tensor = torch.fft.irfft(power, 4 * _ORDER)
        return whole[:, : _ORDER + 1]

    def errors(self, sound: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the errors of predicting (time,) from before and from after, and precision times sound: (time,) each."""
        weights = self.weights
        both = torch.cat([weights.flip(1)[:, :-1], weights], 1)
        blocks = _blocks(sound, self.hop, _ORDER)
        size = blocks.shape[1] + 2 * _ORDER + 1
        spectrum = torch.fft.rfft(blocks, size)

        def filtered(kernel: Tensor, delay: int) -> Tensor:
            whole: Tensor = torch.fft.irfft(spectrum * torch.fft.rfft(kernel, size), size)
            return whole[:, _ORDER + delay : _ORDER + delay + self.hop].reshape(-1)[: len(sound)]

        return filtered(self.filters, 0), filtered(self.filters.flip(1), _ORDER), filtered(both, _ORDER)


@dataclass(frozen=True)
class Candidates:
    """What may be clicks in a sound.

    Attributes:
        start: (number,), first sample of each.
        end: (number,), the sample after its last.
        filling: of each, what the samples around it foretell in its place.
        features: (number, 4), natural logarithms: the error over that left on the louder side of it when it is taken out;
            over the second-loudest of the errors further off, on the louder side; its length in ms; its height over the
            sound around it.
    """

    start: Tensor
    end: Tensor
    filling: list[Tensor]
    features: Tensor

    @property
    def confidence(self) -> Tensor:
        """(number,): how sure each is a click, 0 to 1."""
        return torch.sigmoid(self.features @ self.features.new_tensor(_WEIGHTS) + _BIAS)


def candidates(sound: Tensor, cleaned: Tensor, sample_rate: int, level: float) -> Candidates:
    """Return what may be clicks in (time,).

    Args:
        sound: to look at.
        cleaned: the same without the clicks that are known, to learn from.
        sample_rate: in Hz.
        level: root mean square of the whole recording.
    """
    predictor = Predictor.of(cleaned, sample_rate)
    before, after, pull = predictor.errors(sound)
    radius, core = (max(1, round(s * sample_rate)) for s in (_POOL_S, _CORE_S))
    error = torch.minimum(_pooled(before.abs(), radius), _pooled(after.abs(), radius))
    calm_before, calm_after, _ = predictor.errors(cleaned)
    calm = torch.minimum(_pooled(calm_before.abs(), radius), _pooled(calm_after.abs(), radius))
    usual = _running_median(calm, predictor.hop).clamp_min(_FLOOR * level)
    spread = (_running_median(calm_before.abs(), predictor.hop) / 0.6745).clamp_min(_FLOOR * level)
    place = ((error >= _pooled(error, core)) & (error > _LEAST * usual)).nonzero()[:, 0]
    place = place[functional.pad(place.diff() > core, (1, 0), value=True)] if len(place) else place  # of equals, the first
    if not len(place):
        return Candidates(place, place, [], sound.new_zeros(0, len(_WEIGHTS)))
    block = place // predictor.hop
    start, end, filling, strength = _extents(sound, pull, place, predictor.weights[block], spread[place], sample_rate)
    left = _beside(sound, start, end, filling, predictor.filters[block], sample_rate).clamp_min(spread[place])
    others = _slots(calm, place, sample_rate).clamp_min(usual[place])
    height = _height(sound, start, end, filling, sample_rate).clamp_min(_FLOOR)
    clear = (strength / left).clamp_max(_CLEAR)  # however clear, a pulse that comes again is none
    features = [clear, error[place] / others, 1000 * (end - start) / sample_rate, height]
    return Candidates(start, end, filling, torch.stack(features, 1).log())


def _extents(
    sound: Tensor, pull: Tensor, place: Tensor, weights: Tensor, spread: Tensor, rate: int
) -> tuple[Tensor, Tensor, list[Tensor], Tensor]:
    """Return start and end of each candidate, what belongs in between, and how much error goes with it.

    Freeing the samples of an interval I lowers the error's energy by dᵀ(B_II)⁻¹d = |L⁻¹d|², B = LLᵀ being the precision
    and d = (Bx)_I. The precision being Toeplitz, one L serves all starts, and partial sums of (L⁻¹d)² serve all ends.
    """
    reach, most = round(_BEFORE_S * rate), max(2, round(_LONGEST_S * rate))
    padded = functional.pad(pull, (reach, most))
    window = torch.stack([padded[at : at + reach + most + 1] for at in place.tolist()])  # from place − reach on
    columns = window.unfold(1, most, 1).mT  # (number, sample, start): start s lies s − reach after the place
    lag = torch.arange(most)
    lag = (lag[:, None] - lag[None, :]).abs()
    precision = functional.pad(weights, (0, max(0, most - _ORDER)))[:, lag]
    precision = precision + 1e-9 * weights[:, :1, None] * torch.eye(most, dtype=sound.dtype)
    factor = torch.linalg.cholesky(precision)
    gained = torch.linalg.solve_triangular(factor, columns[:, :, : reach + 1], upper=False).square().cumsum(1)
    worth = 0.5 * gained / spread[:, None, None].square() - _PRICE * torch.arange(1, most + 1)[:, None]
    # The loudest error belongs to the click: a start s samples after place − reach must last longer than reach − s.
    short = torch.arange(most)[:, None] < reach - torch.arange(reach + 1)[None, :]
    best = worth.masked_fill(short, -torch.inf).flatten(1).argmax(1)
    first, last = best % (reach + 1), best // (reach + 1)
    strength = gained.flatten(1).gather(1, best[:, None])[:, 0].sqrt()
    start = (place - reach + first).clamp_min(0)
    end = (place - reach + first + last + 1).clamp_max(len(sound))
    filling = []
    for number, (a, b) in enumerate(zip(start.tolist(), end.tolist(), strict=True)):
        change = torch.cholesky_solve(pull[a:b, None], factor[number, : b - a, : b - a])[:, 0]
        filling.append(sound[a:b] - change)
    return start, end, filling, strength


def _beside(sound: Tensor, start: Tensor, end: Tensor, filling: list[Tensor], filters: Tensor, rate: int) -> Tensor:
    """Return the root mean square error that is left beside each candidate when it is taken out, on the louder side."""
    near, found = round(_BESIDE_S * rate), []
    for a, b, inner, kernel in zip(start.tolist(), end.tolist(), filling, filters, strict=True):
        low = max(0, a - near - _ORDER)
        part = torch.cat([sound[low:a], inner, sound[b : b + near + _ORDER]])
        padded = functional.pad(part, (_ORDER, _ORDER))[None, None]
        from_before = functional.conv1d(padded, kernel.flip(0)[None, None])[0, 0, b - low : b - low + near]
        from_after = functional.conv1d(padded, kernel[None, None])[0, 0, _ORDER : _ORDER + a - low][-near:]
        found.append(max(float(one.square().sum()) / near for one in (from_before, from_after)) ** 0.5)
    return sound.new_tensor(found)


def _slots(error: Tensor, place: Tensor, rate: int) -> Tensor:
    """Return the second-largest error in the slots on one side of each candidate, of the louder side."""
    slot, clear = (max(1, round(s * rate)) for s in (_SLOT_S, _CLEAR_S))
    side = _SLOTS * slot
    padded = functional.pad(error, (clear + side, clear + side + 1))
    whole = torch.stack([padded[at : at + 2 * (clear + side) + 1] for at in place.tolist()])
    sides = torch.stack([whole[:, :side], whole[:, -side:]]).reshape(2, len(place), _SLOTS, slot).amax(3)
    second: Tensor = sides.sort(2, descending=True).values[..., 1]
    return second.amax(0)


def _height(sound: Tensor, start: Tensor, end: Tensor, filling: list[Tensor], rate: int) -> Tensor:
    """Return how far each candidate stands out of the sound around it: peak over root mean square."""
    reach, found = round(_AROUND_S * rate), []
    for a, b, inner in zip(start.tolist(), end.tolist(), filling, strict=True):
        around = torch.cat([sound[max(0, a - reach) : a], sound[b : b + reach]])
        loudness = float(around.square().sum() / max(1, len(around))) ** 0.5
        found.append(float((sound[a:b] - inner).abs().max()) / max(loudness, 1e-9))
    return sound.new_tensor(found)


def _blocks(sound: Tensor, hop: int, margin: int) -> Tensor:
    """Return the blocks of (time,): hop samples and a margin on either side, (block, hop + 2·margin)."""
    count = -(-len(sound) // hop)
    padded = functional.pad(sound, (margin, count * hop - len(sound) + margin))
    return padded.unfold(0, hop + 2 * margin, hop)


def _pooled(values: Tensor, radius: int) -> Tensor:
    """Return the largest of (time,) within a radius of each sample."""
    pooled: Tensor = functional.max_pool1d(functional.pad(values[None, None], (radius, radius)), 2 * radius + 1, 1)[0, 0]
    return pooled


def _running_median(values: Tensor, hop: int) -> Tensor:
    """Return the median of (time,) over blocks of two hops, drawn through by lines."""
    count = -(-len(values) // hop)
    padded = functional.pad(values, (0, count * hop - len(values)), value=torch.nan)
    medians = padded.view(count, hop).nanmedian(1).values
    return functional.interpolate(medians[None, None], size=count * hop, mode="linear")[0, 0, : len(values)]
