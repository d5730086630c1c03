"""What is said of each task, once, and what follows from it."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, ClassVar, Literal

import pytest
from cyclopts import App, Parameter
from torch import Tensor

import audioprior as ap
from audioprior.cli import restore
from audioprior.cli.arguments import assigned
from audioprior.errors import SettingsError
from audioprior.settings.json import decode
from audioprior.tasks import TASKS, Denoise, Extend, Inpaint, Knob, Run, Task, Words
from audioprior.tasks.knob import region, span
from audioprior.tasks.task import Device, Seed
from audioprior.web.requests import Wish, asked, command_line, forms


@dataclasses.dataclass(frozen=True, kw_only=True)
class Echo(Task):
    """A task that nobody has."""

    kind: Literal["echo"] = "echo"
    depth_db: Annotated[
        float, Knob("how far down the echo is", least=-60, most=0, unit="dB", flag="depth", page=True)
    ] = -6.0
    where: Annotated[
        tuple[tuple[float, float], ...], Knob("START-END to echo", flag="at", mark="span", label="an echo", page=True)
    ] = ()
    loop: Annotated[bool, Knob("go on for ever", page=True)] = False
    like: Annotated[str | None, Knob("a file")] = None
    seed: Seed = 0
    device: Device = "auto"

    words: ClassVar[Words] = Words(summary="Echo.", more="Echo.", heard="a void", offer="Echo it", done="Echoed")
    method: ClassVar[str] = "nmf"


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> list[Run]:
    """What the commands would have done."""
    found: list[Run] = []
    monkeypatch.setattr("audioprior.files.runner.restore_each", lambda _, chain, *__, **___: found.extend(chain))
    return found


def call(task: type[Task], *words: str) -> None:
    app = App(default_parameter=Parameter(negative=()))
    app.command(restore.command(task), name=task.kind)
    app([task.kind, *words], exit_on_error=False, print_error=False, result_action="return_value")


@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
def test_everything_is_said_of_a_task_once(task: type[Task]) -> None:
    assert TASKS[task.kind] is task
    assert [option.name for option in task.options()][-2:] == ["seed", "device"]
    assert {option.name for option in task.options()} == {field.name for field in dataclasses.fields(task)} - {"kind"}  # type: ignore[arg-type]
    assert len({option.flag for option in task.options()}) == len(task.options())
    assert "Attributes:" not in (task.__doc__ or "")
    assert task.preset() == task.preset(task.method)
    for option in task.options():
        option.check(option.default) if option.default is not None else None
        assert set(option.knob.choices) <= set(option.choices)
        assert option.knob.help[-1] not in ".;,"


def test_a_dataclass_is_enough_for_a_command(runs: list[Run], capsys: pytest.CaptureFixture[str]) -> None:
    call(Echo, "x.wav", "--depth", "-12", "--at", "0:01-0:02.5", "--at", "3-4", "--loop", "--like", "y.wav", "--steps", "7")
    task = Echo(depth_db=-12, where=((1.0, 2.5), (3.0, 4.0)), loop=True, like="y.wav")
    assert runs[0] == Run.of(task, "nmf", steps=7)
    line = command_line(runs[0], "x.wav")
    assert line == "audioprior echo x.wav --depth -12.0 --at 1.0-2.5 --at 3.0-4.0 --loop --like y.wav"
    call(Echo, *line.split()[2:])
    assert runs[1].task == task
    call(Echo, "--help")
    said = capsys.readouterr().out
    assert "how far down the echo is" in said
    assert "--kind" not in said


def test_a_dataclass_is_enough_for_the_page_and_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TASKS, "echo", Echo)
    form = forms()[-1]
    assert (form["name"], form["offer"]) == ("echo", "Echo it")
    assert [(control["name"], control["control"]) for control in form["controls"]] == [
        ("depth_db", "number"), ("where", "marks"), ("loop", "bool"),
    ]  # fmt: skip
    assert form["controls"][0]["title"] == "Depth in dB"
    assert asked(Wish(task="echo", settings={"where": [[1, 2]], "loop": True})).task == Echo(where=((1, 2),), loop=True)
    assert assigned("echo", ["where=1-2", "where=0:05-1:00:00", "loop=true"]) == Echo(where=((1, 2), (5, 3600)), loop=True)
    with pytest.raises(SettingsError, match="the page cannot set like of echo"):
        asked(Wish(task="echo", settings={"like": "/etc/passwd"}))
    with pytest.raises(SettingsError, match=r"depth_db is 3.0; it must be between -60 and 0 dB"):
        asked(Wish(task="echo", settings={"depth_db": 3}))


@pytest.mark.parametrize("task", TASKS.values(), ids=list(TASKS))
def test_no_path_comes_from_the_page(task: type[Task]) -> None:
    for option in task.options():
        for value in ("/etc/passwd", ["/etc/passwd"]):
            with pytest.raises(SettingsError):
                asked(Wish(task=task.kind, settings={option.name: value}))


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("0.5-1.2", (0.5, 1.2)), ("1:30-1:31.5", (90.0, 91.5)), ("0:59:59-1:00:00", (3599.0, 3600.0)),
        (".5-90", (0.5, 90.0)), ("1e-05-2", (1e-5, 2.0)),
    ],
)  # fmt: skip
def test_times_are_seconds_or_hours_minutes_seconds(text: str, times: tuple[float, float]) -> None:
    assert span(text) == times
    assert region(f"{text}:20-8000.5") == (*times, 20.0, 8000.5)


@pytest.mark.parametrize("text", ["", "1", "1-", "-1-2", "1:75-2:00", "1:2:3:4-5", "one-two", "1-2-3", "1:60:00-9:00:00"])
def test_what_is_no_passage_is_a_sentence(text: str) -> None:
    with pytest.raises(SettingsError, match="is no passage; give START-END"):
        span(text)
    with pytest.raises(SettingsError, match="is no region; give START-END:LOW-HIGH"):
        region(f"{text}:1-2")


def test_marks_of_a_file_go_where_they_belong(runs: list[Run], tmp_path: Path) -> None:
    spectral = tmp_path / "spectral.txt"
    spectral.write_text("1.0\t2.0\tnoise\n3.0\t4.0\tbird\n\\\t2000\t4000\n")
    call(Denoise, "x.wav", "--labels", str(spectral), "--protect", "5-6:0-100")
    assert runs[0].task == Denoise(noise=(1.0, 2.0), protect=((5, 6, 0, 100), (3, 4, 2000, 4000)))
    call(Inpaint, "x.wav", "--labels", str(spectral))
    assert runs[1].task == Inpaint(gaps=((1.0, 2.0),), regions=((3, 4, 2000, 4000),))
    with pytest.raises(SettingsError, match="marks more than the one passage that --noise takes"):
        call(Denoise, "x.wav", "--labels", str(spectral), "--noise", "0-1")
    with pytest.raises(SettingsError, match="of which echo takes none"):
        call(Echo, "x.wav", "--labels", str(spectral))


def test_a_seed_and_a_device_for_every_task(runs: list[Run]) -> None:
    for task in TASKS.values():
        call(task, "x.wav", "--seed", "3", "--device", "cpu", "--dry-run")
        assert runs[-1] == Run.of(decode({"kind": task.kind, "seed": 3, "device": "cpu"}, task))
    assert isinstance(runs[-1].task, Extend)


@pytest.mark.parametrize("name", ["declip", "inpaint", "declick", "extend"])
def test_a_repair_says_the_device_that_it_really_uses(name: str, tone: Callable[..., Tensor]) -> None:
    """Their exact equations are solved on the processor, whatever else there is."""
    assert ap.process(tone(440, 0.2), assigned(name, ()), sample_rate=16000).device == "cpu"
    message = f"the device is 'cuda', and {name} computes on the processor; use --device auto"
    with pytest.raises(SettingsError, match=message):
        ap.process(tone(440, 0.2), assigned(name, ("device=cuda",)), sample_rate=16000)
