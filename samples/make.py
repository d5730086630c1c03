"""Cut and mix the sample sounds from Debian's package sonic-pi-samples (CC0): how `samples/*.flac` were made.

Run with the folder of that package's samples: python samples/make.py /usr/share/sonic-pi/samples
"""

import sys
from pathlib import Path

import numpy as np
import soundfile

SECONDS = 6.0
SNR_DB = 8.0


def main(source: Path) -> None:
    """Write the two sample files."""
    here = Path(__file__).parent
    guitar, rate = soundfile.read(source / "guit_em9.flac", always_2d=True)
    vinyl, vinyl_rate = soundfile.read(source / "vinyl_hiss.flac", always_2d=True)
    if rate != vinyl_rate:
        raise SystemExit(f"rates differ: {rate} and {vinyl_rate} Hz; the samples have changed since.")
    length = round(SECONDS * rate)
    guitar, vinyl = guitar[:length], vinyl[:length]
    vinyl = vinyl * np.sqrt((guitar**2).mean() / (vinyl**2).mean()) * 10 ** (-SNR_DB / 20)
    scale = 0.8 / np.abs(guitar + vinyl).max()
    soundfile.write(here / "guitar.flac", scale * guitar, rate, subtype="PCM_16")
    soundfile.write(here / "guitar_vinyl.flac", scale * (guitar + vinyl), rate, subtype="PCM_16")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
