"""Spectrograms, filmstrips and fit curves as PNG pictures."""

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import LinearSegmentedColormap, Normalize, to_hex
from matplotlib.figure import Figure
from matplotlib.image import imsave
from torch import Tensor

from audioprior.sound.levels import RANGE_DB, levels_db, levels_of
from audioprior.sound.source import Source, chunks
from audioprior.sound.writing import replacing

_COLOURS = "magma"
_MAP_RANGE_DB = 60.0  # what is further below the loudest is next to no sound


@dataclass(frozen=True)
class _Panel:
    """A spectrogram to draw: its title, its levels in dB, (frequency, frame), its length in seconds and its top in kHz."""

    title: str
    levels_db: np.ndarray
    seconds: float
    top_khz: float


def spectrograms(panels: Sequence[tuple[str, Tensor]], sample_rate: int, *, columns: int = 1) -> bytes:
    """Return a PNG of spectrograms on one colour scale, whose top is the loudest bin of the first.

    Args:
        panels: title and samples (channel, time) of each.
        sample_rate: in Hz.
        columns: panels beside each other.
    """
    top_khz = sample_rate / 2000
    drawn = [_Panel(t, levels_db(x, sample_rate)[0], x.shape[1] / sample_rate, top_khz) for t, x in panels]
    return _spectrograms(drawn, columns)


def spectrograms_of(sounds: Sequence[tuple[str, Source]]) -> bytes:
    """Return a PNG of the spectrograms of sounds below each other, on one scale of time, frequency and colour.

    What a sound does not reach, as it is shorter or of a lower rate than another, is left blank.

    Args:
        sounds: title and sound of each, read piece by piece.
    """
    drawn = [_Panel(title, levels_of(x)[0], x.length / x.sample_rate, x.sample_rate / 2000) for title, x in sounds]
    return _spectrograms(drawn, 1)


def _spectrograms(panels: Sequence[_Panel], columns: int) -> bytes:
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(10.0 if columns == 1 else 3.4 * columns + 0.8, 2.9 * rows + 0.3), layout="constrained")
    axes: Any = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    top = float(panels[0].levels_db.max())
    for axis in axes.flat[len(panels) :]:
        axis.set_visible(False)
    for axis, panel in zip(axes.flat, panels, strict=False):
        image = axis.imshow(
            panel.levels_db,
            origin="lower",
            aspect="auto",
            cmap=_COLOURS,
            vmin=top - RANGE_DB,
            vmax=top,
            extent=(0, panel.seconds, 0, panel.top_khz),
            interpolation="nearest",
        )
        axis.set_title(panel.title, loc="left", fontsize=10)
    # Axes are shared, and the last picture that is drawn has set them.
    axes.flat[0].set_xlim(0, max(panel.seconds for panel in panels))
    axes.flat[0].set_ylim(0, max(panel.top_khz for panel in panels))
    for axis in axes[-1]:
        axis.set_xlabel("time (s)")
    for axis in axes[:, 0]:
        axis.set_ylabel("frequency (kHz)")
    figure.colorbar(image, ax=axes, label="level (dB re full-scale sine)", aspect=12 * rows, pad=0.01)
    return _png(figure)


def inferred(restored: Source, removed: Source) -> bytes:
    """Return a PNG of where the restored sound was heard (blue) and where it was inferred (orange); what is quiet is pale.

    A bin counts as inferred by the power that was changed over the power that is left, 1 at the most.

    Args:
        restored: read piece by piece.
        removed: of the same rate and length.
    """
    rate, length = restored.sample_rate, restored.length
    levels = [levels_of(sound)[0] for sound in (restored, removed)]
    powers = [_smooth(10 ** (level / 10)) for level in levels]
    share = np.minimum(1, powers[1] / powers[0].clip(1e-16))
    level = 10 * np.log10(powers[0] + 1e-16)
    loud = ((level - level.max()) / _MAP_RANGE_DB + 1).clip(0, 1) ** 0.5
    colour = LinearSegmentedColormap.from_list("heard", ["#1f5fa8", "#b9b4c8", "#e2711d"])
    image = colour(share)
    image[..., 3] = loud
    figure = Figure(figsize=(10.0, 2.9), layout="constrained")
    axis = figure.subplots()
    extent = (0, length / rate, 0, rate / 2000)
    axis.imshow(image, origin="lower", aspect="auto", extent=extent, interpolation="nearest")
    axis.set_xlabel("time (s)")
    axis.set_ylabel("frequency (kHz)")
    scale = figure.colorbar(ScalarMappable(Normalize(0, 1), colour), ax=axis, label="inferred share", aspect=12, pad=0.01)
    scale.set_ticks([0, 1], labels=["heard", "inferred"])
    return _png(figure)


