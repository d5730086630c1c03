"""One path from files to files: a chain of tasks, or one, on each input."""

import json
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from audioprior.errors import AudiopriorError
from audioprior.files.inputs import InputFile, identity, input_files
from audioprior.files.listener import Listener, listening
from audioprior.files.options import Output
from audioprior.files.places import PIPE, Places, plan
from audioprior.files.sidecar import describe, hashed
from audioprior.files.snapshots import Snapshots
from audioprior.files.write import write
from audioprior.restoring.job import Job, Result, start
from audioprior.restoring.machine import one_thread
from audioprior.restoring.registry import at_work, inputs_of
from audioprior.restoring.store import Folder
from audioprior.restoring.work import Part
from audioprior.sound.source import Source, open_source
from audioprior.sound.writing import replacing
from audioprior.tasks import Chain, Run, word_of

_LONG_MIN = 5.0  # beyond which what needs all of a recording at once says so first


def restore_each(inputs: Sequence[str], chain: Chain, output: Output, *, dry_run: bool = False) -> int:
    """Restore each input, and return the exit code; one that fails does not stop the rest.

    Args:
        inputs: files, or "-".
        chain: what to do.
        output: what to write.
        dry_run: only list what would be repaired by the first step, on standard output.
    """
    failed: list[AudiopriorError] = []
    with one_thread(), listening(quiet=output.quiet, as_json=output.json) as listener:
        for name in inputs:
            try:
                if dry_run:
                    list_findings(name, chain[0], as_json=output.json)
                else:
                    restore_file(name, chain, output, listener, several=len(inputs) > 1)
            except AudiopriorError as error:
                if len(inputs) == 1:
                    raise
                listener.note(str(error))
                failed.append(error)
    return AudiopriorError.exit_code if failed else 0


def list_findings(name: str, run: Run, *, as_json: bool) -> None:
    """Print what a run would repair in a file."""
    with open_source(name) as source:
        found = start(source, run).work.plan.findings
    for number, finding in enumerate(found, 1):
        facts = {"event": "finding", "input": name, "number": number, **finding.facts()}
        print(json.dumps(facts) if as_json else finding.line(number))
    if not found and not as_json:
        none = run.task.words.nothing if run.task.finds else "There are no places to list: all of it is worked on."
        print(f"{name}: {none[0].lower()}{none[1:]}")


def restore_file(name: str, chain: Chain, output: Output, listener: Listener, *, several: bool = False) -> None:
    """Restore one file.

    Args:
        name: of the file, or "-".
        chain: what to do.
        output: what to write.
        listener: whom to tell.
        several: whether it is one of many, which cannot share one output file.

    Raises:
        AudiopriorError: it cannot be done.
    """
    listener.begin(name)
    with open_source(name) as source:
        FileRun.planned(name, source, chain, output, listener, several=several).restore()


def coming(source: Source, chain: Chain) -> tuple[Part, ...]:
    """Return the sounds that will come out of a chain, without any work: the last step's, with what is removed in all."""
    parts = [part for run in chain for part in at_work(run).parts({"sound": source}, run)[:1]]
    last = at_work(chain[-1]).parts({"sound": source}, chain[-1])
    rate = max(parts, key=lambda part: part.sample_rate)
    finer, beyond = (any(getattr(part, name) for part in parts) for name in ("finer", "beyond"))
    return tuple(Part(part.role, rate.sample_rate, part.channels, rate.length, part.tags, finer, beyond) for part in last)


