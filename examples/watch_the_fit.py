"""Watch a fit step by step, stop it early, and keep its curve.

    python examples/watch_the_fit.py noisy.flac restored.flac curve.png [--method consensus] [--steps 60]

A restoration is an iterator: whoever iterates may look, draw, or leave, and still has a result.
"""

import argparse
from pathlib import Path

import audioprior as ap
from audioprior.report import pictures


def main() -> None:
    """Read the arguments and do it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("recording", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("curve", type=Path)
    parser.add_argument("--method", default="consensus")
    parser.add_argument("--steps", type=int, default=60)
    arguments = parser.parse_args()
    job = ap.start(ap.read(arguments.recording), ap.Run.of(ap.Denoise(), arguments.method))
    losses = []
    for progress in job:
        losses.append(progress.loss)
        if progress.step % 10 == 0:
            loudness = pictures.loudness_db(progress.estimate())
            print(f"step {progress.step:4} of {progress.steps}: misfit {progress.loss:.3f}, {loudness:.1f} dBFS")
        if len(losses) >= arguments.steps:
            break
    job.result().restored.write(arguments.out, force=True)
    arguments.curve.write_bytes(pictures.curves([(arguments.method, losses, 0)]))


if __name__ == "__main__":
    main()
