"""Rank the image registrations of several stacks and hand the best one on."""

__version__ = "1.0.0.dev0"
