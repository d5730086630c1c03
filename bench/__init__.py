"""Measurements over real recordings; nothing in here is part of the package, and no test depends on it."""
