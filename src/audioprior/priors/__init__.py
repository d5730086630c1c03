"""Priors: what draws λ, the power of the clean sound, one idea a file.

All are untrained and all see one recording. To add one: a file here with a class that has the two verbs of `Prior`, and a
dataclass in `settings/priors.py` that says its sizes and builds it; the tests then run it by themselves. One of your own,
outside the package, needs no more than that either: `docs/extending.md`.
"""
