"""Comparing: one recording by this project's methods, by what was used before and by other people's packages.

- `peers`: other people's packages, where they are installed
- `systems`: all that can be compared, by task and name
- `measure`: runs one system, times it and scores it
- `rows`: what was compared
- `page`, `folder`: the listening page; its folder with the sounds and the scores
- `comparison`: compares on one recording, and writes the folder
- `run`: what the command does

Nothing that restores may import this: here, and nowhere else, is a clean reference known.
"""

from audioprior.compare.comparison import Comparison, compare
from audioprior.compare.measure import Measured, measure
from audioprior.compare.rows import Row
from audioprior.compare.systems import System

__all__ = ["Comparison", "Measured", "Row", "System", "compare", "measure"]
