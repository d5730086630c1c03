"""List the dropouts of a recording, fill them, and check that nothing else was touched.

    python examples/repair_gaps.py call.wav repaired.wav [--longest-ms 60]

Gaps that are longer than that are left as they are: a guess of a whole syllable helps nobody.
"""

import argparse
from pathlib import Path

import audioprior as ap
from audioprior.damage.gaps import find_gaps


def main() -> None:
    """Read the arguments and do it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recording", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--longest-ms", type=float, default=60.0)
    arguments = parser.parse_args()
    recording = ap.read(arguments.recording)
    found = find_gaps(recording).findings
    short = [one for one in found if one.end_s - one.start_s <= arguments.longest_ms / 1000]
    for number, one in enumerate(found, 1):
        print(one.line(number) + ("" if one in short else "  left alone"))
    if not short:
        raise SystemExit(f"{arguments.recording} has no gap to fill; raise --longest-ms if it should.")
    gaps = tuple((one.start_s, one.end_s) for one in short)
    result = ap.inpaint(recording, settings=ap.Inpaint(gaps=gaps))
    changed = (result.restored.samples != recording.samples).any(0).sum()
    print(f"{len(gaps)} gaps filled, {changed} of {recording.length} samples changed")
    result.restored.write(arguments.out, force=True)


if __name__ == "__main__":
    main()
