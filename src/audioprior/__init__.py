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
- `denoising`: blocks, channels, windows
- `repairing`, `detection`: gaps, clipping, clicks: found, listed and inferred
- `extending`: a missing high band
- `restore`: `denoise()`, `declick()`, ...
- `settings`, `tasks`, `presets`: every knob, and the named methods
- `metrics`: scores against a reference, never used above
- `classical`: what people used before, in the same seat
- `sidecar`, `pictures`, `report`, `snapshots`, `console`, `output`, `cli`: what people see
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from audioprior.denoising import Denoising
    from audioprior.errors import AudioError, AudiopriorError, FitError, SettingsError
    from audioprior.fitting import Fit, Step, fit
    from audioprior.job import Progress, Result
    from audioprior.recording import Encoding, Recording, read
    from audioprior.restore import declick, denoise, extend
    from audioprior.settings import Method
    from audioprior.tasks import Declick, Denoise, Extend

_HOMES = {
    "denoising": ("Denoising",),
    "errors": ("AudioError", "AudiopriorError", "FitError", "SettingsError"),
    "fitting": ("Fit", "Step", "fit"),
    "recording": ("Encoding", "Recording", "read"),
    "job": ("Progress", "Result"),
    "restore": ("declick", "denoise", "extend"),
    "settings": ("Method",),
    "tasks": ("Declick", "Denoise", "Extend"),
}

__all__ = [
    "AudioError", "AudiopriorError", "Declick", "Denoise", "Denoising", "Encoding", "Extend", "Fit", "FitError", "Method",
    "Progress", "Recording", "Result", "SettingsError", "Step", "declick", "denoise", "extend", "fit", "read",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    # Lazy, so that the command can print its help without waiting for torch.
    for module, names in _HOMES.items():
        if name in names:
            from importlib import import_module

            return getattr(import_module(f"audioprior.{module}"), name)
    raise AttributeError(f"module 'audioprior' has no attribute {name!r}")
