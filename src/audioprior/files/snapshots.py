"""What the network has drawn on the way, as sound and as pictures: the seed's filmstrip."""

from pathlib import Path

import torch
from torch import Tensor

from audioprior.errors import SettingsError
from audioprior.report import pictures
from audioprior.restoring.denoise import Denoising
from audioprior.restoring.job import Job, Result
from audioprior.restoring.progress import Progress
from audioprior.sound.encoding import Encoding

_STRIP = (0, 150, 300)  # what the original shows, beside the degraded recording and the end
_ENCODING = Encoding("WAV", "FLOAT")  # nothing clips on the way


class Snapshots:
    """Collects the output at every so many steps and writes them to a folder.

    Step 0 is the first output, before any step of the fit has changed a weight. Blocks of a long recording are cross-faded
    as in the result; a block that stops before a snapshot's step is in it as it ended.

    Attributes:
        folder: where they go.
    """

    def __init__(self, folder: Path, every: int, job: Job) -> None:
        """Check the folder.

        Raises:
            SettingsError: `every` is below 1, the folder exists as a file or holds something, or the job is no denoising.
        """
        if not isinstance(job.work, Denoising):
            raise SettingsError(f"--snapshots {folder} shows a denoising on its way; leave it out to {job.run.task.kind}.")
        if every < 1:
            raise SettingsError(f"--every is {every}; it must be at least 1.")
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise SettingsError(f"{folder} exists and is not an empty folder; name another for --snapshots.")
        self.folder, self._every, self._job, self._fade = folder, every, job, job.work.fade
        job.together = 1  # each block's steps are looked at
        self._sounds: dict[int, Tensor] = {}
        self._block = 1
        self._done: set[int] = set()

    def take(self, progress: Progress) -> None:
        """Keep this step's output, if it is due."""
        if progress.block != self._block:
            self._close()
            self._block = progress.block
        if progress.step == 1:
            self._keep(0, progress)
        if progress.step % self._every == 0:
            self._keep(progress.step, progress)

    def write(self, result: Result) -> None:
        """Write a WAV and a PNG for each snapshot, and the filmstrip."""
        self._close()
        self.folder.mkdir(parents=True, exist_ok=True)
        recording = result.original
        for step, samples in sorted(self._sounds.items()):
            stem = self.folder / f"step-{step:05d}"
            recording.with_samples(samples).write(stem.with_suffix(".wav"), encoding=_ENCODING)
            png = pictures.spectrograms([(f"step {step}", samples)], recording.sample_rate)
            pictures.write_png(png, stem.with_suffix(".png"))
        frames = [("degraded", recording.samples), *self.frames()]
        pictures.write_png(pictures.filmstrip(frames, recording.sample_rate), self.folder / "filmstrip.png")

    def frames(self) -> list[tuple[str, Tensor]]:
        """Return the steps of the seed's picture (the nearest that were taken, and the last) and their sounds."""
        steps = sorted(self._sounds)
        nearest = [min(steps, key=lambda step, wanted=wanted: abs(step - wanted)) for wanted in _STRIP]  # type: ignore[misc]
        return [(f"step {step}", self._sounds[step]) for step in dict.fromkeys([*nearest, steps[-1]])]

    def _keep(self, step: int, progress: Progress) -> None:
        sound = progress.estimate() * self._fade(progress.block)
        if step not in self._sounds:
            self._sounds[step] = self._ends(progress.block)
        self._sounds[step][:, progress.start : progress.start + sound.shape[1]] += sound
        self._done.add(step)

    def _close(self) -> None:
        """End a block: snapshots that it did not reach get its end."""
        start, end = self._job.spans[self._block - 1]
        last = self._job.store.load(self._block).sounds[-1]
        for step in self._sounds.keys() - self._done:
            self._sounds[step][:, start:end] += last
        self._done = set()

    def _ends(self, block: int) -> Tensor:
        """Return the sound of the blocks before one, as they ended."""
        sound = self._job.work.plan.inputs["sound"]
        samples = torch.zeros(sound.channels, sound.length, dtype=torch.float64)
        for number in range(1, block):
            start, end = self._job.spans[number - 1]
            samples[:, start:end] += self._job.store.load(number).sounds[-1]
        return samples
