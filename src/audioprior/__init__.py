"""Training-free audio restoration: an untrained network is fitted to the one damaged recording.

The tree is the way the sound goes:

- `recording`: sound in, sound out
- `channels`: a recording's channels in their principal axes
- `spectrum`: the short-time Fourier transform
- `evidence`: what a recording says about the clean sound's power
- `profile`: the noise of a recorder, a room or a tape
- `priors`: what draws that power
- `observations`: what happened to the sound
- `stopping`: when to stop, seeing only the recording
- `fitting`: the one loop
- `job`: a restoration in progress, and its result
- `gaussian`: the exact solver for missing samples
- `damage`, `detection`: what is damaged, and how it is found
- `protecting`: regions that are left as they are
- `denoising`, `dequantising`, `repairing`, `uncovering`, `extending`: the jobs, in blocks
- `restore`: `denoise()`, `inpaint()`, `declip()`, `declick()`, `dequantise()`, `extend()`
- `settings`, `tasks`, `presets`: every knob, and the named methods
- `metrics`: scores against a reference, never used above
- `compare`: this project's methods, what was used before and other packages on one recording; it alone knows of scores
- `classical`: what people used before, in the same seat
- `marks`: gaps and regions marked in other programs
- `doctor`: what an installation can do
- `hiring`: processes that work beside this one, for `batch` and `web`
- `sidecar`, `pictures`, `report`, `snapshots`, `console`, `output`, `runner`, `cli`: what people see
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from audioprior.denoising import Denoising
    from audioprior.encoding import Encoding
    from audioprior.errors import AudioError, AudiopriorError, FitError, SettingsError
    from audioprior.fitting import Fit, Step, fit
    from audioprior.job import Progress, Result
    from audioprior.recording import Recording, read
    from audioprior.restore import declick, declip, denoise, dequantise, extend, inpaint
    from audioprior.settings import Method
    from audioprior.tasks import Declick, Declip, Denoise, Dequantise, Extend, Inpaint

_HOMES = {
    "denoising": ("Denoising",),
    "errors": ("AudioError", "AudiopriorError", "FitError", "SettingsError"),
    "fitting": ("Fit", "Step", "fit"),
    "recording": ("Encoding", "Recording", "read"),
    "job": ("Progress", "Result"),
    "restore": ("declick", "declip", "denoise", "dequantise", "extend", "inpaint"),
    "settings": ("Method",),
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
