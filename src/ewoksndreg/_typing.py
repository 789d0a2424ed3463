"""Types that several packages use."""

import os
from typing import Any
from typing import TypeAlias

import numpy
from numpy.typing import NDArray

FloatImage: TypeAlias = NDArray[numpy.floating[Any]]
"""Pixels of an image, shape `(H, W)`, float32 or float64; invalid pixels are NaN."""

Mask: TypeAlias = NDArray[numpy.bool_]
"""One flag per pixel, shape `(H, W)`."""

Matrix: TypeAlias = NDArray[numpy.float64]
"""A homography, shape `(3, 3)`, in (row, column) order."""


def is_url(value: object) -> bool:
    """Whether a value has the form of a URL: a string, a path or a silx `DataUrl`."""
    return isinstance(value, (str, os.PathLike)) or hasattr(value, "data_path")
