"""Runs one system on one recording: what it gives, how long it takes, and its scores where there is a clean reference.

The command and the tables of `make bench` both measure by this.
"""

import contextlib
import io
import math
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from audioprior.compare import metrics
from audioprior.compare.systems import System


@dataclass(frozen=True)
class Score:
    """A figure for how near a sound is to a clean reference.

    Attributes:
        label: its usual name.
        higher: whether more is better.
        digits: worth showing after the point.
        about: what it says, in a sentence.
        of: gives it for a reference and an estimate, (channel, time) each, and a rate in Hz.
    """

    label: str
    higher: bool
    digits: int
    about: str
    of: Callable[[Tensor, Tensor, int], float]


SCORES = {
    "si_sdr": Score(
        "SI-SDR",
        True,
        1,
        "Scale-invariant signal-to-distortion ratio in dB: what is the clean sound over all that is not. In brackets, the "
        "gain over the recording as it is.",
        lambda clean, other, _: metrics.si_sdr(clean, other),
    ),
    "lsd": Score(
        "LSD",
        False,
        1,
        "Log-spectral distance in dB: how far the levels of the spectrogram are from the clean ones.",
        metrics.log_spectral_distance,
    ),
    "pesq": Score(
        "PESQ",
        True,
        2,
        "Quality of speech as listeners would rate it, 1 to 4.6, at 16 kHz. It says nothing about other sounds.",
        metrics.pesq,
    ),
    "stoi": Score(
        "STOI",
        True,
        3,
        "How well speech can be understood, 0 to 1. It says nothing about other sounds.",
        metrics.stoi,
    ),
    "visqol": Score(
        "ViSQOL",
        True,
        2,
        "Quality of any sound as listeners would rate it, 1 to about 4.7, by its audio mode at 48 kHz.",
        metrics.visqol,
    ),
}


@dataclass(frozen=True)
class Measured:
    """What a system made of a recording.

    Attributes:
        samples: (channel, time), as long as the recording.
        seconds: that it took, by the clock.
        cpu_seconds: that processors spent on it, in this process.
        scores: by their names in `SCORES`; empty without a reference.
        unscored: why a score that was asked for is not there, a sentence each.
    """

    samples: Tensor
    seconds: float
    cpu_seconds: float
    scores: dict[str, float] = field(default_factory=dict)
    unscored: dict[str, str] = field(default_factory=dict)


def measure(
    system: System, samples: Tensor, sample_rate: int, *, clean: Tensor | None = None, scores: Sequence[str] = tuple(SCORES)
) -> Measured:
    """Run a system and score what it gives. The system is given the samples and the rate, and never the reference.

    Args:
        system: which.
        samples: (channel, time), full scale 1.0.
        sample_rate: in Hz.
        clean: the reference, of the same shape.
        scores: which to take, where there is a reference.

    Raises:
        ValueError: what the system gives is of another shape, or holds values that are no numbers.
        Exception: whatever the system raises.
    """
    with _quiet():
        system.load()
        started, cpu = time.perf_counter(), time.process_time()
        restored = system.restore(samples.clone(), sample_rate)  # nothing that it does in place reaches the next one
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - cpu
    if restored.shape != samples.shape:
        raise ValueError(f"it gave samples of shape {tuple(restored.shape)} for {tuple(samples.shape)}")
    if not restored.isfinite().all():
        raise ValueError("it gave samples that are NaN or infinite")
    found, unscored = scored(clean, restored, sample_rate, scores) if clean is not None else ({}, {})
    return Measured(restored, seconds, cpu_seconds, found, unscored)


def scored(
    clean: Tensor, other: Tensor, sample_rate: int, scores: Sequence[str] = tuple(SCORES)
) -> tuple[dict[str, float], dict[str, str]]:
    """Return the scores of a sound, and why some could not be taken: too short, no speech, a package that is missing.

    Args:
        clean: the reference, (channel, time).
        other: the same shape.
        sample_rate: in Hz.
        scores: which to take.
    """
    found: dict[str, float] = {}
    unscored: dict[str, str] = {}
    for name in scores:
        score = SCORES[name]
        try:
            with _quiet():
                warnings.filterwarnings("error", message="Not enough STFT frames")  # STOI then returns a number all the same
                value = score.of(clean, other, sample_rate)
            if math.isfinite(value):
                found[name] = value
            else:
                unscored[name] = f"{score.label} has no value here."
        except ModuleNotFoundError as error:
            unscored[name] = f"{score.label} needs the package {error.name}; `pip install 'audioprior[metrics]'` brings it."
        except Exception as error:  # each package has its own: no utterance, too short, too few frames
            unscored[name] = f"{score.label} failed: {kind_and_text(error)}."
    return found, unscored


def kind_and_text(error: BaseException) -> str:
    """Return an error's kind and text in one line, without a point."""
    text = " ".join(str(error).split()).rstrip(".")
    return f"{type(error).__name__} ({text})" if text else type(error).__name__


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep other people's warnings and prints to themselves: standard output is for data."""
    with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
        warnings.simplefilter("ignore")
        yield
