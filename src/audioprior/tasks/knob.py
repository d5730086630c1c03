"""Knobs: what there is to know of a setting of a task, once, for the command, the page, `--set` and the documentation."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin

import msgspec

from audioprior.errors import SettingsError
from audioprior.settings.json import require

_NUMBER = r"(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_TIME = rf"(?:(?:\d+:)?\d+:)?{_NUMBER}"
_SPAN = re.compile(rf"({_TIME})-({_TIME})")
_REGION = re.compile(rf"({_TIME}-{_TIME}):({_NUMBER})-({_NUMBER})")


@dataclass(frozen=True)
class Knob:
    """What there is to know of a setting, as `Annotated[float, Knob(...)]` on a task's field.

    Attributes:
        help: what it is, in words that follow its name.
        least: it must be at least this; each number, of several.
        above: it must be more than this.
        most: it must be at most this.
        unit: of the number, as one writes it: "dBFS", "Hz".
        flag: of the command, without its dashes; the field's name without it.
        mark: what is marked in the recording: a passage of time, a region of time and frequency, or a mask.
        label: what a mark is of, in words that follow "mark" on the page: "a gap".
        choices: what each choice of a `Literal` means.
        page: whether a visitor of the page may set it, never a path. True gives it a control in the form, or a mark; "later"
            lets it be moved after the run, as it needs no new fit; "asked" takes it from a request that names it.
    """

    help: str
    least: float | None = None
    above: float | None = None
    most: float | None = None
    unit: str = ""
    flag: str | None = None
    mark: Literal["span", "region", "mask"] | None = None
    label: str = ""
    choices: Mapping[str, str] = field(default_factory=dict, hash=False)
    page: bool | Literal["later", "asked"] = False

    @property
    def allowed(self) -> str:
        """What it must be, in words: "between 0 and 1", "more than 0 Hz"; "" for anything."""
        unit = f" {self.unit}" if self.unit else ""
        if self.least is not None and self.most is not None:
            return f"between {self.least:g} and {self.most:g}{unit}"
        bounds = (("at least", self.least), ("more than", self.above), ("at most", self.most))
        words = ", ".join(f"{word} {bound:g}" for word, bound in bounds if bound is not None)
        return words and words + unit


@dataclass(frozen=True)
class Option:
    """A knob in its place: a setting of one task.

    Attributes:
        name: of the field.
        knob: what there is to know of it.
        hint: its type.
        default: its value where nothing is decided.
    """

    name: str
    knob: Knob
    hint: Any
    default: Any

    @property
    def flag(self) -> str:
        """The command's word for it, without dashes."""
        return self.knob.flag or self.name.replace("_", "-")

    @property
    def title(self) -> str:
        """Its name on the page, with its unit: "Level in dBFS"."""
        words = self.flag.replace("-", " ")
        return f"{words[0].upper()}{words[1:]}" + (f" in {self.knob.unit}" if self.knob.unit else "")

    @property
    def many(self) -> bool:
        """Whether it holds several, each of which is given on its own."""
        return get_origin(self.hint) is tuple and get_args(self.hint)[-1] is Ellipsis

    @property
    def single(self) -> Any:
        """The type of one of several; its own type otherwise."""
        return get_args(self.hint)[0] if self.many else self.hint

    @property
    def types(self) -> tuple[Any, ...]:
        """What it may be, one type each, but for None."""
        union = isinstance(self.single, UnionType) or "Union" in str(get_origin(self.single))
        return tuple(hint for hint in (get_args(self.single) if union else (self.single,)) if hint is not NoneType)

    @property
    def choices(self) -> tuple[str, ...]:
        """The names of its choices; none where it is a number or a mark."""
        return get_args(self.hint) if get_origin(self.hint) is Literal else ()

    @property
    def help(self) -> str:
        """What it is, with the meaning of each of its choices."""
        words = [f"{name} ({meaning})" for name, meaning in self.knob.choices.items()]
        return self.knob.help + (f": {', '.join(words[:-1])} or {words[-1]}" if words else "")

    def check(self, value: Any) -> None:
        """Refuse a value that its knob does not allow.

        Raises:
            SettingsError: it is out of its bounds, or ends before it begins.
        """
        knob = self.knob
        if self.choices:
            require(value in self.choices, self.name, value, " or ".join(self.choices))
        for part in value if self.many else (value,):
            if isinstance(part, tuple) and knob.mark:
                _check_mark(self.flag, part)
            elif isinstance(part, int | float):
                inside = (knob.least is None or part >= knob.least) and (knob.most is None or part <= knob.most)
                require(inside and (knob.above is None or part > knob.above), self.name, part, knob.allowed)

    def read(self, text: str) -> Any:
        """Return what a text means: one of several, where it holds several.

        Raises:
            SettingsError: it is no passage, no region, no number.
        """
        if str in self.types and (not self.knob.mark or text.endswith(".json")):
            return text
        if self.knob.mark == "span":
            return span(text)
        if self.knob.mark == "region":
            return region(text)
        try:
            return msgspec.convert(text, self.single, strict=False)
        except msgspec.ValidationError as error:
            raise SettingsError(f"{self.name} is {text!r} ({error}); give another value.") from error

    def written(self, value: Any) -> list[str]:
        """Return a value as words of the command."""
        if isinstance(value, bool):
            return [f"--{self.flag}"] if value else []
        return [word for part in (value if self.many else (value,)) for word in (f"--{self.flag}", _spelt(part))]


def span(text: str) -> tuple[float, float]:
    """Read START-END, each in seconds, m:ss or h:mm:ss.

    Raises:
        SettingsError: it is no passage.
    """
    try:
        start, end = map(seconds, _parts(_SPAN, text))
    except ValueError:
        raise SettingsError(f"{text!r} is no passage; give START-END in seconds, such as 0.5-1.2.") from None
    return start, end


def region(text: str) -> tuple[float, float, float, float]:
    """Read START-END:LOW-HIGH, in seconds (or m:ss, or h:mm:ss) and Hz.

    Raises:
        SettingsError: it is no region.
    """
    try:
        passage, low, high = _parts(_REGION, text)
        return *span(passage), float(low), float(high)
    except (ValueError, SettingsError):
        raise SettingsError(f"{text!r} is no region; give START-END:LOW-HIGH, such as 1.2-1.5:2000-4000.") from None


def seconds(text: str) -> float:
    """Return the seconds of a time: "90.5", "1:30.5", "0:01:30.5".

    Raises:
        ValueError: it is no time.
    """
    *larger, rest = (float(part) for part in text.split(":"))
    if larger and (rest >= 60 or any(part >= 60 for part in larger[1:])):
        raise ValueError("sixty seconds are a minute, sixty minutes an hour")
    return sum((part * 60.0**power for power, part in enumerate(reversed(larger), 1)), rest)


def _parts(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    match = pattern.fullmatch(text.replace(" ", ""))
    if not match:
        raise ValueError(text)
    return iter(match.groups())


def _check_mark(name: str, mark: tuple[float, ...]) -> None:
    start, end, *band = mark
    if not band:
        require(0 <= start < end, name, f"{start}-{end}", "a start before its end, both in seconds")
        return
    low, high = band
    allowed = "a start before its end, in seconds, and a low frequency below a high one, in Hz"
    require(0 <= start < end and 0 <= low < high, name, f"{start:g}-{end:g}:{low:g}-{high:g}", allowed)


def _spelt(value: Any) -> str:
    if not isinstance(value, tuple):
        return str(value)
    passage = f"{value[0]!r}-{value[1]!r}"
    return passage if len(value) == 2 else f"{passage}:{value[2]!r}-{value[3]!r}"
