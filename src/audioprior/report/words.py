"""What a report says of tasks and findings."""

from collections.abc import Sequence
from dataclasses import asdict

from audioprior.damage.findings import Finding
from audioprior.tasks.task import Words

EARLY = "It was stopped early: the rest is as it came in."
_NAMES = {"sound": "before", "restored": "after"}
_PLURALS = {"clipping": "clipped peaks"}  # by the finding's kind, where an s does not do
_UNTOUCHED = {"region": "All other frequencies, and all samples more than a window away, are as they were."}


def label(role: str, words: Words) -> str:
    """Return what to call a sound of a result by its role: "restored.2" is "after 2"."""
    first, _, number = role.partition(".")
    name = words.difference if first == "removed" else _NAMES.get(first, first)
    return f"{name} {number}".strip()


def repaired(findings: Sequence[Finding], words: Words) -> str:
    """Return what was repaired, in sentences: "Repaired: 3 gaps, the longest 62.0 ms. All other samples ..."."""
    if words.found:
        return f"{words.found.format(**asdict(findings[0]))} {words.untouched}"
    kinds = list(dict.fromkeys(finding.kind for finding in findings))
    counted = [_count(kind, [f.end_s - f.start_s for f in findings if f.kind == kind]) for kind in kinds]
    untouched = next((_UNTOUCHED[kind] for kind in kinds if kind in _UNTOUCHED), words.untouched)
    return f"{words.repaired}: {'; '.join(counted)}. {untouched}"


def _count(kind: str, lengths_s: Sequence[float]) -> str:
    """Return how many findings of a kind there are, and how long the longest is."""
    name, longest_ms = _PLURALS.get(kind, f"{kind}s"), 1000 * max(lengths_s)
    if len(lengths_s) == 1:
        return f"1 {kind}, {longest_ms:.1f} ms"
    return f"{len(lengths_s)} {name}, the longest {longest_ms:.1f} ms"
