"""How settings stand in JSON, and how they are checked."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any, TypeVar

import msgspec

from audioprior.errors import SettingsError

T = TypeVar("T")


class Choice:
    """One of several dataclasses, told apart in files by its field `kind`.

    A choice of your own, outside the package, is read like the package's: what counts is that its class was defined before.
    """


def encode(settings: Any) -> Any:
    """Return settings as what JSON can hold."""
    # `asdict` first: msgspec leaves out the defaults of a dataclass that it made itself.
    return msgspec.to_builtins(asdict(settings))


def decode(data: Mapping[str, Any], cls: type[T]) -> T:
    """Return settings from what `encode` gave.

    Raises:
        SettingsError: a field is missing, unknown to this version, or out of its range, or nothing that was imported is of
            the `kind` that a choice names.
    """
    try:
        return msgspec.convert(data, cls, dec_hook=_choose)
    except msgspec.ValidationError as error:
        raise SettingsError(f"the settings are not valid ({error}); write them with this version.") from error


def require(condition: bool, name: str, value: object, allowed: str) -> None:
    """Raise a SettingsError that names the setting, its value and what it may be."""
    if not condition:
        raise SettingsError(f"{name} is {value}; it must be {allowed}.")


def _choose(base: type[Any], data: Any) -> Any:
    """Return the choice that `data` names among all classes below `base`, the package's and a stranger's."""
    kind = data.get("kind") if isinstance(data, dict) else None
    known = [(cls.__dataclass_fields__["kind"].default, cls) for cls in _below(base)]
    # The same name in the same module is the same class, defined again: a notebook's cell that was run twice.
    found = {(cls.__module__, cls.__qualname__): cls for name, cls in known if name == kind}
    if not found:
        names = ", ".join(dict.fromkeys(name for name, _ in known))
        raise msgspec.ValidationError(f"kind {kind!r} is none of {names}; one of your own has to be imported first")
    if len(found) > 1:
        raise msgspec.ValidationError(f"kind {kind!r} is in both {' and '.join(module for module, _ in found)}")
    return msgspec.convert(data, next(iter(found.values())), dec_hook=_choose)


def _below(base: type[Any]) -> Iterator[type[Any]]:
    """Yield the dataclasses below one, at any depth, that say a `kind` of their own."""
    for cls in base.__subclasses__():
        if "__dataclass_fields__" in vars(cls) and "kind" in vars(cls).get("__annotations__", {}):
            yield cls
        yield from _below(cls)
