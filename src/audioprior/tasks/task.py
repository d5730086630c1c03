"""What all tasks have in common."""

from dataclasses import dataclass, fields, replace
from functools import cache
from typing import Annotated, Any, ClassVar, get_args, get_origin, get_type_hints

from audioprior.errors import SettingsError
from audioprior.settings import presets
from audioprior.settings.json import Choice, require
from audioprior.settings.methods import Method
from audioprior.settings.priors import PriorSettings
from audioprior.tasks.knob import Knob, Option

Gap = tuple[float, float]
"""START, END, in seconds."""
Region = tuple[float, float, float, float]
"""START, END in seconds, LOW, HIGH in Hz."""

Seed = Annotated[int, Knob("of all random numbers; the same seed on the same machine gives the same bytes", page="asked")]
Device = Annotated[str, Knob("auto, cpu, cuda, cuda:N or mps")]


@dataclass(frozen=True, kw_only=True)
class Words:
    """What is said of a task, by the command's help, the page and the report.

    Attributes:
        summary: what it does, in a sentence: the first line of its help.
        more: what else must be known before it is run, in sentences.
        heard: what one hears in a recording that needs it.
        offer: the page's word for it, as something to do.
        done: the same as something that was done.
        listed: what a dry run lists, after "only list what would be".
        difference: the input less the result, as reports and players name it.
        nothing: said where there was nothing to do.
        repaired: what was found and mended, before the list of it.
        found: what was found, where it is one thing that fills the recording: a sentence with its fields in braces.
        untouched: what stayed as it was, in a sentence.
        noise: whether what is taken away is noise, and told by its kinds: "14 dB of steady hiss".
    """

    summary: str
    more: str = ""
    heard: str
    offer: str
    done: str
    listed: str = "repaired"
    difference: str = "before less after"
    nothing: str = "Nothing to repair was found."
    repaired: str = "Repaired"
    found: str = ""
    untouched: str = "All other samples are as they were."
    noise: bool = False


class Task(Choice):
    """What a user decides about a task, in a frozen dataclass a task; every field but `kind` has a knob.

    Attributes:
        kind: which task.
        seed: of all random numbers.
        device: what to compute on.
        inputs: the sounds that it takes, by name; "?" stands after what can be left out, "..." for any number more.
        words: what is said of it.
        method: the name of the method that it takes by itself.
        seat: how a repair seats any prior: the windows that suit the damage, the steps, how often the damage is inferred
            anew. None for a task that takes methods as they are.
        methods: names of those that the page offers; it takes the task's own without them.
        fits: whether a prior is fitted, so that a method can be chosen.
        beyond: whether its result's peaks are expected beyond full scale.
        finds: whether it looks for places, and mends these only; otherwise it works everywhere.
    """

    kind: str
    seed: Seed
    device: Device

    inputs: ClassVar[tuple[str, ...]] = ("sound",)
    words: ClassVar[Words]
    method: ClassVar[str]
    seat: ClassVar[Method | None] = None
    methods: ClassVar[tuple[str, ...]] = ()
    fits: ClassVar[bool] = True
    beyond: ClassVar[bool] = False
    finds: ClassVar[bool] = True

    def __post_init__(self) -> None:
        require(0 <= self.seed < 2**63, "seed", self.seed, "between 0 and 2^63 - 1")
        for option in self.options():
            option.check(getattr(self, option.name))

    def files(self) -> dict[str, str]:
        """Return the paths of further files that the settings name, by role."""
        named = {role: getattr(self, role) for role in (role.rstrip("?") for role in self.inputs[1:])}
        return {role: path for role, path in named.items() if path is not None}

    @classmethod
    def options(cls) -> tuple[Option, ...]:
        """Return every setting with its knob, in order; those of all tasks come last."""
        return _options(cls)  # type: ignore[arg-type]

    @classmethod
    def named(cls, method: str) -> str:
        """Return the name of a method; "default" is the one that the task takes by itself."""
        return cls.method if method == "default" else method

    @classmethod
    def seated(cls, prior: PriorSettings) -> Method:
        """Return the method of any prior, yours too, for this task: with the windows, steps and rounds that suit it."""
        return replace(cls.seat or Method(), prior=prior)

    @classmethod
    def preset(cls, method: str = "default", *, stop: str | None = None, steps: int | None = None) -> Method:
        """Return a method by its name, in this task's seat.

        Args:
            method: which.
            stop: the stopping rule to use in place of the method's own.
            steps: the most steps to take, in place of the rule's own.

        Raises:
            SettingsError: there is no such method or rule, or none that can do this, or `steps` is below 1.
        """
        name = cls.named(method)
        if cls.seat is not None and name in presets.METHODS and name not in presets.REPAIR_PRIORS:
            raise SettingsError(f"{name} is no method to {cls.kind}; choose one of {', '.join(presets.REPAIR_PRIORS)}.")
        return presets.method(name, cls.seat, stop=stop, steps=steps)


@cache
def _options(cls: Any) -> tuple[Option, ...]:
    found: list[Option] = []
    hints = get_type_hints(cls, include_extras=True)
    for place in fields(cls):
        hint: Any = hints[place.name]
        if get_origin(hint) is Annotated:
            plain, *notes = get_args(hint)
            found += [Option(place.name, note, plain, place.default) for note in notes if isinstance(note, Knob)]
    return tuple(sorted(found, key=lambda option: option.name in ("seed", "device")))
