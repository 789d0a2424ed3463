"""Workflows that ship with the package, found through the entry point group `ewoks.workflows`."""
