"""Who restores the files of a batch, as the command's options say it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from cyclopts import Parameter, Token

from audioprior.errors import SettingsError


def fraction(_: Any, tokens: Sequence[Token]) -> tuple[int, int]:
    """Read I/N."""
    text = tokens[0].value
    try:
        number, count = (int(part) for part in text.split("/"))
    except ValueError:
        raise SettingsError(f"{text!r} is no shard; give I/N, such as 3/8.") from None
    return number, count


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class Workers:
    """Who restores the files of a batch.

    Attributes:
        jobs: files at once, one thread each; as many as there are processors without it.
        engine: local, or ray for a cluster.
        address: of a running Ray cluster; without it one is started here.
        gpus: share of a GPU for each file, on Ray.
        shard: I/N: do every N-th file from the I-th on, as one of N machines.
    """

    jobs: Annotated[int | None, Parameter(name=["--jobs", "-j"])] = None
    engine: Literal["local", "ray"] = "local"
    address: str | None = None
    gpus: float = 0.0
    shard: Annotated[tuple[int, int], Parameter(converter=fraction, n_tokens=1, accepts_keys=False)] = (1, 1)

    def __post_init__(self) -> None:
        if self.jobs is not None and self.jobs < 1:
            raise SettingsError(f"--jobs is {self.jobs}; it must be at least 1.")
        if self.gpus < 0:
            raise SettingsError(f"--gpus is {self.gpus:g}; it must be at least 0.")
        if self.engine == "local" and (self.address is not None or self.gpus):
            raise SettingsError("--address and --gpus are of a Ray cluster; add --engine ray.")
        if not 1 <= self.shard[0] <= self.shard[1]:
            raise SettingsError(f"--shard is {self.shard[0]}/{self.shard[1]}; give I/N with I from 1 to N.")
