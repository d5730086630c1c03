"""The core: evidence, the fit, when it stops, and the exact Gaussian solver."""
