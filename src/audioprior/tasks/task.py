"""What all tasks have in common."""

from audioprior.settings.json import Choice, require

Gap = tuple[float, float]
"""START, END, in seconds."""
Region = tuple[float, float, float, float]
"""START, END in seconds, LOW, HIGH in Hz."""


class TaskSettings(Choice):
    """What a user decides about a task; every task has these.

    Attributes:
        kind: which task.
        seed: of all random numbers.
        device: what to compute on.
    """

    kind: str
    seed: int
    device: str

    def __post_init__(self) -> None:
        require(0 <= self.seed < 2**63, "seed", self.seed, "between 0 and 2^63 - 1")


def check_regions(name: str, regions: tuple[Region, ...]) -> None:
    """Refuse regions that begin after their end."""
    for start, end, low, high in regions:
        allowed = "a start before its end, in seconds, and a low frequency below a high one, in Hz"
        require(0 <= start < end and 0 <= low < high, name, f"{start:g}-{end:g}:{low:g}-{high:g}", allowed)
