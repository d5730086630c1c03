"""What can be decided of a prior, one dataclass each, which builds it; no torch before that, for a quick `--help`.

A prior itself knows nothing of these: `build` hands it its sizes, one by one. Networks that draw a whole picture have a file
of their own, `settings/networks.py`.
"""

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

        return BlindSpotPrior(
            hidden=self.hidden,
            batch_bins=self.batch_bins,
            learning_rate=self.learning_rate,
            planned_steps=planned_steps,
            generators=generators,
            start=start,
        )


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

        return NmfPrior(rank=self.rank, generators=generators, start=start)


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

        return ConsensusPrior(
            hidden=self.network.hidden,
            batch_bins=self.network.batch_bins,
            learning_rate=self.network.learning_rate,
            ranks=self.ranks,
            nmf_share=self.nmf_share,
            planned_steps=planned_steps,
            generators=generators,
            start=start,
        )


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
