"""Geometry: what a transformation is and how one image is resampled with it."""

from .base import Transformation
from .conversion import TransformationSource
from .conversion import as_transformation_lists
from .conversion import as_transformations
from .homography import Homography
from .types import TransformationType

__all__ = [
    "Homography",
    "Transformation",
    "TransformationSource",
    "TransformationType",
    "as_transformation_lists",
    "as_transformations",
]
