"""The code in the documentation's pages: found here for the tests, which run it, and for `draw.py`, which hears it."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
PAGES = ["README.md", *sorted(str(path.relative_to(ROOT)) for path in (ROOT / "docs").rglob("*.md"))]
_FENCE = re.compile(r"^```(sh|python)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True)
class Snippet:
    """A fenced block: its language, "sh" or "python", its code, and the line of the page that it begins at."""

    language: str
    code: str
    line: int


def snippets(page: str) -> list[Snippet]:
    """Return the blocks of a page in their order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return [Snippet(one[1], one[2], text.count("\n", 0, one.start()) + 2) for one in _FENCE.finditer(text)]
