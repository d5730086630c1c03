"""What the house promises of itself."""

import ast
import re
from pathlib import Path

import audioprior

SOURCE = Path(__file__).parent.parent / "src" / "audioprior"
FREE_OF_TORCH = ("errors", "settings", "tasks")


def order() -> list[str]:
    """Return the modules in the order that the package's docstring lists them, "room.file" each."""
    found: list[str] = []
    room = ""
    for line in (audioprior.__doc__ or "").splitlines():
        if match := re.match(r" {4}(\w*) +(.+)", line):
            room, files = match[1] or room, match[2].split()
            if (SOURCE / f"{room}.py").is_file():
                found.append(room)
            else:
                found += [f"{room}.{file}" for file in files]
    return found


def modules() -> dict[str, Path]:
    """Return every file of the package that has a place in the order, by its name."""
    names = {path: ".".join(path.relative_to(SOURCE).with_suffix("").parts) for path in SOURCE.rglob("*.py")}
    return {name: path for path, name in names.items() if name.rpartition(".")[2] not in ("__init__", "__main__")}


def imports(path: Path) -> set[str]:
    """Return the modules of the package that a file imports, now or when called."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "audioprior":
            base = (node.module or "").removeprefix("audioprior").lstrip(".")
            for alias in node.names:
                full = f"{base}.{alias.name}".lstrip(".")
                found.add(full if (SOURCE / f"{full.replace('.', '/')}.py").is_file() else base)
    return found & modules().keys()


def test_every_file_has_a_place_in_the_list() -> None:
    assert sorted(order()) == sorted(modules())


def test_imports_go_down_the_list() -> None:
    place = {name: number for number, name in enumerate(order())}
    for name, path in modules().items():
        for imported in imports(path):
            assert place[imported] < place[name], f"{name} imports {imported}, which stands above it"


def test_a_room_s_own_file_imports_only_what_is_in_the_room_or_below() -> None:
    rooms = list(dict.fromkeys(name.split(".")[0] for name in order()))
    for path in SOURCE.glob("*/__init__.py"):
        room = rooms.index(path.parent.name)
        for imported in imports(path):
            assert rooms.index(imported.split(".")[0]) <= room, f"{path.parent.name} imports {imported}"


def test_the_settings_are_read_without_torch() -> None:
    for name, path in modules().items():
        if name.split(".")[0] in FREE_OF_TORCH:
            at_once = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)]
            known = {alias.name for node in at_once for alias in node.names}
            known |= {node.module or "" for node in at_once if isinstance(node, ast.ImportFrom)}
            assert "torch" not in {module.split(".")[0] for module in known}, f"{name} imports torch"
            own = {module.split(".")[1] for module in known if module.startswith("audioprior.")}
            assert own <= {*FREE_OF_TORCH}, f"{name} imports {own}, which may import torch"


def test_nothing_that_restores_knows_of_scores() -> None:
    for name, path in modules().items():
        room = name.split(".")[0]
        assert room == "compare" or "compare.metrics" not in imports(path), f"{path} could peek at a clean reference"
        known = {imported.split(".")[0] for imported in imports(path)}
        assert room in ("compare", "cli") or "compare" not in known, f"{path} could peek at a clean reference"


def test_no_system_that_is_compared_knows_of_scores() -> None:
    for name in ("systems", "peers"):
        known = imports(SOURCE / "compare" / f"{name}.py")
        assert {one for one in known if one.startswith("compare.")} <= {"compare.peers"}


def test_the_core_is_read_in_one_sitting() -> None:
    """What evidence is, what fits, when it stops, the exact solver; one prior and two observations."""
    core = [*(SOURCE / "model").glob("*.py"), SOURCE / "priors" / "nmf.py"]
    core += [SOURCE / "observations" / f"{name}.py" for name in ("noise", "gain", "gap")]
    assert sum(len(path.read_text(encoding="utf-8").splitlines()) for path in core) < 1500


def test_files_do_one_thing() -> None:
    for path in SOURCE.rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 320, f"{path} is long: does it do one thing?"