def _smooth(power: np.ndarray) -> np.ndarray:
    """Return the mean over neighbouring bins, without which noise speckles the map."""
    whole = torch.from_numpy(power)[None, None].double()
    mean = torch.nn.functional.avg_pool2d(whole, (3, 5), 1, (1, 2), count_include_pad=False)
    return mean[0, 0].numpy()


def panel(samples: Tensor, sample_rate: int, top_db: float, *, width: int = 800, height: int = 160) -> bytes:
    """Return a PNG of a spectrogram alone, without axes: from 0 Hz at the bottom to half the sample rate at the top.

    Args:
        samples: (channel, time).
        sample_rate: in Hz.
        top_db: the level of the brightest colour, in dB re a full-scale sine; the darkest lies 80 dB below.
        width: in pixels; a shorter sound gets fewer.
        height: in pixels.
    """
    levels = torch.from_numpy(levels_db(samples, sample_rate)[0])
    power = torch.nn.functional.adaptive_avg_pool2d(10 ** (levels[None] / 10), (height, min(width, levels.shape[1])))[0]
    picture = (power + 1e-16).log10().mul(10).numpy()
    buffer = io.BytesIO()
    plain: Any = {"Software": None}  # no version of what drew it
    scale = (top_db - RANGE_DB, top_db)
    imsave(buffer, picture, *scale, cmap=_COLOURS, format="png", origin="lower", metadata=plain)
    return buffer.getvalue()


def colours(count: int = 9) -> list[str]:
    """Return the colours of spectrograms from the quietest to the loudest, as "#rrggbb"."""
    return [to_hex(colormaps[_COLOURS](i / (count - 1))) for i in range(count)]


def curves(lines: Sequence[tuple[str, Sequence[float], int]], *, ylabel: str = "misfit") -> bytes:
    """Return a PNG of values against steps, each line with its label and the step that was chosen (0 for none)."""
    figure = Figure(figsize=(10.0, 3.0), layout="constrained")
    axis = figure.subplots()
    for label, values, chosen in lines:
        # Steps see random bins: the mean of a few shows the course.
        width = max(1, len(values) // 40)
        smooth = np.convolve(values, np.ones(width) / width, "valid")
        steps = np.arange(len(smooth)) + 1 + width // 2
        (drawn,) = axis.plot(steps, smooth, label=label, linewidth=1.5)
        if chosen:
            axis.axvline(chosen, color=drawn.get_color(), linestyle=":", linewidth=1)
    axis.set_xlabel("step (dotted: the one that was chosen)")
    axis.set_ylabel(ylabel)
    axis.grid(alpha=0.3)
    if len(lines) <= 12:
        axis.legend(fontsize=8)
    return _png(figure)


def courses(lines: Sequence[tuple[str, Sequence[int], Sequence[float]]], start: float, *, ylabel: str) -> bytes:
    """Return a PNG of scores against steps (logarithmic), each line with its label, over the score of the input."""
    figure = Figure(figsize=(10.0, 3.4), layout="constrained")
    axis = figure.subplots()
    for label, steps, values in lines:
        axis.plot(steps, values, label=label, linewidth=1.8)
    axis.axhline(start, color="gray", linestyle="--", linewidth=1, label="the recording as it is")
    axis.set_xscale("log")
    axis.set_ylim(bottom=start - 8)
    axis.set_xlabel("step")
    axis.set_ylabel(ylabel, fontsize=9)
    axis.grid(alpha=0.3)
    axis.legend(fontsize=8)
    return _png(figure)


def write_png(png: bytes, path: Path) -> None:
    """Write a picture beside, then rename it."""
    with replacing(path, force=True) as beside:
        beside.write_bytes(png)


def filmstrip(frames: Sequence[tuple[str, Tensor]], sample_rate: int) -> bytes:
    """Return the seed's picture: the degraded recording and what the network drew on the way, side by side."""
    return spectrograms(frames, sample_rate, columns=len(frames) if len(frames) <= 5 else 5)


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return buffer.getvalue()


def loudness_db(samples: Tensor) -> float:
    """Return the root-mean-square level in dBFS."""
    return float(10 * (samples.double().square().mean() + torch.finfo(torch.float64).tiny).log10())


def loudness_of(sound: Source) -> float:
    """Return the root-mean-square level of a sound in dBFS, read piece by piece."""
    power = sum(float(chunk.double().square().sum()) for chunk in chunks(sound)) / (sound.length * sound.channels)
    return 10 * math.log10(power + torch.finfo(torch.float64).tiny)
