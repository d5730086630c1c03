"""The power of the noise."""
