"""`NumpyHomography`, the name under which notebooks import :class:`.Homography`."""

from ._homography import Homography as NumpyHomography

__all__ = ["NumpyHomography"]