@dataclass(frozen=True)
class FileRun:
    """A chain on one file, planned and checked.

    Attributes:
        name: of the file, or "-".
        source: what is in it.
        chain: what to do.
        inputs: the files that are read, by role.
        places: where the results go.
        output: what the user asked for.
        listener: whom to tell.
        started: when, by the monotonic clock.
    """

    name: str
    source: Source
    chain: Chain
    inputs: dict[str, InputFile]
    places: Places
    output: Output
    listener: Listener
    started: float

    @classmethod
    def planned(
        cls, name: str, source: Source, chain: Chain, output: Output, listener: Listener, *, several: bool = False
    ) -> "FileRun":
        """Return a run whose results can be written where they go.

        Raises:
            SettingsError: they cannot.
        """
        started = time.monotonic()
        inputs = input_files(name, chain)
        read = [file.path for file in inputs.values()]
        places = plan(name, word_of(chain), source, coming(source, chain), output, read=read, several=several)
        return cls(name, source, chain, inputs, places, output, listener, started)

    def restore(self) -> None:
        """Do it, and leave nothing behind but what was asked for."""
        for note in self.source_notes:
            self.listener.note(note)
        result, sound, stores = None, self.source, list[Folder]()
        snapshots = None
        for number, run in enumerate(self.chain, 1):
            if number > 1:
                self.listener.begin(self.name)
            work = at_work(run).work(inputs_of(sound, run), run)
            store = self._store(number) if len(work.plan.spans) > 1 and self._resumes else None
            stores += [store] if store else []
            job = Job(work, run, store, result)
            snapshots = self._snapshots(job)
            self._go(job, snapshots)
            result = job.result()
            sound = result.sounds["restored"]
        assert result is not None
        self.write(result, snapshots)
        for store in stores:
            store.remove()

    @property
    def source_notes(self) -> list[str]:
        """What there is to say of how the input was read."""
        return [f"{self.name}: {note}" for note in getattr(self.source, "notes", ())]

    @property
    def _resumes(self) -> bool:
        """Whether an interrupted run can go on: what comes through a pipe comes once."""
        return self.places.main != PIPE and Path(self.name).is_file()

    def _store(self, number: int) -> Folder:
        """Return where the blocks of a step are kept until all is written."""
        main = self.places.main
        name = f"{main.name}.parts" if len(self.chain) == 1 else f"{main.name}.{number}.parts"
        return Folder(main.with_name(name), identity(self.inputs, self.chain[:number]))

    def _go(self, job: Job, snapshots: Snapshots | None) -> None:
        try:
            for progress in job:
                self.listener.step(progress)
                if snapshots:
                    snapshots.take(progress)
        except KeyboardInterrupt:
            if isinstance(job.store, Folder):
                kept, count, where = job.store.finished, len(job.spans), job.store.folder
                self.listener.note(f"{kept} of {count} blocks are kept in {where}; run it again to go on.")
            if self.output.keep_partial and len(self.chain) == 1:
                self.write(job.result(), snapshots)
            raise

    def _snapshots(self, job: Job) -> Snapshots | None:
        """Return who takes snapshots: where it was asked for, and of the seed, which is its samples on the way."""
        folder = self.output.snapshots
        if folder is None and job.run.method.observation == "image" and self.places.main != PIPE:
            folder = self.places.main.with_suffix(".steps")
        if folder is None or not job.spans:
            return None
        minutes = self.source.length / self.source.sample_rate / 60
        if minutes > _LONG_MIN:
            count = 1 + job.run.method.stopping.max_steps // self.output.every
            gb = 8 * self.source.length * self.source.channels * count / 1e9
            self.listener.note(f"{count} snapshots of {minutes:.0f} minutes are held at once: about {gb:.1f} GB of memory.")
        return Snapshots(folder, self.output.every, job)

    def write(self, result: Result, snapshots: Snapshots | None = None) -> None:
        """Write all that was asked for, the sidecar last, as it says that all is there; then tell."""
        output, notes, places = self.output, list[str](), self.places
        for file in self.inputs.values():
            file.check()
        nothing = result.complete and not any(step.findings or step.fits for step in result.chain)
        if nothing:
            words = self.chain[0].task.words
            self.listener.note(f"{self.name}: {words.nothing[0].lower()}{words.nothing[1:]}")
        if not (nothing and self._copied()):
            places, notes = write(
                result, places, force=output.force, source=Path(self.name) if Path(self.name).is_file() else None
            )
        if output.report:
            result.report(output.report, force=output.force)
        if snapshots:
            snapshots.write(result)
        for note in notes:
            self.listener.note(note)
        notes = [*self.source_notes, *notes]
        seconds = round(time.monotonic() - self.started, 3)
        if places.sidecar:
            files = {role: path for role, path in places.sounds.items() if path != PIPE}
            facts: dict[str, Any] = {
                "inputs": {role: file.facts() for role, file in self.inputs.items()},
                "outputs": hashed(files),
            }
            with replacing(places.sidecar, force=output.force) as beside:
                beside.write_text(describe(result, **facts, notes=notes, seconds=seconds), encoding="utf-8")
        self._tell(result, places, snapshots, seconds)

    def _copied(self) -> bool:
        """Copy the input's bytes, where the output would hold the same sound in the same way and nothing else is written."""
        same = self.source.encoding == replace(self.places.encoding, valid_bits=None) and len(self.places.sounds) == 1
        if not same or not self._resumes or self.output.report:
            return False
        with replacing(self.places.main, force=self.output.force) as beside:
            shutil.copyfile(self.name, beside)
        return True

    def _tell(self, result: Result, places: Places, snapshots: Snapshots | None, seconds: float) -> None:
        removed = places.sounds.get("removed")
        others = [str(path) for role, path in places.sounds.items() if role != "removed" and path != places.main]
        self.listener.done(
            output=str(places.main),
            others=others,
            removed=str(removed) if removed else None,
            report=str(self.output.report) if self.output.report else None,
            snapshots=str(snapshots.folder) if snapshots else None,
            seconds=seconds,
            stopped=[fit.reason for step in result.chain for fit in step.fits],
            complete=result.complete,
            findings=[finding.facts() for step in result.chain for finding in step.findings],
        )
