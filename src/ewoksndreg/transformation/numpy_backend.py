"""`NumpyHomography`, the name of :class:`.Homography` in ewoksndreg 0.5.0."""

from ._homography import Homography as NumpyHomography

__all__ = ["NumpyHomography"]
