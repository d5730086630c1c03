"""Workers of a Ray cluster, or of one that is started here: `pip install "audioprior[cluster]"`."""

import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

from audioprior.batch.local import TRIES
from audioprior.batch.plan import Item
from audioprior.batch.work import Outcome, lost, restore_item
from audioprior.errors import SettingsError


def run_on_ray(items: Sequence[Item], jobs: int | None, address: str | None, gpus: float) -> Iterator[Outcome]:
    """Yield what became of each file, as they are done.

    Args:
        items: what to do. Their paths must mean the same on all machines.
        jobs: processors of a cluster that is started here; as many as there are without it.
        address: of a running cluster, or None to start one.
        gpus: share of a GPU that each file takes; 0 for none.

    Raises:
        SettingsError: Ray is not installed, or there is no cluster at the address.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing leaves the machine
    try:
        import ray
    except ImportError as error:
        raise SettingsError('--engine ray needs Ray; install it with pip install "audioprior[cluster]".') from error
    with contextlib.redirect_stdout(sys.stderr):  # what Ray says of lost workers is not for who reads our lines
        yield from _outcomes(ray, items, jobs, address, gpus)


def _outcomes(
    ray: ModuleType, items: Sequence[Item], jobs: int | None, address: str | None, gpus: float
) -> Iterator[Outcome]:
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    try:
        if address is None:
            ray.init(num_cpus=jobs, include_dashboard=False, **quiet)
        else:
            ray.init(address=address, **quiet)
    except (ConnectionError, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise SettingsError(f"there is no Ray cluster at {address} ({reason}); check --address.") from error
    try:
        work = ray.remote(num_cpus=1, num_gpus=gpus, max_retries=TRIES - 1)(restore_item)
        running = {work.remote(item): item for item in items}
        while running:
            (finished, *_), _ = ray.wait(list(running))
            item = running.pop(finished)
            try:
                yield ray.get(finished)
            except ray.exceptions.RayError:
                yield lost(item, TRIES)
    finally:
        ray.shutdown()
