"""Workflows that the Orange canvas offers as examples."""
