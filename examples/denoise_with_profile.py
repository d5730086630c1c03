"""Learn the noise of a recorder once, and take it out of every recording that was made with it.

    python examples/denoise_with_profile.py noise.flac out/ tape1.flac tape2.flac

The first file holds noise alone. Each result is written to the folder, with what was removed beside it.
"""

import argparse
from pathlib import Path

import audioprior as ap
from audioprior.noise.profile import learn


def main() -> None:
    """Read the arguments and do it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("noise", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("recordings", type=Path, nargs="+")
    parser.add_argument("--strength", type=float, default=1.0)
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    noise = ap.read(arguments.noise)
    profile = arguments.out / "noise.json"
    learn(noise, (0.0, noise.duration_s)).write(profile, force=True)
    settings = ap.Denoise(noise=str(profile), strength=arguments.strength)
    for path in arguments.recordings:
        result = ap.denoise(path, method="fast", settings=settings)
        result.restored.write(arguments.out / path.name, force=True)
        result.removed.write(arguments.out / f"{path.stem}.removed{path.suffix}", force=True)
        share = result.removed.samples.square().sum() / result.original.samples.square().sum()
        print(f"{path.name}: {share:.1%} of its energy was removed")


if __name__ == "__main__":
    main()
