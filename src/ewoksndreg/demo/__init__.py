"""The main job from end to end on simulated data: ``python -m ewoksndreg.demo``.

Needs ``pip install ".[demo]"``.
"""
