"""Missing samples: what lies in the gaps follows from λ and from all that was heard around them."""

import torch
from torch import Tensor

from audioprior.model.evidence import Evidence
from audioprior.model.gaussian import Frames, Posterior, condition
from audioprior.model.observation import Estimate

_SAMPLES = 12  # of the posterior, for the variance of each bin
_LEAST_HEARD = 0.5  # of a frame, whose power can be scaled up to the whole's
_BRIDGE_WEIGHT = 0.1  # of a frame that was not heard, in the first fit
_FLOOR = 1e-5  # of the mean power, added to every bin


class GapObservation:
    """Some samples of the recording are missing, and all others are exact. Computed in the samples' precision.

    Attributes:
        renew_every: after how many steps of the prior to infer the missing samples anew.
    """

    def __init__(
        self,
        samples: Tensor,
        missing: Tensor,
        frames: Frames,
        *,
        start: Tensor,
        renew_every: int,
        generator: torch.Generator,
        fill: str = "mean",
    ) -> None:
        """Take in a recording.

        Args:
            samples: (channel, time), float64 or float32; missing ones are not read.
            missing: (channel, time), true where a sample is missing.
            frames: the windows.
            start: (channel, time), with a first guess at the missing samples.
            renew_every: steps between two inferences.
            generator: of the posterior samples.
            fill: "mean", the most faithful, or "sample", one of the plausible sounds, which keeps its energy in long gaps.
        """
        self.renew_every = renew_every
        self._samples, self._frames, self._start, self._fill = samples, frames, start, fill
        self._places = [channel.nonzero()[:, 0] for channel in missing]
        self._generator = generator
        self._silent = not bool(start[missing].any())
        # How much of each frame was heard: the first fit does not trust the guesses.
        shape = frames.shape.square()
        heard = 1 - frames.cut(missing.double()) @ shape / shape.sum()
        self._heard = heard[:, None, :]

    def expect(self, prior_power: Tensor | None) -> Evidence:
        """Return the posterior power of every frame, |mean|² + variance; before there is a λ, the first guess's."""
        if prior_power is None:
            power, weight = self._frames.analyse(self._start).abs().square(), self._heard.square()
            if self._silent:  # a frame of which half was heard holds half of its power
                power, weight = self._bridge(power), weight.clamp_min(_BRIDGE_WEIGHT)
        else:
            power = torch.stack(
                [self._expected(channel, drawn) for channel, drawn in enumerate(prior_power[0].to(self._samples))]
            )
            weight = torch.ones_like(power)
        power = (power + _FLOOR * power.mean() + 1e-30).float()[None]
        return Evidence(power, weight.float().expand_as(power[0])[None], torch.zeros_like(power))

    def estimate(self, prior_power: Tensor) -> Estimate:
        """Return the recording with the missing samples inferred."""
        sound, variances = self._samples.clone(), []
        for channel, power in enumerate(prior_power[0].to(self._samples)):
            place = self._places[channel]
            if not len(place):
                continue
            known = self._posterior(channel, power)
            deviations = known.deviations(_SAMPLES, self._generator)
            sound[channel, place] = self._allowed(channel, known.mean + deviations[0] * (self._fill == "sample"))
            variances.append(deviations.square().mean())
        return Estimate(sound, float(torch.stack(variances).mean()) if variances else 0.0)

    def _bridge(self, power: Tensor) -> Tensor:
        return torch.stack([_bridged(channel, heard) for channel, heard in zip(power, self._heard[:, 0], strict=True)])

    def _expected(self, channel: int, power: Tensor) -> Tensor:
        place, sound = self._places[channel], self._samples[channel].clone()
        if not len(place):
            return self._frames.analyse(sound).abs().square()
        known = self._posterior(channel, power)
        sound[place] = self._allowed(channel, known.mean)
        total = self._frames.analyse(sound).abs().square()
        for deviation in known.deviations(_SAMPLES, self._generator):
            spread = torch.zeros_like(sound)
            spread[place] = deviation
            total += self._frames.analyse(spread).abs().square() / _SAMPLES
        return total

    def _posterior(self, channel: int, power: Tensor) -> Posterior:
        return condition(self._samples[channel], self._places[channel], self._frames, power).posterior()

    def _allowed(self, channel: int, inferred: Tensor) -> Tensor:  # noqa: ARG002 (for observations that bound samples)
        """Return inferred samples as far as they agree with the observation."""
        return inferred


def _bridged(power: Tensor, heard: Tensor) -> Tensor:
    """Return the whole power of frames of which only a share was heard.

    Frames that were hardly heard get what lies on the line between the nearest others, in each frequency: λ has to begin
    somewhere near the truth, as what starts at nothing stays there for many rounds.

    Args:
        power: (frequency, frame), of what was heard.
        heard: (frame,), the share that was.
    """
    whole = power / heard.clamp_min(_LEAST_HEARD)
    known = heard >= _LEAST_HEARD
    if not known.any():
        return whole
    here, places = torch.arange(len(heard)), known.nonzero()[:, 0]
    after = torch.searchsorted(places, here)
    left, right = places[(after - 1).clamp_min(0)], places[after.clamp_max(len(places) - 1)]
    share = ((here - left) / (right - left).clamp_min(1)).clamp(0, 1).to(whole)
    bridge = torch.lerp(whole[:, left], whole[:, right], share)
    return torch.where(known, whole, bridge)
