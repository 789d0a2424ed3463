"""Geometry: what a transformation is and how one image is resampled with it."""

from .base import Transformation
from .conversion import TransformationSource
from .conversion import as_registrations
from .conversion import as_transformations
from .conversion import is_url
from .homography import Homography
from .motion import Motion
from .motion import find_motion
from .types import TransformationType

__all__ = [
    "Homography",
    "Motion",
    "Transformation",
    "TransformationSource",
    "TransformationType",
    "as_registrations",
    "as_transformations",
    "find_motion",
    "is_url",
]
