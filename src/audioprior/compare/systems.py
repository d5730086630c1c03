"""What can be compared, by task and name: this project's methods, what was used before, and other people's packages.

Each is a function of (channel, time) float64 samples and a rate in Hz. None is given anything else: no clean reference.
"""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from audioprior import restore
from audioprior.classical import autoregression, spade
from audioprior.compare.peers import PEERS, by_channel
from audioprior.damage.clipping import find_clipping
from audioprior.damage.findings import Damage
from audioprior.damage.gaps import find_gaps
from audioprior.errors import SettingsError
from audioprior.settings.methods import Method, Nmf
from audioprior.settings.presets import DESCRIPTIONS, METHODS, method
from audioprior.sound.recording import Recording
from audioprior.sound.spectrum import Transform
from audioprior.tasks import TASKS

# The slow networks run when asked for by name. The order is that of the page without a reference.
DEFAULTS: dict[str, tuple[str, ...]] = {
    "denoise": ("consensus", "best", "fast", "nmf", "free", "log-mmse", "nlm", *PEERS),
    "declip": ("nmf", "temporal", "free", "a-spade"),
    "inpaint": ("nmf", "temporal", "free", "janssen"),
}
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


def names(task: str = "denoise") -> list[str]:
    """Return the names of all that can do a task, whether what they need is installed or not."""
    others = {"denoise": tuple(PEERS), "declip": ("a-spade",), "inpaint": ("janssen",)}
    return [*_methods(task), *others[task]]


def installed(task: str = "denoise") -> list[str]:
    """Return the names that a comparison takes when none are asked for: all of `DEFAULTS` that is here.

    Raises:
        SettingsError: the task is none of those.
    """
    _check(task)
    return [name for name in DEFAULTS[task] if name not in PEERS or not PEERS[name].missing()]


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
    _check(task)
    if task == "denoise" and name.startswith("nmf-") and name[4:].isdecimal() and int(name[4:]):
        rank = int(name[4:])
        return System(name, _ours(replace(METHODS["nmf"], prior=Nmf(rank=rank)), task), f"control: {rank} spectra")
    if name not in names(task):
        raise SettingsError(f"there is no system {name!r} to {task}; choose from {', '.join(names(task))}.")
    if name in PEERS:
        return _peer(name)
    classical = {"a-spade": System(name, a_spade, "classical: declipping by sparsity (Kitić et al. 2015)"),
                 "janssen": System(name, janssen, "classical: linear prediction (Janssen et al. 1986)")}  # fmt: skip
    return classical.get(name) or System(name, _ours(name, task), DESCRIPTIONS[name])


def _check(task: str) -> None:
    if task not in DEFAULTS:
        raise SettingsError(f"systems to {task} cannot be compared; choose one of {', '.join(DEFAULTS)}.")


def _methods(task: str) -> list[str]:
    """Return the names of this project's methods for a task."""
    found = []
    for name in METHODS:
        with suppress(SettingsError):
            method(name, task)
            found.append(name)
    return found


def _peer(name: str) -> System:
    peer = PEERS[name]
    if missing := peer.missing():
        if not peer.package:
            raise SettingsError(f"{name} needs the program {missing}, which is not here; install it or leave {name} out.")
        raise SettingsError(
            f"{name} needs the package {missing}, which is not here; "
            f"`pip install 'audioprior[compare]'` brings it, or leave {name} out."
        )
    return System(name, by_channel(peer.function), peer.about, peer.trained, peer.load)


def _ours(choice: str | Method, task: str) -> Callable[[Tensor, int], Tensor]:
    settings = TASKS[task]()

    def run(samples: Tensor, rate: int) -> Tensor:
        job = restore.start(Recording(samples, rate), restore.resolve(choice, settings))
        for _ in job:
            pass
        return job.result().restored.samples

    return run


def damage(recording: Recording, task: str) -> Damage | None:
    """Return what a task finds damaged in a recording, None where it does not look for damage."""
    return {"declip": find_clipping, "inpaint": find_gaps}[task](recording) if task in ("declip", "inpaint") else None


def a_spade(samples: Tensor, rate: int) -> Tensor:
    """Declip by sparsity; the level is found as this project's methods find it."""
    bounds, window = find_clipping(Recording(samples, rate)).at(0, samples), Transform.of(rate, _SPADE_MS).window
    return torch.stack([spade.declip(*one, window) for one in zip(samples, bounds.low, bounds.high, strict=True)])


def janssen(samples: Tensor, rate: int) -> Tensor:
    """Fill gaps by linear prediction; they are found as this project's methods find them."""
    found = find_gaps(Recording(samples, rate))
    gaps = [[(start, end) for start, end in spots.tolist()] for spots in found.spots]
    return torch.stack([autoregression.interpolate(one, own, rate) for one, own in zip(samples, gaps, strict=True)])
