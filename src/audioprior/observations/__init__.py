"""Observations: what happened to the sound, one a file."""
