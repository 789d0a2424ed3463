"""Where the pixels of an aligned image come from."""

from __future__ import annotations

import math

import numpy
from numpy.typing import NDArray

from .._typing import Matrix

# Matrices carry rounding errors. This close (px) to the edge a place is on the edge, and this close
# to a shift by integers a matrix is that shift.
ROUNDING = 1e-6

# Coordinates that are computed from a matrix carry much smaller ones. This close (px) to a pixel
# the place is on the pixel, so that its neighbor takes no part, be it invalid or outside the image.
ON_PIXEL = 1e-10


def find_translation(matrix: Matrix, shape: tuple[int, ...]) -> tuple[float, float] | None:
    """By how much (px) a matrix shifts all pixels of an image of this shape, along rows and along
    columns; None where it is not a translation.

    :param matrix: shape `(3, 3)`, passive, (row, column) order.
    """
    # By how much each coefficient can move a pixel that comes from inside the image. Those of the
    # perspective row stand in the denominator and so multiply a coordinate once more.
    extent = 2 * max(shape)
    (a, b, row), (c, d, column), (g, h, w) = matrix.tolist()
    linear = max(abs(a - 1), abs(b), abs(c), abs(d - 1), abs(w - 1)) * extent
    perspective = max(abs(g), abs(h)) * extent**2
    if not (linear <= ROUNDING and perspective <= ROUNDING and math.isfinite(row + column)):
        return None
    return row, column


def is_pixel_shift(matrix: Matrix, shape: tuple[int, ...]) -> bool:
    """Whether a matrix shifts all pixels of an image of this shape by the same integers."""
    shift = find_translation(matrix, shape)
    return shift is not None and not any(split_shift(each)[1] for each in shift)


def is_affine(matrix: Matrix) -> bool:
    return bool((matrix[2] == (0, 0, 1)).all())


def split_shift(shift: float) -> tuple[int, float]:
    """A shift in px as an integer and what is left, 0 or more and less than 1."""
    # Python integers: a diverged registration may shift by more than any array index.
    nearest = round(shift)
    if abs(shift - nearest) <= ROUNDING:
        return nearest, 0.0
    whole = math.floor(shift)
    return whole, shift - whole


def find_inside(shift: tuple[float, float], shape: tuple[int, ...]) -> tuple[range, range]:
    """Rows and columns of the aligned image whose pixels all come from inside the image.

    :param shift: in px, along rows and along columns.
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
    """Rows and columns of the pixels from the center of the image, over half of its longer side."""
    half = max(*shape, 2) / 2
    rows, columns = (
        ((numpy.arange(size) - (size - 1) / 2) / half).astype(numpy.float32) for size in shape
    )
    return rows, columns
