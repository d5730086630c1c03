"""What can be decided of a prior, one dataclass each, which builds it; no torch before that, for a quick `--help`."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, Literal

from audioprior.settings.json import Choice

if TYPE_CHECKING:
    from torch import Generator

    from audioprior.model.prior import Learned, Prior


class PriorSettings(Choice):
    """Which prior draws the power of the clean sound, and its sizes."""

    batched: ClassVar[bool] = False  # whether each recording of a batch has weights of its own; if so, it is `Carrying`

    def build(self, *, planned_steps: int, generators: "Sequence[Generator]", start: "Learned | None" = None) -> "Prior":
        """Return a prior that has not seen anything yet.

        Args:
            planned_steps: the most steps that will be taken, for priors that slow down towards the end.
            generators: of all its random numbers, on the CPU; one for each recording of a batch if `batched`, else one.
            start: what a prior of this kind had learned, to start from; only `batched` priors take it.
        """
        raise NotImplementedError


@dataclass(frozen=True, kw_only=True)
class BlindSpot(PriorSettings):
    """A small network that guesses each bin from its neighbours and never from itself.

    Attributes:
        hidden: units in each of two hidden layers.
        batch_bins: random bins in a step.
        learning_rate: of Adam at the start; it falls to zero along a cosine.
    """

    batched: ClassVar[bool] = True
    kind: Literal["blindspot"] = "blindspot"
    hidden: int = 48
    batch_bins: int = 2048
    learning_rate: float = 5e-3

    def build(self, *, planned_steps: int, generators: "Sequence[Generator]", start: "Learned | None" = None) -> "Prior":
        from audioprior.priors.blindspot import BlindSpotPrior

        return BlindSpotPrior(self, planned_steps, generators, start)


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

        return DcganPrior(self, generators[0])


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

        return SkipPrior(self, generators[0])


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

        return TemporalPrior(self, generators[0])


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

        return HarmonicPrior(self, generators[0])


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

        return DilatedPrior(self, generators[0])


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

        return RecurrentPrior(self, generators[0])


@dataclass(frozen=True, kw_only=True)
class Nmf(PriorSettings):
    """Non-negative matrix factorisation, the control: sound as few spectra, each with one activity over time.

    Attributes:
        rank: number of spectra.
    """

    batched: ClassVar[bool] = True
    kind: Literal["nmf"] = "nmf"
    rank: int = 8

    def build(self, *, planned_steps: int, generators: "Sequence[Generator]", start: "Learned | None" = None) -> "Prior":
        from audioprior.priors.nmf import NmfPrior

        return NmfPrior(self, generators, start)


@dataclass(frozen=True, kw_only=True)
class Consensus(PriorSettings):
    """Sound is what continues (a blind-spot network) and repeats (factorisations).

    Attributes:
        network: the blind-spot network.
        ranks: of the factorisations.
        nmf_share: updates of each factorisation for each step of the network.
    """

    batched: ClassVar[bool] = True
    kind: Literal["consensus"] = "consensus"
    network: BlindSpot = field(default_factory=BlindSpot)
    ranks: tuple[int, ...] = (2, 4, 6, 10)
    nmf_share: float = 0.25

    def build(self, *, planned_steps: int, generators: "Sequence[Generator]", start: "Learned | None" = None) -> "Prior":
        from audioprior.priors.consensus import ConsensusPrior

        return ConsensusPrior(self, planned_steps, generators, start)


@dataclass(frozen=True, kw_only=True)
class Free(PriorSettings):
    """No prior at all, the control: the power that was heard less the noise's."""

    kind: Literal["free"] = "free"

    def build(self, *, planned_steps: int, generators: "Sequence[Generator]", start: "Learned | None" = None) -> "Prior":
        from audioprior.priors.free import FreePrior

        return FreePrior()


@dataclass(frozen=True, kw_only=True)
class DecisionDirected(PriorSettings):
    """Classical: the last frame's restored power foretells this frame's."""

    kind: Literal["decision-directed"] = "decision-directed"

    def build(self, *, planned_steps: int, generators: "Sequence[Generator]", start: "Learned | None" = None) -> "Prior":
        from audioprior.priors.decision_directed import DecisionDirectedPrior

        return DecisionDirectedPrior()


@dataclass(frozen=True, kw_only=True)
class NonlocalMeans(PriorSettings):
    """Classical: a bin is the mean of bins whose surroundings look alike."""

    kind: Literal["nonlocal-means"] = "nonlocal-means"

    def build(self, *, planned_steps: int, generators: "Sequence[Generator]", start: "Learned | None" = None) -> "Prior":
        from audioprior.priors.nonlocal_means import NonlocalMeansPrior

        return NonlocalMeansPrior()
