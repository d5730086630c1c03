"""Comparing: one recording by this project's methods, by what was used before and by other people's packages.

- `peers`: other people's packages, where they are installed
- `systems`: all that can be compared, by task and name
- `measure`: runs one system, times it and scores it
- `comparison`: the rows of one recording
- `folder`, `page`: the listening page, the sounds and the scores
- `run`: what the command does

Nothing that restores may import this: here, and nowhere else, is a clean reference known.
"""

from audioprior.compare.comparison import Comparison, Row, compare
from audioprior.compare.measure import Measured, measure
from audioprior.compare.systems import System

__all__ = ["Comparison", "Measured", "Row", "System", "compare", "measure"]
