"""Settings of methods, priors and stopping rules, the presets, and how all of them stand in JSON."""
