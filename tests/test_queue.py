"""The queue behind the page: whatever happens to one job, the next one is done, and the server starts."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path

import pytest
from torch import Tensor

from audioprior.settings.json import encode
from audioprior.sound.recording import Recording
from audioprior.tasks import Denoise, Run
from audioprior.web.queue import Queue
from audioprior.web.recordings import GoneError, Recordings, Stored
from audioprior.web.tickets import Ticket

RATE = 8000
RUN = Run(task=Denoise())
ORDER_S = 30.0


class Restorer:
    """Stands for the process that restores: the test reads what it is told to do, and answers for it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ends: list[Connection] = []
        self.killed = 0
        monkeypatch.setattr("audioprior.web.queue.start_process", self.start)

    def start(self, _: object) -> tuple["Restorer", Connection]:
        ours, theirs = Pipe()
        self.ends.append(theirs)
        return self, ours

    def kill(self) -> None:
        self.killed += 1

    def order(self) -> str:
        """Wait for the next order, and return the name of the job."""
        for _ in range(int(ORDER_S / 0.02)):
            with contextlib.suppress(EOFError, OSError, IndexError):  # that process is over, and the next has not begun
                if self.ends[-1].poll(0.02):
                    return Path(self.ends[-1].recv()[0]).name
            time.sleep(0.001)
        raise AssertionError("the queue gives no more orders")

    def answer(self, *events: dict[str, object]) -> None:
        with contextlib.suppress(OSError):  # the queue may have turned away after the first of them
            for event in events:
                self.ends[-1].send(event)


@pytest.fixture
def restorer(monkeypatch: pytest.MonkeyPatch) -> Restorer:
    return Restorer(monkeypatch)


@pytest.fixture
def recordings(tmp_path: Path) -> Recordings:
    return Recordings(tmp_path / "page", 3600)


@pytest.fixture
def keep(recordings: Recordings, tone: Callable[..., Tensor]) -> Callable[[], Stored]:
    """A maker of recordings that have arrived."""

    def make() -> Stored:
        place = recordings.place("tape.wav")
        Recording(tone(440, 0.2, RATE), RATE).write(place)
        return recordings.admit(place)

    return make


@pytest.fixture
def queue(recordings: Recordings, restorer: Restorer) -> Iterator[Queue]:  # noqa: ARG001
    made = Queue(recordings, most_waiting=10)
    yield made
    made.close()


def state(queue: Queue, ticket: Ticket) -> str:
    """Wait for the end of a job, and return how it ended."""
    for _ in range(int(ORDER_S / 0.02)):
        found = queue.get(ticket.id).state
        if found not in ("queued", "running"):
            return found
        time.sleep(0.02)
    return found


def finish(queue: Queue, restorer: Restorer, ticket: Ticket) -> None:
    """Do a job, and see that it is done."""
    assert restorer.order() == ticket.id
    restorer.answer({"event": "done", "seconds": 1.0})
    assert state(queue, ticket) == "done"
    assert queue.get(ticket.id).result == {"seconds": 1.0}


@pytest.mark.parametrize("content", [b"", b"{", b"{}", b"[1]", b"\xff\xfe", b'{"id": 3}'])
def test_a_damaged_recording_fails_its_job_and_no_other(
    recordings: Recordings, keep: Callable[[], Stored], queue: Queue, restorer: Restorer, content: bytes
) -> None:
    damaged, whole = keep(), keep()
    (recordings.path(damaged.id) / "recording.json").write_bytes(content)
    lost, ticket = queue.submit(damaged, RUN), queue.submit(whole, RUN)
    assert state(queue, lost) == "failed"
    assert "send it again" in queue.get(lost.id).message
    assert [event["event"] for event in queue.events(lost.id, 0)] == ["failed"]
    finish(queue, restorer, ticket)


def test_what_nobody_expected_fails_its_job_and_no_other(
    recordings: Recordings, keep: Callable[[], Stored], queue: Queue, restorer: Restorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    strange, whole = keep(), keep()
    get = recordings.get
    monkeypatch.setattr(recordings, "get", lambda name: {}[name] if name == strange.id else get(name))
    lost, ticket = queue.submit(strange, RUN), queue.submit(whole, RUN)
    assert state(queue, lost) == "failed"
    assert queue.get(lost.id).message.startswith("unexpected KeyError")
    finish(queue, restorer, ticket)

    # The same while the process is at work: what it still says of this job is not taken for the next.
    lost, ticket = queue.submit(whole, RUN), queue.submit(whole, RUN)
    assert restorer.order() == lost.id
    restorer.answer({"nonsense": True}, {"event": "done", "seconds": 99.0})
    assert state(queue, lost) == "failed"
    assert restorer.killed
    finish(queue, restorer, ticket)


def test_an_event_of_a_deleted_recording_is_nobody_s(
    recordings: Recordings, keep: Callable[[], Stored], queue: Queue, restorer: Restorer
) -> None:
    deleted, whole = keep(), keep()
    gone, ticket = queue.submit(deleted, RUN), queue.submit(whole, RUN)
    assert restorer.order() == gone.id
    queue.forget(deleted.id)
    restorer.answer({"event": "step", "losses": [1.0]})  # it was on its way when the process was killed
    finish(queue, restorer, ticket)
    assert not recordings.path(deleted.id).exists()
    assert queue.events(gone.id, 0) == []
    with pytest.raises(GoneError, match="not here any more"):
        queue.get(gone.id)


def test_a_process_that_ends_is_tried_once_more(keep: Callable[[], Stored], queue: Queue, restorer: Restorer) -> None:
    whole = keep()
    lost, ticket = queue.submit(whole, RUN), queue.submit(whole, RUN)
    for _ in range(2):
        assert restorer.order() == lost.id
        restorer.ends[-1].close()
    assert state(queue, lost) == "failed"
    assert "ended twice" in queue.get(lost.id).message
    finish(queue, restorer, ticket)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda path: path.write_bytes(b""),
    "half": lambda path: path.write_bytes(path.read_bytes()[:40]),
    "no text": lambda path: path.write_bytes(b"\xff\xfe\x00"),
    "a list": lambda path: path.write_text("[]"),
    "a state that there is not": lambda path: path.write_text(path.read_text().replace('"queued"', '"asleep"')),
    "a number for a name": lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), "id": 3})),
    "another's recording": lambda path: path.write_text(json.dumps({**json.loads(path.read_text()), "recording": "../.."})),
    "a folder": lambda path: path.rename(path.with_name("old")).with_name("job.json").mkdir(),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_job_is_left_out_and_the_others_are_taken_up(
    recordings: Recordings, keep: Callable[[], Stored], restorer: Restorer, damage: str
) -> None:
    stored = keep()
    tickets = [Ticket(name, stored.id, encode(RUN), "queued", 1.0, "", (1.0,)) for name in ("damaged", "whole")]
    for ticket in tickets:
        folder = recordings.path(stored.id) / "jobs" / ticket.id
        folder.mkdir(parents=True)
        (folder / "job.json").write_text(json.dumps(asdict(ticket)))
        (folder / "events.jsonl").write_text('{"event": "again"}\n{"event": "st\n\n[]\n')
    DAMAGES[damage](recordings.path(stored.id) / "jobs" / "damaged" / "job.json")
    queue = Queue(recordings, most_waiting=10)
    try:
        assert queue.of(stored.id)[0].id == "whole"
        assert len(queue.of(stored.id)) == 1
        assert queue.events("whole", 0)[0] == {"event": "again"}
        finish(queue, restorer, tickets[1])
    finally:
        queue.close()
