"""What a report says of tasks and findings."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from audioprior.damage.findings import Finding
from audioprior.tasks import TaskSettings

EARLY = "It was stopped early: the rest is as it came in."
_NAMES = {"sound": "before", "restored": "after"}


@dataclass(frozen=True)
class Words:
    """What a report says of a task.

    Attributes:
        removed: what to call the sound that the task took away.
        nothing: what to say where it did nothing, a sentence.
        noise: whether what it takes away is noise, to be named by its kinds: "14 dB of steady hiss".
    """

    removed: str = "before less after"
    nothing: str = "Nothing to repair was found."
    noise: bool = False


WORDS = {"denoise": Words("removed", "Nothing was removed.", noise=True)}
"""By the task's kind, where it says other things than a repair."""


@dataclass(frozen=True)
class Found:
    """What a report says of a kind of finding.

    Attributes:
        plural: what several are called; the kind with an s without it.
        untouched: what stayed as it was, a sentence.
        sentence: what was done, of each finding, whose fields may be named in it; findings are counted without it.
    """

    plural: str = ""
    untouched: str = "All other samples are as they were."
    sentence: str = ""


FOUND = {
    "clipping": Found("clipped peaks"),
    "region": Found(untouched="All other frequencies, and all samples more than a window away, are as they were."),
    "band": Found(sentence="The band of {low_hz:g} to {high_hz:g} Hz is {note}.", untouched="All below is as it was."),
    "steps": Found(sentence="Taken out: steps of {note}.", untouched="No sample moved by more than half a step."),
}
"""By the finding's kind, where it is told otherwise than a gap or a click."""


def words_of(task: TaskSettings) -> Words:
    """Return what a report says of a task."""
    return WORDS.get(task.kind, Words())


def label(role: str, words: Words) -> str:
    """Return what to call a sound of a result by its role: "restored.2" is "after 2"."""
    first, _, number = role.partition(".")
    name = words.removed if first == "removed" else _NAMES.get(first, first)
    return f"{name} {number}".strip()


def repaired(findings: Sequence[Finding]) -> str:
    """Return what was repaired, in sentences: "Repaired: 3 gaps, the longest 62.0 ms. All other samples ..."."""
    kinds = list(dict.fromkeys(finding.kind for finding in findings))
    found = {kind: FOUND.get(kind, Found()) for kind in kinds}
    sentences = [found[finding.kind].sentence.format(**asdict(finding)) for finding in findings]
    counted = [
        _count([f for f in findings if f.kind == kind], found[kind].plural) for kind in kinds if not found[kind].sentence
    ]
    if counted:
        sentences.append(f"Repaired: {'; '.join(counted)}.")
    # Beside a region, no sample near it is sure to be as it was: what is particular goes before what is usual.
    untouched = next((found[kind].untouched for kind in kinds if found[kind].untouched != Found.untouched), Found.untouched)
    return " ".join([*filter(None, sentences), untouched])


def _count(findings: Sequence[Finding], plural: str) -> str:
    """Return how many findings of one kind there are, and how long the longest is."""
    kind, several = findings[0].kind, len(findings) > 1
    longest_ms = 1000 * max(finding.end_s - finding.start_s for finding in findings)
    name = (plural or f"{kind}s") if several else kind
    return f"{len(findings)} {name}, {'the longest ' if several else ''}{longest_ms:.1f} ms"
