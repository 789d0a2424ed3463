"""`NumpyHomography`, the name under which notebooks import :class:`.Homography`."""

from .homography import Homography as NumpyHomography

__all__ = ["NumpyHomography"]
