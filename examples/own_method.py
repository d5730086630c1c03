"""Make a method of one's own from the parts, and compare it with the named ones on a recording whose clean sound is known.

    python examples/own_method.py clean.flac noisy.flac [--seconds 2]

A method is a value: any prior, any rule, any windows. The clean sound scores the results; no restoration can see it.
"""

import argparse
from dataclasses import replace
from pathlib import Path

import audioprior as ap
from audioprior.compare.metrics import si_sdr
from audioprior.settings.presets import METHODS
from audioprior.settings.priors import Nmf
from audioprior.settings.rules import HeldOut

MINE = ap.Method(windows_ms=(48.0, 96.0), prior=Nmf(rank=6), stopping=HeldOut(max_steps=80, patience=20), gain="two-step")


def main() -> None:
    """Read the arguments and do it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("clean", type=Path)
    parser.add_argument("noisy", type=Path)
    parser.add_argument("--seconds", type=float, default=2.0)
    arguments = parser.parse_args()
    clean, noisy = ap.read(arguments.clean), ap.read(arguments.noisy)
    length = round(arguments.seconds * noisy.sample_rate)
    clean, noisy = (one.with_samples(one.samples[:, :length]) for one in (clean, noisy))
    print(f"{'as it is':12} {si_sdr(clean.samples, noisy.samples):6.2f} dB")
    methods = {"mine": MINE, "mine, wiener": replace(MINE, gain="wiener"), "fast": METHODS["fast"], "free": METHODS["free"]}
    for name, method in methods.items():
        result = ap.denoise(noisy, method=method)
        print(f"{name:12} {si_sdr(clean.samples, result.restored.samples):6.2f} dB, {result.fits[0].reason}")


if __name__ == "__main__":
    main()
