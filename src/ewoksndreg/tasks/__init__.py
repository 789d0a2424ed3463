"""The ewoks tasks of this library."""
