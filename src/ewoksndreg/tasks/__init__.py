"""The faces of this library in ewoks workflows."""
