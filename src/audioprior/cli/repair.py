"""The command that does several tasks, one after the other."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from audioprior.cli.app import app
from audioprior.cli.arguments import Inputs, assigned, check_names
from audioprior.errors import SettingsError
from audioprior.files.options import Output
from audioprior.tasks import TASKS, Chain, Run

_OUTPUT = Output()


@app.command
def repair(
    inputs: Inputs,
    /,
    *,
    step: Annotated[list[str] | None, Parameter(name="--step")] = None,
    config: Path | None = None,
    output: Output = _OUTPUT,
) -> int:
    """Do several tasks one after the other, each on what the one before has restored.

    Restorers go from what is surest to what is least: declip, dequantise, inpaint, declick, denoise, extend. What was
    removed in all, plus the result, is the input.

    Args:
        inputs: audio files, or "-" for standard input.
        step: TASK, or TASK:NAME=VALUE,NAME=VALUE, such as declick or denoise:method=fast,strength=0.8; given once for each
            step, in their order.
        config: take all steps from the .json that an earlier run left beside its result.
        output: what to write.
    """
    from audioprior.files.runner import restore_each
    from audioprior.files.sidecar import read_runs

    check_names(inputs)
    if (config is None) == (not step):
        raise SettingsError("give the steps, each with --step TASK, or a --config that holds them.")
    return restore_each(inputs, read_runs(config) if config else steps(step or ()), output)


def steps(texts: list[str] | tuple[str, ...]) -> Chain:
    """Return what TASK:NAME=VALUE,NAME=VALUE of each step means.

    Raises:
        SettingsError: there is no such task or setting, or a value is out of range.
    """
    chain = []
    for text in texts:
        kind, _, settings = text.partition(":")
        if kind not in TASKS:
            raise SettingsError(f"there is no task {kind!r}; choose one of {', '.join(TASKS)}.")
        pairs = [pair for pair in settings.split(",") if pair]
        method = next((pair.removeprefix("method=") for pair in pairs if pair.startswith("method=")), "default")
        chain.append(Run.of(assigned(kind, [pair for pair in pairs if not pair.startswith("method=")]), method))
    return tuple(chain)
