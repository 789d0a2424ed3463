"""From which positions of an image the pixels of the aligned image are taken."""

from __future__ import annotations

import math

import numpy
from numpy.typing import NDArray

from .._typing import Matrix

# Matrices have rounding errors. A position this close (px) to the edge is on the edge, and a matrix
# this close to an integer shift is that shift.
ROUNDING = 1e-6

# Coordinates that are computed from a matrix have much smaller ones. A position this close (px) to
# a pixel is on the pixel: its neighbors, which may be invalid or outside the image, are not used.
ON_PIXEL = 1e-10


def find_translation(matrix: Matrix, shape: tuple[int, ...]) -> tuple[float, float] | None:
    """Find by how many px a matrix shifts all pixels of an image of this shape, along the rows and
    along the columns; None if it is not a translation.

    :param matrix: shape `(3, 3)`, passive, (row, column) order.
    """
    # How far each coefficient can move a pixel that comes from inside the image. The coefficients
    # of the last row are in the denominator and therefore multiply a coordinate once more.
    extent = 2 * max(shape)
    (a, b, row), (c, d, column), (g, h, w) = matrix.tolist()
    linear = max(abs(a - 1), abs(b), abs(c), abs(d - 1), abs(w - 1)) * extent
    perspective = max(abs(g), abs(h)) * extent**2
    if not (linear <= ROUNDING and perspective <= ROUNDING and math.isfinite(row + column)):
        return None
    return row, column


def is_pixel_shift(matrix: Matrix, shape: tuple[int, ...]) -> bool:
    """Whether a matrix shifts all pixels of an image of this shape by the same integer number."""
    shift = find_translation(matrix, shape)
    return shift is not None and not any(split_shift(each)[1] for each in shift)


def is_affine(matrix: Matrix) -> bool:
    return bool((matrix[2] == (0, 0, 1)).all())


def split_shift(shift: float) -> tuple[int, float]:
    """Split a shift in px into an integer and a fraction in the interval [0, 1)."""
    # Python integers: a diverged registration may shift by more than any array index.
    nearest = round(shift)
    if abs(shift - nearest) <= ROUNDING:
        return nearest, 0.0
    whole = math.floor(shift)
    return whole, shift - whole


def find_inside(shift: tuple[float, float], shape: tuple[int, ...]) -> tuple[range, range]:
    """Find the rows and columns of the aligned image that come entirely from inside the image.

    :param shift: in px, along the rows and along the columns.
    """
    rows, columns = (
        _find_range(*split_shift(each), size) for each, size in zip(shift, shape, strict=True)
    )
    return (rows, columns) if rows and columns else (range(0), range(0))


def _find_range(whole: int, fraction: float, size: int) -> range:
    start = max(0, -whole)
    # Between two pixels, the second one has to be inside too.
    stop = min(size, size - whole - (fraction > 0))
    return range(start, max(start, stop)) if start < size else range(0)


def places_from_center(
    shape: tuple[int, ...],
) -> tuple[NDArray[numpy.float32], NDArray[numpy.float32]]:
    """Compute the row and column of each pixel relative to the image center, divided by half the
    length of the longer side."""
    half = max(*shape, 2) / 2
    rows, columns = (
        ((numpy.arange(size) - (size - 1) / 2) / half).astype(numpy.float32) for size in shape
    )
    return rows, columns
