"""What all benches share: the data folder's argument, tables, means, and the sections of RESULTS.md."""

import argparse
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import torch

from bench.mixtures import CLIPS

HERE = Path(__file__).parent
_HEAD = "# Results\n\nWritten by the benches of this folder (`make bench` and its like); do not edit.\n"


def parser(about: str | None, *, clips: bool = True) -> argparse.ArgumentParser:
    """Return a bench's arguments: those that all of them have.

    Args:
        about: the bench's protocol.
        clips: whether it goes through the clips of `bench.mixtures`, of which some can be chosen.
    """
    made = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    made.add_argument("--data", type=Path, required=True, help="the folder of recordings")
    made.add_argument("--print-only", action="store_true", help="leave RESULTS.md as it is")
    if clips:
        made.add_argument("--clips", default=None, help="some of the clips, to try something; prints only")
    return made


def parsed(made: argparse.ArgumentParser) -> argparse.Namespace:
    """Return the arguments; the clips as a list of names, all of them if none were chosen. One thread from here on."""
    options = made.parse_args()
    if not options.data.is_dir():
        raise SystemExit(f"{options.data} is not here; give the folder of recordings with --data.")
    if "clips" in options:
        options.print_only |= options.clips is not None
        options.clips = options.clips.split(",") if options.clips else list(CLIPS)
        if unknown := [clip for clip in options.clips if clip not in CLIPS]:
            raise SystemExit(f"there is no clip {unknown[0]!r}; choose from {', '.join(CLIPS)}.")
    torch.set_num_threads(1)
    return options


def numbers(listed: str) -> list[int]:
    """Return whole numbers from a list with commas; none from nothing."""
    return [int(number) for number in listed.split(",") if number]


def show(options: argparse.Namespace, mark: str, heading: str, text: str) -> None:
    """Print a bench's tables, and put them into RESULTS.md unless only some of the material was measured."""
    print(text, flush=True)
    if not options.print_only:
        replace_section(HERE / "RESULTS.md", mark, f"## {heading}\n\n{text.strip()}")


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def mean(values: Iterable[float]) -> float:
    """Return the mean, NaN of nothing."""
    listed = list(values)
    return sum(listed) / len(listed) if listed else float("nan")


def figure(value: float, digits: int = 2) -> str:
    """Return a number for a table; a dash for what was not measured."""
    return "–" if value != value else f"{value:.{digits}f}"


def interval(values: Sequence[float]) -> str:
    """Return mean ± 95 % (how many); the mean alone of less than two."""
    if len(values) < 2:
        return f"{figure(mean(values))} ({len(values)})"
    deviation = float(torch.tensor(values).std()) / len(values) ** 0.5 * 1.96
    return f"{mean(values):.2f} ± {deviation:.2f} ({len(values)})"


def spread(values: Collection[float], digits: int = 2) -> str:
    """Return mean ± half the range, nothing of nothing."""
    return f"{mean(values):.{digits}f} ± {(max(values) - min(values)) / 2:.{digits}f}" if values else ""


def replace_section(path: Path, mark: str, text: str) -> None:
    """Put text between a file's two comments that bear a mark, adding them at the end where there are none."""
    begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    old = path.read_text(encoding="utf-8") if path.exists() else _HEAD
    if begin not in old:
        old = f"{old.rstrip()}\n\n{begin}\n{end}\n"
    head, rest = old.split(begin, 1)
    path.write_text(f"{head}{begin}\n{text}\n{end}{rest.split(end, 1)[1]}", encoding="utf-8")
