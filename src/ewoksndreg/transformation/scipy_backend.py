"""`ScipyHomography`, the name of :class:`.Homography` in ewoksndreg 0.5.0."""

from ._homography import Homography as ScipyHomography

__all__ = ["ScipyHomography"]
