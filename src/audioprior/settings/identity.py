"""What identifies a run beside its settings: the bytes of its inputs, and the versions of what computes."""

import hashlib
import platform
from pathlib import Path


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def versions() -> dict[str, str]:
    """Return the versions of everything that can change a result's bytes."""
    import numpy
    import soundfile
    import torch

    from audioprior import __version__

    return {
        "audioprior": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "numpy": numpy.__version__,
        "soundfile": soundfile.__version__,
        "libsndfile": soundfile.__libsndfile_version__,
        "platform": platform.platform(),
    }
