"""`ScipyHomography`, the name under which notebooks import :class:`.Homography`."""

from .homography import Homography as ScipyHomography

__all__ = ["ScipyHomography"]
