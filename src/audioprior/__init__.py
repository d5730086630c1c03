"""Training-free audio restoration: an untrained network is fitted to the one damaged recording.

The rooms of the house, from the ground up, each with its files in their order. A file imports only what stands before it;
`tests/test_architecture.py` reads this list:

    errors        every failure a user can meet
    sound         channels encoding spectrum writing recording source
    settings      identity priors methods presets
    tasks         task denoise inpaint declip declick dequantise extend run
    model         evidence gaussian observation prior stopping fit
    classical     autoregression spade
    priors        adam blindspot decision_directed free hourglass network dcgan dilated harmonic nmf consensus
                  nonlocal_means recurrent skip temporal
    noise         bands mains profile rumble doubt floor kinds
    observations  gain gap clip image noise region
    damage        findings pieces cutoff clicks clipping gaps marks steps
    restoring     inspection protect job extend denoise dequantise region repair streaming
    restore       the public functions
    report        pictures page
    files         console processes sidecar snapshots output runner
    compare       metrics peers systems measure comparison page folder run
    batch         plan work local cluster workers run
    web           copies recordings report requests worker queue server run
    cli           app arguments batch compare doctor info restore serve

What each room is for stands in its own `__init__.py`.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from audioprior.errors import AudioError, AudiopriorError, FitError, SettingsError
    from audioprior.model.fit import Fit, Step, fit
    from audioprior.restore import declick, declip, denoise, dequantise, extend, inpaint
    from audioprior.restoring.denoise import Denoising
    from audioprior.restoring.job import Progress, Result
    from audioprior.settings.methods import Method
    from audioprior.sound.encoding import Encoding
    from audioprior.sound.recording import Recording, read
    from audioprior.tasks import Declick, Declip, Denoise, Dequantise, Extend, Inpaint

_HOMES = {
    "restoring.denoise": ("Denoising",),
    "errors": ("AudioError", "AudiopriorError", "FitError", "SettingsError"),
    "model.fit": ("Fit", "Step", "fit"),
    "sound.recording": ("Encoding", "Recording", "read"),
    "restoring.job": ("Progress", "Result"),
    "restore": ("declick", "declip", "denoise", "dequantise", "extend", "inpaint"),
    "settings.methods": ("Method",),
    "tasks": ("Declick", "Declip", "Denoise", "Dequantise", "Extend", "Inpaint"),
}

__all__ = [
    "AudioError", "AudiopriorError", "Declick", "Declip", "Denoise", "Denoising", "Dequantise", "Encoding",
    "Extend", "Fit", "FitError", "Inpaint", "Method", "Progress", "Recording", "Result", "SettingsError", "Step",
    "declick", "declip", "denoise", "dequantise", "extend", "fit", "inpaint", "read",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    # Lazy, so that the command can print its help without waiting for torch.
    for module, names in _HOMES.items():
        if name in names:
            from importlib import import_module

            return getattr(import_module(f"audioprior.{module}"), name)
    raise AttributeError(f"module 'audioprior' has no attribute {name!r}")
