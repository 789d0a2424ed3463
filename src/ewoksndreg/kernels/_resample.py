"""Resampling with linear interpolation, with numpy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy
from numpy.typing import NDArray

from .._pixels import row_blocks
from .._typing import FloatImage
from .._typing import Mask
from .._typing import Matrix
from ._geometry import ON_PIXEL
from ._geometry import ROUNDING
from ._geometry import find_inside
from ._geometry import find_translation
from ._geometry import is_affine
from ._geometry import split_shift


def resample_linear(image: FloatImage, matrix: Matrix, cval: float = numpy.nan) -> FloatImage:
    """Resample an image with linear interpolation: ``result[p] = image[matrix p]``.

    :param image: shape `(H, W)`, float32 or float64; invalid pixels are NaN.
    :param matrix: shape `(3, 3)`, passive, (row, column) order.
    :param cval: value of the pixels that come from outside the image, that is from beyond the
        centers of its outermost pixels.
    :returns: shape `(H, W)`, of the type of the image; NaN where an invalid pixel is used. A shift
        by an integer number of pixels copies the pixels.

    >>> import numpy
    >>> from ewoksndreg.kernels import resample_linear
    >>> half_a_row = numpy.array([[1, 0, 0.5], [0, 1, 0], [0, 0, 1]])
    >>> resample_linear(numpy.array([[0.0, 2.0], [4.0, 6.0]]), half_a_row)
    array([[ 2.,  4.],
           [nan, nan]])
    """
    result = numpy.full_like(image, cval)
    for rows, columns, pixels in resample_in_blocks(image, matrix, cval):
        result[rows, columns] = pixels
    return result


def resample_in_blocks(
    image: FloatImage, matrix: Matrix, cval: float = numpy.nan
) -> Iterator[tuple[slice, slice, FloatImage]]:
    """:func:`resample_linear` in blocks of rows: yields the rows, columns and pixels of each block.
    Pixels that are not in any block come from outside the image."""
    image = numpy.ascontiguousarray(image)
    shift = find_translation(matrix, image.shape)
    if shift is not None:
        yield from _shift(image, shift)
    elif numpy.isfinite(matrix).all():
        for rows in row_blocks(image.shape):
            yield rows, slice(None), _resample_rows(image, matrix, rows, cval)


def _shift(
    image: FloatImage, shift: tuple[float, float]
) -> Iterator[tuple[slice, slice, FloatImage]]:
    (row, along_rows), (column, along_columns) = (split_shift(each) for each in shift)
    rows, columns = find_inside(shift, image.shape)
    width = image.shape[1]
    for block in row_blocks(image.shape, rows):
        # All rows are interpolated as one long row, which is several times faster. Pixels that mix
        # the end of a row with the beginning of the next one are outside the rectangle.
        values = image[block.start + row : block.stop + row + (along_rows > 0)].ravel()
        for weight, step in ((along_rows, width), (along_columns, 1)):
            if weight:
                blended = values[step:] - values[:-step]
                blended *= image.dtype.type(weight)
                blended += values[:-step]
                values = blended
        if along_columns:
            values = numpy.append(values, values[-1:])
        pixels = values.reshape(-1, width)[:, columns.start + column : columns.stop + column]
        yield block, slice(columns.start, columns.stop), pixels


def _resample_rows(image: FloatImage, matrix: Matrix, rows: slice, cval: float) -> FloatImage:
    height, width = image.shape
    row = numpy.arange(rows.start, rows.stop, dtype=numpy.float64)
    column = numpy.arange(width, dtype=numpy.float64)
    # A diverged matrix may overflow; positions that are not finite are outside.
    with numpy.errstate(all="ignore"):
        y, x, *perspective = (
            numpy.add.outer(per_row * row + offset, per_column * column)
            for per_row, per_column, offset in matrix[: 2 if is_affine(matrix) else 3]
        )
        for w in perspective:
            y, x = numpy.divide(y, w, out=y), numpy.divide(x, w, out=x)
        before_y, along_rows, inside = _locate(y, height, image.dtype)
        before_x, along_columns, inside_too = _locate(x, width, image.dtype)
        inside &= inside_too
        before_y *= width
        before_y += before_x
        index = before_y.astype(numpy.intp)
    # A neighbor with weight 0 is not read: it may be invalid, or outside the image.
    next_index = index + (along_columns > 0)
    to_next_row = (along_rows > 0) * numpy.intp(width)
    pixels = image.ravel()

    def blend(first: FloatImage, second: FloatImage, fraction: FloatImage) -> FloatImage:
        second -= first
        second *= fraction
        second += first
        return second

    def look_up(index: NDArray[numpy.intp]) -> FloatImage:
        # Positions outside have arbitrary indices, which are clipped.
        return numpy.take(pixels, index, mode="clip")

    above = blend(look_up(index), look_up(next_index), along_columns)
    index += to_next_row
    next_index += to_next_row
    below = blend(look_up(index), look_up(next_index), along_columns)
    blended = blend(above, below, along_rows)
    numpy.copyto(blended, cval, where=~inside)
    return blended


def _locate(
    places: NDArray[numpy.float64], size: int, dtype: numpy.dtype[Any]
) -> tuple[NDArray[numpy.float64], FloatImage, Mask]:
    """Split coordinates along one axis into the pixel before each, the distance from that pixel (0
    if the coordinate is on the pixel), and whether it is inside the image."""
    inside = (places >= -ROUNDING) & (places <= size - 1 + ROUNDING)
    places = numpy.clip(places, 0, size - 1, out=places)
    before = numpy.floor(places + ON_PIXEL)
    places -= before
    places *= places > ON_PIXEL
    return before, places.astype(dtype), inside
