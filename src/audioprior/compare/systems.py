"""What can be compared, by task and name: this project's methods, what was used before, and other people's packages.

Each is a function of (channel, time) float64 samples and a rate in Hz. None is given anything else: no clean reference.
A task that has something to be compared with has a line in `LINEUPS`; any other needs nothing here.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from audioprior.classical import autoregression, spade
from audioprior.compare.peers import PEERS, Peer, by_channel
from audioprior.damage.clipping import find_clipping
from audioprior.damage.gaps import find_gaps
from audioprior.errors import SettingsError
from audioprior.restoring.job import finish, start
from audioprior.settings.methods import Method
from audioprior.settings.presets import DESCRIPTIONS, METHODS
from audioprior.settings.priors import Nmf
from audioprior.sound.recording import Recording
from audioprior.sound.spectrum import Transform
from audioprior.tasks import TASKS, Run

_SPADE_MS = 64.0


@dataclass(frozen=True)
class System:
    """A way to restore.

    Attributes:
        name: what to call it.
        restore: gives the restored (channel, time) samples for samples and a rate in Hz.
        about: what it is, in a line.
        trained: on what it was trained, "" where it learns from nothing but the recording.
        load: imports what it needs, so that this is not counted as its work.
    """

    name: str
    restore: Callable[[Tensor, int], Tensor]
    about: str = ""
    trained: str = ""
    load: Callable[[], None] = lambda: None


def a_spade(samples: Tensor, rate: int) -> Tensor:
    """Declip by sparsity; the level is found as this project's methods find it."""
    bounds, window = find_clipping(Recording(samples, rate)).at(0, samples), Transform.of(rate, _SPADE_MS).window
    channels = zip(samples, bounds.low, bounds.high, strict=True)
    return torch.stack([spade.declip(channel, low, high, window) for channel, low, high in channels])


def janssen(samples: Tensor, rate: int) -> Tensor:
    """Fill gaps by linear prediction; they are found as this project's methods find them."""
    found = find_gaps(Recording(samples, rate))
    gaps = [[(start, end) for start, end in spots.tolist()] for spots in found.spots]
    return torch.stack([autoregression.interpolate(x, own, rate) for x, own in zip(samples, gaps, strict=True)])


@dataclass(frozen=True)
class Lineup:
    """What is set side by side for a task.

    Attributes:
        methods: of this project's, those that run when none are asked for: not the slow networks.
        others: what else does the task, by name; all that is installed runs when none are asked for.
    """

    methods: tuple[str, ...]
    others: Mapping[str, Peer | System]


# The order is that of the page without a reference.
LINEUPS = {
    "denoise": Lineup(("consensus", "best", "fast", "nmf", "free", "log-mmse", "nlm"), PEERS),
    "declip": Lineup(
        ("nmf", "temporal", "free"),
        {"a-spade": System("a-spade", a_spade, "classical: declipping by sparsity (Kitić et al. 2015)")},
    ),
    "inpaint": Lineup(
        ("nmf", "temporal", "free"),
        {"janssen": System("janssen", janssen, "classical: linear prediction (Janssen et al. 1986)")},
    ),
}


def names(task: str = "denoise") -> list[str]:
    """Return the names of all that can do a task, whether what they need is installed or not.

    Raises:
        SettingsError: nothing can be compared for the task.
    """
    return [*_methods(task), *_lineup(task).others]


def installed(task: str = "denoise") -> list[str]:
    """Return the names that a comparison takes when none are asked for: all of the lineup that is here.

    Raises:
        SettingsError: nothing can be compared for the task.
    """
    lineup = _lineup(task)
    missing = {name for name, other in lineup.others.items() if isinstance(other, Peer) and other.missing()}
    return [name for name in (*lineup.methods, *lineup.others) if name not in missing]


def chosen(wanted: Sequence[str], task: str = "denoise") -> list[System]:
    """Return systems by their names, each once.

    Raises:
        SettingsError: there is none of a name, or its package is not installed.
    """
    return [system(name, task) for name in dict.fromkeys(wanted)]


def system(name: str, task: str = "denoise") -> System:
    """Return a system by its name; "nmf-N" is the control `nmf` with N spectra, to denoise.

    Raises:
        SettingsError: there is none of that name, or its package is not installed.
    """
    lineup = _lineup(task)
    if task == "denoise" and name.startswith("nmf-") and name[4:].isdecimal() and int(name[4:]):
        rank = int(name[4:])
        return System(name, _ours(replace(METHODS["nmf"], prior=Nmf(rank=rank)), task), f"control: {rank} spectra")
    if name not in names(task):
        raise SettingsError(f"there is no system {name!r} to {task}; choose from {', '.join(names(task))}.")
    other = lineup.others.get(name)
    if isinstance(other, Peer):
        return _peer(name, other)
    return other or System(name, _ours(name, task), DESCRIPTIONS[name])


def _lineup(task: str) -> Lineup:
    if task not in LINEUPS:
        raise SettingsError(f"systems to {task} cannot be compared; choose one of {', '.join(LINEUPS)}.")
    return LINEUPS[task]


def _methods(task: str) -> list[str]:
    """Return the names of this project's methods for a task."""
    found = []
    for name in METHODS:
        with suppress(SettingsError):
            TASKS[task].preset(name)
            found.append(name)
    return found


def _peer(name: str, peer: Peer) -> System:
    if missing := peer.missing():
        if not peer.package:
            raise SettingsError(f"{name} needs the program {missing}, which is not here; install it or leave {name} out.")
        raise SettingsError(
            f"{name} needs the package {missing}, which is not here; "
            f"`pip install 'audioprior[compare]'` brings it, or leave {name} out."
        )
    return System(name, by_channel(peer.function), peer.about, peer.trained, peer.load)


def _ours(choice: str | Method, task: str) -> Callable[[Tensor, int], Tensor]:
    run = Run.of(TASKS[task](), choice)

    def restored(samples: Tensor, rate: int) -> Tensor:
        return finish(start(Recording(samples, rate), run)).restored.samples

    return restored


def nothing_to_do(recording: Recording, task: str) -> bool:
    """Whether a task finds nothing in a recording that it could work on: its job is then over before the first step."""
    return start(recording, Run.of(TASKS[task]())).complete
