"""Priors: what draws λ, the power of the clean sound, one idea a file.

All are untrained and all see one recording. They know of no settings: a constructor takes each size, and the source of its
random numbers, by name. To add one: a file here with a class that has the two verbs of `Prior`, and, in the room above, a
dataclass that says what its sizes are and hands them over in `build`: in `settings/networks.py` for a network that draws a
whole picture, in `settings/priors.py` for any other. The tests then run it by themselves. One of your own, outside the
package, needs no more than that either: `docs/extending.md`.
"""
