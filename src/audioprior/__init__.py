"""Training-free audio restoration: an untrained network is fitted to the one damaged recording.

The rooms of the house, from the ground up, each with its files in their order. A file imports only what stands before it;
`tests/test_architecture.py` reads this list:

    errors        every failure a user can meet
    sound         channels encoding spectrum writing recording decoding source levels resampling views chunks tags
                  metadata zeros
    model         evidence gaussian observation prior stopping fit
    classical     autoregression spade
    priors        adam blindspot decision_directed free hourglass network dcgan dilated harmonic nmf consensus
                  nonlocal_means recurrent skip temporal
    settings      identity json priors networks rules methods presets
    tasks         knob task denoise inpaint declip declick dequantise extend run
    noise         bands mains profile rumble pauses doubt floor apart kinds
    observations  gain noise gap clip image region
    damage        findings cutoff marks pieces clicks clipping gaps steps
    report        pictures reported templates words page
    restoring     machine progress protect store work denoise dequantise extend region repair inpaint declip declick
                  registry inspection job
    restore       the public functions
    files         processes listener options inputs sidecar places snapshots write runner
    compare       metrics peers systems measure rows page folder comparison run
    batch         found plan work local cluster workers run
    web           report copies recordings requests worker tickets queue server run
    cli           app compare arguments repair restore batch doctor info serve

What each room is for stands in its own `__init__.py`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    __version__: str
    from audioprior.errors import AudioError, AudiopriorError, FitError, SettingsError
    from audioprior.model.fit import Fit, Step, fit
    from audioprior.restore import declick, declip, denoise, dequantise, extend, inpaint, process
    from audioprior.restoring.job import Job, Result, start
    from audioprior.restoring.progress import Progress
    from audioprior.settings.methods import Method
    from audioprior.sound.encoding import Encoding
    from audioprior.sound.recording import Recording
    from audioprior.sound.source import read
    from audioprior.tasks import Declick, Declip, Denoise, Dequantise, Extend, Inpaint, Run

_HOMES = {
    "errors": ("AudioError", "AudiopriorError", "FitError", "SettingsError"),
    "model.fit": ("Fit", "Step", "fit"),
    "sound.encoding": ("Encoding",),
    "sound.recording": ("Recording",),
    "sound.source": ("read",),
    "restoring.job": ("Job", "Result", "start"),
    "restoring.progress": ("Progress",),
    "restore": ("declick", "declip", "denoise", "dequantise", "extend", "inpaint", "process"),
    "settings.methods": ("Method",),
    "tasks": ("Declick", "Declip", "Denoise", "Dequantise", "Extend", "Inpaint", "Run"),
}

__all__ = [
    "AudioError", "AudiopriorError", "Declick", "Declip", "Denoise", "Dequantise", "Encoding", "Extend", "Fit", "FitError",
    "Inpaint", "Job", "Method", "Progress", "Recording", "Result", "Run", "SettingsError", "Step",
    "declick", "declip", "denoise", "dequantise", "extend", "fit", "inpaint", "process", "read", "start",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    # Lazy, so that the command can print its help without waiting for torch.
    if name == "__version__":
        from importlib.metadata import PackageNotFoundError, version

        try:
            return version("audioprior")
        except PackageNotFoundError:  # its source is here, but nobody has installed it
            return "unknown"
    for module, names in _HOMES.items():
        if name in names:
            from importlib import import_module

            return getattr(import_module(f"audioprior.{module}"), name)
    raise AttributeError(f"module 'audioprior' has no attribute {name!r}")
