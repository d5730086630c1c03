"""What all tasks have in common."""

from typing import ClassVar

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

    inputs: ClassVar[tuple[str, ...]] = ("sound",)

    kind: str
    seed: int
    device: str

    def files(self) -> dict[str, str]:
        """Return the paths of further files that the settings name, by role."""
        named = {role: getattr(self, role) for role in (role.rstrip("?") for role in self.inputs[1:])}
        return {role: path for role, path in named.items() if path is not None}

    def __post_init__(self) -> None:
        require(0 <= self.seed < 2**63, "seed", self.seed, "between 0 and 2^63 - 1")


def check_regions(name: str, regions: tuple[Region, ...]) -> None:
    """Refuse regions that begin after their end."""
    for start, end, low, high in regions:
        allowed = "a start before its end, in seconds, and a low frequency below a high one, in Hz"
        require(0 <= start < end and 0 <= low < high, name, f"{start:g}-{end:g}:{low:g}-{high:g}", allowed)
