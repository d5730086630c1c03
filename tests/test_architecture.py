"""What the house promises of itself."""

import ast
from pathlib import Path

SOURCE = Path(__file__).parent.parent / "src" / "audioprior"
# The way the sound goes. Imports go to the left, never to the right.
ORDER = [
    *(
        "errors",
        "hiring",
        "encoding",
        "writing",
        "recording",
        "source",
        "channels",
        "spectrum",
        "gaussian",
        "evidence",
        "profile",
        "prior_settings",
        "settings",
        "tasks",
        "presets",
        "damage",
        "detection",
        "classical",
        "priors",
        "observations",
        "stopping",
    ),
    *(
        "fitting",
        "protecting",
        "job",
        "denoising",
        "dequantising",
        "repairing",
        "uncovering",
        "extending",
        "restore",
        "inspection",
        "marks",
        "metrics",
        "sidecar",
        "streaming",
        "pictures",
        "report",
        "snapshots",
        "console",
        "output",
        "runner",
        "arguments",
        "batch",
        "compare",
        "web",
        "doctor",
        "cli",
    ),
]
FREE = {"prior_settings", "settings", "tasks", "presets"}  # no torch, no sound: anything may ask them


def imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            if node.module.startswith("audioprior."):
                found.add(node.module.split(".")[1])
            elif node.module == "audioprior":
                found |= {alias.name for alias in node.names}
    return found & set(ORDER)


def test_imports_go_down_the_list() -> None:
    late = {("job", "report")}  # Result.report(), imported when called
    for path in SOURCE.rglob("*.py"):
        name = path.relative_to(SOURCE).parts[0].removesuffix(".py")
        if name in {"__init__.py", "__main__.py", "__init__", "__main__"}:
            continue
        assert name in ORDER, f"{name} has no place in the house"
        for imported in imports(path) - FREE - {name}:
            if (name, imported) not in late:
                assert ORDER.index(imported) < ORDER.index(name), f"{path.name} imports {imported}"


def test_nothing_that_restores_knows_of_scores() -> None:
    for path in SOURCE.rglob("*.py"):
        part = path.relative_to(SOURCE).parts[0]
        assert part == "compare" or "metrics" not in imports(path), f"{path} could peek at a clean reference"
        assert part in ("compare", "cli") or "compare" not in imports(path), f"{path} could peek at a clean reference"


def test_no_system_that_is_compared_knows_of_scores() -> None:
    for name in ("systems", "peers"):
        path = SOURCE / "compare" / f"{name}.py"
        nodes = ast.walk(ast.parse(path.read_text()))
        modules = {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
        assert "metrics" not in imports(path)
        assert {module for module in modules if "audioprior.compare" in module} <= {"audioprior.compare.peers"}


def test_files_do_one_thing() -> None:
    for path in SOURCE.rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 330, f"{path} is long: does it do one thing?"
