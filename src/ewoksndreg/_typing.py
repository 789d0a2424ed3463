"""Type aliases for the arrays of this library."""

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
