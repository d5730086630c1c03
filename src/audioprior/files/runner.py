"""Runs one task over the files of one command."""

import json
import os
import shutil
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from audioprior.errors import AudiopriorError, SettingsError
from audioprior.files.output import Files, Output, numbered, output_encoding, output_path
from audioprior.tasks import Denoise, Inpaint, Run

if TYPE_CHECKING:
    from audioprior.files.console import Voice
    from audioprior.sound.encoding import Encoding
    from audioprior.sound.recording import Recording
    from audioprior.sound.source import FileSource

_COARSE = ("PCM_S8", "PCM_U8", "PCM_16", "ULAW", "ALAW")  # would round the result of dequantising back


def restore_each(inputs: Sequence[str], run: Run, output: Output, *, dry_run: bool = False) -> int:
    """Restore each input, and return the exit code; one that fails does not stop the rest.

    Args:
        inputs: files, or "-".
        run: the settings.
        output: what to write.
        dry_run: only list what would be repaired, on standard output.
    """
    import torch

    from audioprior.files.console import voice

    if "OMP_NUM_THREADS" not in os.environ:
        # The fit's small matrix products gain nothing from a second thread, and on a busy machine two wait for each other
        # most of the time: eight times the processor time was measured.
        torch.set_num_threads(1)
    failed: list[AudiopriorError] = []
    with voice(quiet=output.quiet, as_json=output.json) as out:
        for name in inputs:
            try:
                if dry_run:
                    _list(name, run, as_json=output.json)
                else:
                    restore_file(name, run, output, out, several=len(inputs) > 1)
            except AudiopriorError as error:
                if len(inputs) == 1:
                    raise
                out.note(str(error))
                failed.append(error)
    return AudiopriorError.exit_code if failed else 0


def _list(name: str, run: Run, *, as_json: bool) -> None:
    from audioprior.restore import start
    from audioprior.sound.recording import read

    found = start(read(name), run).findings
    for number, finding in enumerate(found, 1):
        print(
            json.dumps({"event": "finding", "input": name, "number": number, **finding.facts()})
            if as_json
            else finding.line(number)
        )
    if not found and not as_json:
        print(f"{name}: nothing to repair was found.")


def restore_file(name: str, run: Run, output: Output, out: "Voice", *, several: bool = False) -> None:
    """Restore one file.

    Args:
        name: of the file, or "-".
        run: the settings.
        output: what to write.
        out: whom to tell.
        several: whether it is one of many, which cannot share one output file.

    Raises:
        AudiopriorError: it cannot be done.
    """
    from audioprior.sound.source import open_source, whole

    started = time.monotonic()
    out.begin(name)
    with open_source(name) as source:
        files = planned(source, name, run, output, started, several=several)
        if _is_long(source, run, output):
            _from_file_to_file(source, name, run, files, out)
        else:
            _in_memory(whole(source), run, files, out)


def planned(source: "FileSource", name: str, run: Run, output: Output, started: float, *, several: bool = False) -> Files:
    """Return where the results of a run go, and how they are stored.

    Args:
        source: what is restored.
        name: of its file, or "-".
        run: the settings.
        output: what to write.
        started: when the run began, by the monotonic clock.
        several: whether it is one of many.

    Raises:
        SettingsError: they cannot go there.
    """
    from audioprior.sound.recording import check_encodable
    from audioprior.sound.writing import check_writable

    encoding = source.encoding.lossless()
    path = output_path(name, run.task.kind, output, encoding, several=several)
    piped = path == Path("-")
    if piped and output.json:
        raise SettingsError("--json and sound would share standard output; name a file with -o.")
    if several and (output.removed or output.report or output.snapshots):
        raise SettingsError("--removed, --report and --snapshots name one file; give one input at a time.")
    finer = "PCM_24" if run.task.kind == "dequantise" and encoding.subtype in _COARSE else None
    encoding = output_encoding(path, encoding, output.subtype or finer)
    sidecar = None if piped else path.with_suffix(".json")
    samples = run.task.samples if isinstance(run.task, Inpaint) else 1
    if samples > 1 and piped:
        raise SettingsError(f"{samples} samples cannot share standard output; name a file with -o.")
    for target in (None if piped else path, sidecar, output.removed, output.report, *numbered(path, samples - 1)):
        if target is not None:
            check_writable(target, force=output.force)
    check_encodable(source, encoding)
    return Files(path, sidecar, encoding, output, started)


def _is_long(source: "FileSource", run: Run, output: Output) -> bool:
    """Whether to go block by block: what needs all samples at once, such as a report, is done in memory."""
    needs_all = output.report or output.snapshots or output.clip_mode not in (None, "clamp")
    if needs_all or not isinstance(run.task, Denoise) or run.method.observation == "image":
        return False
    return source.length > run.task.block_s * source.sample_rate


def _from_file_to_file(source: "FileSource", name: str, run: Run, files: Files, out: "Voice") -> None:
    from audioprior.restoring.streaming import LongDenoising, Parts, identity

    path = files.path
    with ExitStack() as stack:
        if path == Path("-") or not Path(name).is_file():  # what comes through a pipe comes once
            folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="audioprior-"))
            parts = Parts(Path(folder), "")
        else:
            parts = Parts(path.with_name(f"{path.name}.parts"), identity(Path(name), run, files.encoding))
        job = LongDenoising(source, run, parts, files.encoding)
        try:
            for progress in job:
                out.step(progress)
        except KeyboardInterrupt:
            out.note(f"{parts.finished} of {len(job.blocks)} blocks are kept in {parts.folder}; run it again to go on.")
            if files.output.keep_partial:
                files.write_long(job, out)
            raise
        files.write_long(job, out)
        parts.remove()


def _in_memory(recording: "Recording", run: Run, files: Files, out: "Voice") -> None:
    from audioprior.files.snapshots import Snapshots
    from audioprior.restore import start
    from audioprior.restoring.denoise import Denoising

    name, path, output = recording.name, files.path, files.output
    job = start(recording, run)
    if not job.blocks:
        out.note(f"{name}: nothing to repair was found.")
        if _copied(name, recording, path, files.encoding, output):
            files.finish(job.result(), path, name, (), (), None, [], None, out)
            return
    folder = output.snapshots
    if folder is None and run.method.observation == "image" and path != Path("-"):
        folder = path.with_suffix(".steps")  # the seed is its samples on the way
    snapshots = None
    if folder:
        if not isinstance(job, Denoising):
            raise SettingsError(f"--snapshots {folder} shows a denoising on its way; leave it out to {run.task.kind}.")
        snapshots = Snapshots(folder, output.every, job)
    try:
        for progress in job:
            out.step(progress)
            if snapshots:
                snapshots.take(progress)
    except KeyboardInterrupt:
        if output.keep_partial:
            files.write(job.result(), out, snapshots)
        raise
    files.write(job.result(), out, snapshots)


def _copied(name: str, recording: "Recording", path: Path, encoding: "Encoding", output: Output) -> bool:
    """Copy the input's bytes, where the output would hold the same sound in the same way and nothing else is asked for."""
    from audioprior.sound.writing import replacing

    source = Path(name)
    if recording.encoding != encoding or path == Path("-") or not source.is_file() or output.removed or output.report:
        return False
    with replacing(path, force=output.force) as beside:
        shutil.copyfile(source, beside)
    return True
