"""The tasks at work: the loop, and what each task does."""
