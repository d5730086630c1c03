"""Inpainting: gaps are filled, or regions of time and frequency turned down to the sound that lay under them."""

from typing import cast

from audioprior.damage.gaps import find_gaps, marked
from audioprior.errors import SettingsError
from audioprior.restoring.region import Uncovering
from audioprior.restoring.repair import Repairing, silence
from audioprior.restoring.work import Inputs, Part, Work
from audioprior.sound.recording import Recording
from audioprior.tasks import Inpaint, Run


def parts(inputs: Inputs, run: Run) -> tuple[Part, ...]:
    """Return what will come out."""
    further = range(2, cast(Inpaint, run.task).samples + 1)
    roles = ("restored", "removed", *(f"restored.{number}" for number in further))
    return tuple(Part.like(inputs["sound"], role) for role in roles)


def work(inputs: Inputs, run: Run) -> Work:
    """Return the task at work: gaps that are marked, or that are found, or regions.

    Raises:
        SettingsError: a gap or a region lies outside the recording, a gap is all of it, or both are given.
    """
    task = cast(Inpaint, run.task)
    if task.gaps and task.regions:
        raise SettingsError("gaps and regions were given; fill the gaps first, then take the regions out of the result.")
    if task.regions:
        return Uncovering(inputs, run, task)
    damage = marked(inputs["sound"], task.gaps) if task.gaps else find_gaps(inputs["sound"])
    return Repairing(inputs, run, damage, silence, fill=task.fill, samples=task.samples)


def look(recording: Recording) -> str | None:
    """Return which gaps a recording has."""
    gaps = find_gaps(recording).findings
    if not gaps:
        return None
    longest = max(gap.end_s - gap.start_s for gap in gaps)
    number = "1 gap" if len(gaps) == 1 else f"{len(gaps)} gaps"
    return f"{number} found, the longest {1000 * longest:.0f} ms."
