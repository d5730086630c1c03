"""Priors: what draws λ, the power of the clean sound, one idea a file.

All are untrained and all see one recording. To add one: a file here with a class that has the two verbs of `Prior`, its
settings in `prior_settings.py`, and its line in `build`; the tests then run it by themselves.
"""

from collections.abc import Sequence

import torch

from audioprior.errors import SettingsError
from audioprior.model.prior import Learned, Prior
from audioprior.settings import methods as s

SEPARATE = (s.BlindSpot, s.Consensus, s.Nmf)
"""Priors in which each recording of a batch has weights and random numbers of its own; all are `Carrying`."""


def build(
    settings: s.PriorSettings,
    *,
    planned_steps: int,
    generators: Sequence[torch.Generator],
    start: Learned | None = None,
) -> Prior:
    """Return a prior that has not seen anything yet.

    Args:
        settings: which, and its sizes.
        planned_steps: the most steps that will be taken, for priors that slow down towards the end.
        generators: the source of all its random numbers, on the CPU; one for each recording of a batch, of which only
            `SEPARATE` priors take several.
        start: what a prior of this kind had learned, to start from; only `SEPARATE` priors take it.
    """
    from audioprior.priors import (
        blindspot,
        consensus,
        dcgan,
        decision_directed,
        dilated,
        free,
        harmonic,
        nmf,
        nonlocal_means,
        recurrent,
        skip,
        temporal,
    )

    generator = generators[0]
    match settings:
        case s.BlindSpot():
            return blindspot.BlindSpotPrior(settings, planned_steps, generators, start)
        case s.DecisionDirected():
            return decision_directed.DecisionDirectedPrior()
        case s.NonlocalMeans():
            return nonlocal_means.NonlocalMeansPrior()
        case s.Consensus():
            return consensus.ConsensusPrior(settings, planned_steps, generators, start)
        case s.Dcgan():
            return dcgan.DcganPrior(settings, generator)
        case s.Skip():
            return skip.SkipPrior(settings, generator)
        case s.Temporal():
            return temporal.TemporalPrior(settings, generator)
        case s.Harmonic():
            return harmonic.HarmonicPrior(settings, generator)
        case s.Dilated():
            return dilated.DilatedPrior(settings, generator)
        case s.Recurrent():
            return recurrent.RecurrentPrior(settings, generator)
        case s.Nmf():
            return nmf.NmfPrior(settings, generators, start)
        case s.Free():
            return free.FreePrior()
        case _:
            raise SettingsError(f"{settings!r} is no known prior; add it to priors/__init__.py.")
