"""Find the rectangle that all aligned images have in common."""

from __future__ import annotations

from typing import NamedTuple

import numpy
from numpy.typing import NDArray

from ._typing import FloatImage
from ._typing import Mask
from ._typing import Matrix
from .transformation import Homography
from .transformation import Transformation

# Matrices have rounding errors: positions up to this far (px) outside the frame count as inside.
# Resampling tolerates slightly more.
_ROUNDING = 5e-7

# A position up to this far (px) beyond the valid pixels is still on the last one.
_ON_PIXEL = 5e-11

_IDENTITY = Homography(numpy.identity(3))


class Rectangle(NamedTuple):
    """Rows and columns of an image."""

    rows: range
    columns: range

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.rows), len(self.columns)

    @property
    def offset(self) -> tuple[int, int]:
        """The first row and column."""
        return self.rows.start, self.columns.start

    @property
    def slices(self) -> tuple[slice, slice]:
        rows, columns = self
        return slice(rows.start, rows.stop), slice(columns.start, columns.stop)


class Runs(NamedTuple):
    """A region of an image that consists of one run of pixels in each row.

    :param first: column of the first pixel in each row, shape `(H,)`.
    :param last: column of the last pixel; less than `first` in rows without pixels.
    """

    first: NDArray[numpy.float64]
    last: NDArray[numpy.float64]

    @property
    def size(self) -> int:
        """Number of pixels."""
        return int(numpy.maximum(self.last - self.first + 1, 0).sum())


def whole_frame(shape: tuple[int, ...]) -> Rectangle:
    height, width = shape
    return Rectangle(range(height), range(width))


def find_valid(image: FloatImage) -> Rectangle:
    """Find the rectangle that excludes the rows and columns at the edges without a valid pixel.

    Empty if no pixel is valid.
    """
    valid = numpy.isfinite(image)
    rows, columns = (numpy.flatnonzero(valid.any(axis=axis)) for axis in (1, 0))
    if not rows.size:
        return Rectangle(range(0), range(0))
    return Rectangle(*(range(int(each[0]), int(each[-1]) + 1) for each in (rows, columns)))


def find_covered(transformation: Transformation, valid: Rectangle, shape: tuple[int, int]) -> Runs:
    """Find the pixels of an aligned image that come from the valid rectangle of the image.

    :param valid: rows and columns of the image.
    :param shape: `(H, W)` of the image.
    """
    if not (valid.rows and valid.columns):
        return Runs(numpy.zeros(shape[0]), numpy.full(shape[0], -1.0))
    matrix = transformation.between(_IDENTITY)
    if matrix is not None:
        return _find_sources_inside(matrix, valid, shape)
    # Another class of transformation may resample differently: apply it to find out.
    image = numpy.full(shape, numpy.nan, dtype=numpy.float32)
    image[valid.slices] = 0
    return _find_longest_runs(numpy.isfinite(transformation.apply_data(image)))


def _find_sources_inside(matrix: Matrix, valid: Rectangle, shape: tuple[int, int]) -> Runs:
    # With (y, x, w) = matrix (row, column, 1), the source (y, x) / w is inside where
    #     y - top w >= 0,  bottom w - y >= 0,  x - left w >= 0  and  right w - x >= 0,
    # that is, within four half-planes of the aligned image.
    height, width = shape
    if matrix[2] @ ((height - 1) / 2, (width - 1) / 2, 1) < 0:
        matrix = -matrix
    row = numpy.arange(height, dtype=numpy.float64)
    first, last = numpy.zeros(height), numpy.full(height, width - 1.0)
    for axis, (inside, size) in enumerate(zip(valid, shape, strict=True)):
        low = inside[0] - (_ROUNDING if inside[0] == 0 else _ON_PIXEL)
        high = inside[-1] + (_ROUNDING if inside[-1] == size - 1 else _ON_PIXEL)
        for per_row, per_column, offset in (
            matrix[axis] - low * matrix[2],
            high * matrix[2] - matrix[axis],
        ):
            others = per_row * row + offset
            if per_column == 0:
                last[others < 0] = -1
                continue
            with numpy.errstate(over="ignore"):
                limit = -others / per_column
            if per_column > 0:
                numpy.maximum(first, numpy.ceil(limit), out=first)
            else:
                numpy.minimum(last, numpy.floor(limit), out=last)
    return Runs(first, last)


def _find_longest_runs(mask: Mask) -> Runs:
    column = numpy.arange(mask.shape[1])
    before = numpy.maximum.accumulate(numpy.where(mask, -1, column), axis=1)
    lengths = column - before
    last = lengths.argmax(axis=1)
    return Runs(last - lengths.max(axis=1) + 1.0, last.astype(numpy.float64))


def intersect(one: Runs, other: Runs) -> Runs:
    return Runs(numpy.maximum(one.first, other.first), numpy.minimum(one.last, other.last))


def find_largest_rectangle(part: Runs) -> Rectangle | None:
    """Find the largest rectangle inside a region, the first one of several; None if the region is
    empty."""
    best, largest = None, 0.0
    for top in numpy.flatnonzero(part.last >= part.first):
        # Left and right edges of the rectangles from this row down to each following row
        left = numpy.maximum.accumulate(part.first[top:])
        right = numpy.minimum.accumulate(part.last[top:])
        sizes = (right - left + 1) * numpy.arange(1, len(left) + 1)
        height = int(sizes.argmax()) + 1
        if sizes[height - 1] > largest:
            largest = sizes[height - 1]
            columns = range(int(left[height - 1]), int(right[height - 1]) + 1)
            best = Rectangle(range(int(top), int(top) + height), columns)
    return best
