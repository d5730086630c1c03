"""What people used before, in the same seat: the power of the clean sound drawn by rule instead of by a fitted prior.

Each is a `Prior` in closed form, so that it meets the same noise power and the same gains as the networks do.
"""
