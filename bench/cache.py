"""Finished measurements, kept under what decides them, so that a bench goes on where it was stopped.

A measurement is kept in build/bench under a hash of all that can change it: the code that it runs, the material itself
(samples, not file names), the settings, and the versions of the packages. Code of the package is whole files, with all
that they import; code of the benches is the functions that measure, with all that they name. Settings are in the key by
their values and not by their files: a new preset is no reason to measure the others again. Costs in CPU seconds belong to
the machine: build/bench is not to be carried to another.
"""

import ast
import hashlib
import inspect
import json
import shutil
import subprocess
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from audioprior.settings.json import encode
from audioprior.settings.methods import Method

ROOT = Path(__file__).parent.parent
CACHE = ROOT / "build" / "bench"
_PACKAGE = ROOT / "src" / "audioprior"
# Not followed: the values of settings stand in the key, a report changes no sound, and `systems` names all that there is.
_APART = ("settings", "report", "compare/systems.py")
_NUMERIC = ("torch", "numpy", "soxr")


def kept(bench: str, label: str, key: str, work: Callable[[], Any]) -> Any:
    """Return what a piece of work gives, as JSON holds it: done now, or before under the same key."""
    path = place(bench, label, key)
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(work()), encoding="utf-8")
    return json.loads(path.read_text(encoding="utf-8"))


def place(bench: str, label: str, key: str, ending: str = "json") -> Path:
    """Return where a piece of work is kept."""
    words = "".join(letter if letter.isalnum() or letter in "-+.," else "_" for letter in label)
    return CACHE / bench / f"{words}-{key}.{ending}"


def key(
    *,
    code: Sequence[str | Path] = (),
    measuring: Iterable[Callable[..., Any]] = (),
    material: Iterable[Tensor] = (),
    settings: Any = None,
    packages: Iterable[str] = (),
) -> str:
    """Return a short hash of what decides a measurement.

    Args:
        code: modules whose files decide, with all that they import ("restore" for `audioprior.restore`), and others' files.
        measuring: functions of the benches that decide, with all that they name.
        material: the samples.
        settings: whatever else decides, as JSON can hold it.
        packages: other people's distributions and programs whose versions decide.
    """
    digest = hashlib.sha256()
    for path in sorted(set().union(*(reached(module) for module in code))):
        digest.update(f"{path.name}\n".encode() + path.read_bytes())
    for function in measuring:
        digest.update("\n".join(definitions(function)).encode())
    for samples in material:
        digest.update(f"{tuple(samples.shape)} {samples.dtype}".encode() + samples.contiguous().numpy().tobytes())
    digest.update(json.dumps(settings, sort_keys=True).encode())
    digest.update(json.dumps({name: _version(name) for name in (*_NUMERIC, *packages)}).encode())
    return digest.hexdigest()[:16]


def method_code(chosen: Method) -> tuple[list[str | Path], Any]:
    """Return what a method's prior is made by, modules and files, and the method's values with the texts that build it."""
    built = type(chosen.prior.build(planned_steps=chosen.stopping.max_steps, generators=[torch.Generator()]))
    builders: list[Callable[..., Any]] = [type(chosen.prior).build, type(chosen.stopping).build]
    code: list[str | Path] = ["settings.methods"]
    if built.__module__.startswith("audioprior."):
        code.append(built.__module__)
    if not type(chosen.prior).__module__.startswith("audioprior."):
        code.append(Path(inspect.getfile(builders[0])).resolve())
    return code, [encode(chosen), [inspect.getsource(builder) for builder in builders]]


@cache
def reached(module: str | Path) -> frozenset[Path]:
    """Return a module's file and those of the package that it imports, at once or when called, and so on."""
    first = module if isinstance(module, Path) else _file(f"audioprior.{module}") or _file(module)
    if first is None:
        raise SystemExit(f"there is no module {module} in audioprior.")
    found, waiting = {first}, [first]
    while waiting:
        for path in _imported(waiting.pop()) - found:
            found.add(path)
            waiting.append(path)
    return frozenset(found)


@cache
def _imported(path: Path) -> frozenset[Path]:
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            # `from room import file` reaches the file, `from file import name` the file that has it.
            names += [f"{node.module}.{alias.name}" for alias in node.names] + [node.module]
    files = (_file(name) for name in names)
    return frozenset(file for file in files if file and not file.relative_to(_PACKAGE).as_posix().startswith(_APART))


def _file(module: str) -> Path | None:
    room, *parts = module.split(".")
    path = _PACKAGE.joinpath(*parts)
    choices = (path.with_suffix(".py"), path / "__init__.py") if room == "audioprior" and parts else ()
    return next((choice for choice in choices if choice.is_file()), None)


def definitions(function: Callable[..., Any]) -> list[str]:
    """Return the text of a function of the benches and of all of the benches that it names, and so on."""
    found: dict[tuple[Path, str], str] = {}
    waiting = [(Path(inspect.getfile(function)).resolve(), function.__name__)]
    while waiting:
        path, name = waiting.pop()
        texts, homes = _top(path)
        if name in homes:
            waiting.append(homes[name])
        elif name in texts and (path, name) not in found:
            found[path, name] = texts[name]
            tree = ast.parse(texts[name])
            waiting += [(path, node.id) for node in ast.walk(tree) if isinstance(node, ast.Name)]
    return [found[where] for where in sorted(found)]


@cache
def _top(path: Path) -> tuple[dict[str, str], dict[str, tuple[Path, str]]]:
    """Return what a file defines, by its names, and the names that it takes from other files of the benches."""
    text = path.read_text(encoding="utf-8")
    texts: dict[str, str] = {}
    homes: dict[str, tuple[Path, str]] = {}
    for node in ast.parse(text).body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("bench."):
            home = Path(__file__).parent.resolve() / f"{(node.module or '').removeprefix('bench.')}.py"
            homes |= {alias.asname or alias.name: (home, alias.name) for alias in node.names}
        for name in _names(node):
            texts[name] = ast.get_source_segment(text, node) or ""
    return texts, homes


def _names(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.ClassDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in targets:
            yield from (inner.id for inner in ast.walk(target) if isinstance(inner, ast.Name))


@cache
def _version(name: str) -> str:
    """Return the version of a distribution or of a program, "" of what is not here."""
    try:
        return version(name)
    except PackageNotFoundError:
        if shutil.which(name) is None:
            return ""
        return subprocess.run([name, "-version"], capture_output=True, text=True, check=False).stdout.partition("\n")[0]
