"""How long the task takes and how much memory it needs, beside ewoksndreg 0.5.0.

``python -m benchmarks`` makes three virtual environments, writes HDF5 files, runs the whole task in
fresh processes, everyone in turn, and prints tables. Nothing of 0.5.0 is ever imported into the
environment of this library: both have the same name.
"""
