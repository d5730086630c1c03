"""Many files: which are to be done, by which workers, and what became of each.

A file's sidecar says that it is done: it is written last, and holds the input's hash, the settings and the versions. So any
engine can be killed and started again, and several machines can share a list.
"""
