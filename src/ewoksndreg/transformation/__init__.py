"""Geometry: the transformations and how an image is resampled with them."""

from ._conversion import CONVENTION_NAMES
from ._conversion import Conventions
from ._conversion import TransformationSource
from ._conversion import as_registrations
from ._conversion import as_transformations
from ._conversion import assign_conventions
from ._conversion import check_registrations_have_names
from ._homography import Homography
from ._motion import Motion
from ._motion import find_motion
from .base import Transformation
from .types import TransformationType

__all__ = [
    "CONVENTION_NAMES",
    "Conventions",
    "Homography",
    "Motion",
    "Transformation",
    "TransformationSource",
    "TransformationType",
    "as_registrations",
    "as_transformations",
    "assign_conventions",
    "check_registrations_have_names",
    "find_motion",
]
