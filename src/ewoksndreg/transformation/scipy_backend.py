"""`ScipyHomography`, the name under which notebooks import :class:`.Homography`."""

from ._homography import Homography as ScipyHomography

__all__ = ["ScipyHomography"]
