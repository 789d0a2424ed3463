"""The complete workflow on simulated data: ``python -m ewoksndreg.demo``.

Needs ``pip install ".[demo]"``.
"""
