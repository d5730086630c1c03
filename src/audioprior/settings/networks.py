"""What can be decided of a network that draws a whole picture, one dataclass each; `settings/priors.py` has the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from audioprior.settings.priors import PriorSettings

if TYPE_CHECKING:
    from torch import Generator

    from audioprior.model.prior import Learned, Prior


@dataclass(frozen=True, kw_only=True)
class Dcgan(PriorSettings):
    """The generator of DCGAN: a random vector, projected, then transposed convolutions with batch norm.

    Attributes:
        latent: numbers in the random input.
        filters: channels before the last layer; each earlier layer has twice as many.
        levels: transposed convolutions, each doubling the picture.
        slope: of the leaky rectifier below zero.
        learning_rate: of Adam.
        average: weight of the past in the running average of outputs; 0 for none.
    """

    kind: Literal["dcgan"] = "dcgan"
    latent: int = 100
    filters: int = 16
    levels: int = 5
    slope: float = 0.2
    learning_rate: float = 2e-3
    average: float = 0.0

    def build(self, *, planned_steps: int, generators: "Sequence[Generator]", start: "Learned | None" = None) -> "Prior":
        from audioprior.priors.dcgan import DcganPrior

        return DcganPrior(
            latent=self.latent,
            filters=self.filters,
            levels=self.levels,
            slope=self.slope,
            learning_rate=self.learning_rate,
            average=self.average,
            generator=generators[0],
        )


@dataclass(frozen=True, kw_only=True)
class Skip(PriorSettings):
    """The hourglass of Deep Image Prior, with fixed bilinear up-sampling.

    Attributes:
        input_channels: pictures of random numbers that it starts from.
        filters: channels of each scale.
        skip_filters: channels carried past each scale.
        levels: scales.
        jitter: standard deviation of the noise added to the input at each step.
        learning_rate: of Adam.
        average: weight of the past in the running average of outputs; 0 for none.
    """

    kind: Literal["skip"] = "skip"
    input_channels: int = 8
    filters: int = 8
    skip_filters: int = 4
    levels: int = 4
    jitter: float = 0.03
    learning_rate: float = 1e-2
    average: float = 0.9

    def build(self, *, planned_steps: int, generators: "Sequence[Generator]", start: "Learned | None" = None) -> "Prior":
        from audioprior.priors.skip import SkipPrior

        return SkipPrior(
            input_channels=self.input_channels,
            filters=self.filters,
            skip_filters=self.skip_filters,
            levels=self.levels,
            jitter=self.jitter,
            learning_rate=self.learning_rate,
            average=self.average,
            generator=generators[0],
        )


@dataclass(frozen=True, kw_only=True)
class Temporal(PriorSettings):
    """Few spectra whose activities a small network of convolutions over time draws.

    Attributes:
        rank: spectra.
        taps: frames that each spectrum lasts.
        filters: channels of the network.
        levels: doublings of time, each by fixed linear interpolation.
        jitter: standard deviation of the noise added to the input at each step.
        learning_rate: of Adam.
        average: weight of the past in the running average of outputs; 0 for none.
    """

    kind: Literal["temporal"] = "temporal"
    rank: int = 16
    taps: int = 1
    filters: int = 32
    levels: int = 2
    jitter: float = 0.03
    learning_rate: float = 1e-2
    average: float = 0.9

    def build(self, *, planned_steps: int, generators: "Sequence[Generator]", start: "Learned | None" = None) -> "Prior":
        from audioprior.priors.temporal import TemporalPrior

        return TemporalPrior(
            rank=self.rank,
            taps=self.taps,
            filters=self.filters,
            levels=self.levels,
            jitter=self.jitter,
            learning_rate=self.learning_rate,
            average=self.average,
            generator=generators[0],
        )


@dataclass(frozen=True, kw_only=True)
class Harmonic(PriorSettings):
    """Convolutions whose taps lie at the harmonics of a frequency in place of its neighbours.

    Attributes:
        input_channels: pictures of random numbers that it starts from.
        filters: channels.
        harmonics: taps k = 1 … of a kernel, at k/n times the frequency.
        anchors: n = 1 … of a kernel: which of its own harmonics a frequency is taken for.
        layers: harmonic convolutions, one after the other.
        jitter: standard deviation of the noise added to the input at each step.
        learning_rate: of Adam.
        average: weight of the past in the running average of outputs; 0 for none.
    """

    kind: Literal["harmonic"] = "harmonic"
    input_channels: int = 4
    filters: int = 8
    harmonics: int = 4
    anchors: int = 2
    layers: int = 2
    jitter: float = 0.03
    learning_rate: float = 1e-2
    average: float = 0.9

    def build(self, *, planned_steps: int, generators: "Sequence[Generator]", start: "Learned | None" = None) -> "Prior":
        from audioprior.priors.harmonic import HarmonicPrior

        return HarmonicPrior(
            input_channels=self.input_channels,
            filters=self.filters,
            harmonics=self.harmonics,
            anchors=self.anchors,
            layers=self.layers,
            jitter=self.jitter,
            learning_rate=self.learning_rate,
            average=self.average,
            generator=generators[0],
        )


@dataclass(frozen=True, kw_only=True)
class Dilated(PriorSettings):
    """An hourglass of densely connected convolutions with holes that grow by powers of two.

    Attributes:
        input_channels: pictures of random numbers that it starts from.
        filters: channels of each scale.
        growth: channels that each convolution of a dense block adds.
        dilations: convolutions in a dense block; the holes of each are twice those of the one before.
        levels: scales.
        jitter: standard deviation of the noise added to the input at each step.
        learning_rate: of Adam.
        average: weight of the past in the running average of outputs; 0 for none.
    """

    kind: Literal["dilated"] = "dilated"
    input_channels: int = 8
    filters: int = 8
    growth: int = 4
    dilations: int = 3
    levels: int = 3
    jitter: float = 0.03
    learning_rate: float = 1e-2
    average: float = 0.9

    def build(self, *, planned_steps: int, generators: "Sequence[Generator]", start: "Learned | None" = None) -> "Prior":
        from audioprior.priors.dilated import DilatedPrior

        return DilatedPrior(
            input_channels=self.input_channels,
            filters=self.filters,
            growth=self.growth,
            dilations=self.dilations,
            levels=self.levels,
            jitter=self.jitter,
            learning_rate=self.learning_rate,
            average=self.average,
            generator=generators[0],
        )


@dataclass(frozen=True, kw_only=True)
class Recurrent(PriorSettings):
    """Gated recurrent cells that run over random numbers, forwards and backwards in time.

    Attributes:
        inputs: random numbers a frame.
        hidden: cells in each direction.
        stride: frames from one turn of the cells to the next; the frames between are interpolated.
        jitter: standard deviation of the noise added to the input at each step.
        learning_rate: of Adam.
        average: weight of the past in the running average of outputs; 0 for none.
    """

    kind: Literal["recurrent"] = "recurrent"
    inputs: int = 16
    hidden: int = 16
    stride: int = 4
    jitter: float = 0.03
    learning_rate: float = 1e-2
    average: float = 0.9

    def build(self, *, planned_steps: int, generators: "Sequence[Generator]", start: "Learned | None" = None) -> "Prior":
        from audioprior.priors.recurrent import RecurrentPrior

        return RecurrentPrior(
            inputs=self.inputs,
            hidden=self.hidden,
            stride=self.stride,
            jitter=self.jitter,
            learning_rate=self.learning_rate,
            average=self.average,
            generator=generators[0],
        )
