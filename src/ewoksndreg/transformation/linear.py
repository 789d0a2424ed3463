"""Linear interpolation of an image without missing pixels, in parts that fit the processor's
cache.

Who adds up pixels of an aligned image can do so part by part, while they are in the cache, and is
told where all of them are there. That saves most of the time that a whole aligned image costs.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any
from typing import NamedTuple

import numpy
from numpy.typing import NDArray

from .. import _opencv
from .._pixels import slabs

# Coordinates carry rounding errors. This close (px) to the edge they are on the edge, and this
# close to a shift by whole pixels a matrix is that shift.
ROUNDING = 1e-6


class Part(NamedTuple):
    """A rectangle of an aligned image.

    :param rows: of the aligned image.
    :param columns: likewise.
    :param pixels: of the rectangle; NaN where they come from outside the image.
    :param complete: columns of the aligned image, within `columns`, where no pixel comes from
        outside.
    """

    rows: range
    columns: range
    pixels: NDArray[numpy.floating[Any]]
    complete: range


def linear_parts(
    image: NDArray[numpy.floating[Any]], matrix: NDArray[numpy.float64], *, fast: bool = False
) -> Iterator[Part]:
    """Resample an image: ``aligned[p] = image[matrix p]``.

    :param image: shape `(H, W)`.
    :param matrix: shape `(3, 3)`, invertible, (row, column) order. It needs
        :func:`has_linear_parts`, and the image no missing pixels, or :func:`is_whole_shift`.
    :param fast: use OpenCV where it is installed and the image is float32; the pixels are then
        within 2e-4 of the range of the image.
    :returns: parts from top to bottom that do not overlap. All pixels that are in no part come
        from outside the image. A part of a shift by whole pixels shows the image itself.
    """
    fast = fast and _opencv.usable(image)
    if _is_translation(matrix, image.shape):
        return _translated_parts(image, matrix[:2, 2], fast)
    return _affine_parts(image, matrix[:2], fast)


def has_linear_parts(matrix: NDArray[numpy.float64], shape: tuple[int, ...]) -> bool:
    """Whether :func:`linear_parts` can be used for an image of this shape."""
    affine = bool((matrix[2] == (0, 0, 1)).all()) or _is_translation(matrix, shape)
    return affine and min(shape) > 1


def is_whole_shift(matrix: NDArray[numpy.float64], shape: tuple[int, ...]) -> bool:
    """Whether the matrix shifts all pixels of an image of this shape by the same whole pixels.
    Then :func:`linear_parts` can be used for any image, also where pixels are missing."""
    shift = matrix[:2, 2]
    return _is_translation(matrix, shape) and not any(_whole_and_fraction(x)[1] for x in shift)


def _is_translation(matrix: NDArray[numpy.float64], shape: tuple[int, ...]) -> bool:
    """Whether the matrix shifts all pixels of an image of this shape alike."""
    # By how much each coefficient can move a pixel that comes from inside the image. Those of the
    # perspective row stand in the denominator and so multiply a coordinate once more.
    extent = 2 * max(shape)
    reach = numpy.array([[extent, extent, 0]] * 2 + [[extent**2, extent**2, extent]])
    return bool((numpy.abs(matrix - numpy.identity(3)) * reach <= ROUNDING).all())


def _whole_and_fraction(shift: float) -> tuple[int, float]:
    """A shift in px as whole pixels and what is left, 0 or more and less than 1."""
    # Python integers: a diverged registration may shift by more than any array index.
    shift = float(shift)
    nearest = round(shift)
    if abs(shift - nearest) <= ROUNDING:
        return nearest, 0.0
    whole = math.floor(shift)
    return whole, shift - whole


def _translated_parts(
    image: NDArray[numpy.floating[Any]], shift: NDArray[numpy.float64], fast: bool
) -> Iterator[Part]:
    """A shift puts all pixels at one place between four others."""
    (row, along_rows), (column, along_columns) = (_whole_and_fraction(x) for x in shift)
    rows = _inside(row, along_rows, image.shape[0])
    columns = _inside(column, along_columns, image.shape[1])
    if not rows or not columns:
        return
    fraction = along_rows, along_columns
    extra = int(along_rows > 0), int(along_columns > 0)
    for some in slabs(image.shape, rows.start, rows.stop):
        # Whole rows, which numpy adds several times faster than parts of rows.
        slab = image[some.start + row : some.stop + row + extra[0]]
        if fast and all(extra):
            slab = _opencv.blend(slab, fraction)
        elif any(extra):
            slab = _blend(slab, fraction)
        pixels = slab[:, columns.start + column : columns.stop + column]
        yield Part(range(some.start, some.stop), columns, pixels, columns)


def _inside(whole: int, fraction: float, size: int) -> range:
    """The pixels along one axis whose place is inside the image."""
    start = max(0, -whole)
    # Between two pixels, the second one has to be inside too.
    stop = min(size, size - whole - (fraction > 0))
    return range(start, max(start, stop)) if start < size else range(0)


def _blend(
    image: NDArray[numpy.floating[Any]], fraction: tuple[float, float]
) -> NDArray[numpy.floating[Any]]:
    """Mix each pixel with the next one along both axes; an axis without a fraction stays.

    :param image: shape `(H, W)`, with one row more where there is a fraction along rows.
    :returns: shape `(H, W)`; with a fraction along columns, the last column is any number.
    """
    width = image.shape[1]
    values = image.ravel()
    for weight, step in zip(fraction, (width, 1), strict=True):
        if weight:
            mixed = values[step:] - values[:-step]
            mixed *= image.dtype.type(weight)
            mixed += values[:-step]
            values = mixed
    if fraction[1]:
        values = numpy.append(values, values[-1:])
    return values.reshape(-1, width)


def _affine_parts(
    image: NDArray[numpy.floating[Any]], matrix: NDArray[numpy.float64], fast: bool
) -> Iterator[Part]:
    image = numpy.ascontiguousarray(image)
    starts, stops = _columns_inside(matrix, (image.shape[0], image.shape[1]))
    filled = numpy.flatnonzero(starts < stops)
    if filled.size == 0:
        return
    # The image of a rectangle is convex: no empty row between others.
    some = list(slabs(image.shape, int(filled[0]), int(filled[-1]) + 1))
    places = [] if fast else _places(matrix, (some[0].stop - some[0].start, image.shape[1]))
    for rows in some:
        first, last = starts[rows], stops[rows]
        columns = range(int(first.min()), int(last.max()))
        if fast:
            corner = matrix @ (rows.start, columns.start, 1)
            moved = numpy.column_stack([matrix[:, :2], corner])
            pixels = _opencv.resample(image, moved, (len(first), len(columns)))
        else:
            here = (
                place[: len(first)] + along * rows.start
                for place, along in zip(places, matrix[:, 0], strict=True)
            )
            pixels = _resample(image, *here)[:, columns.start : columns.stop]
        left, right = int(first.max()), int(last.min())
        _clear(pixels, columns, range(columns.start, left), first, last)
        _clear(pixels, columns, range(right, columns.stop), first, last)
        yield Part(range(rows.start, rows.stop), columns, pixels, range(left, max(left, right)))


def _clear(
    pixels: NDArray[numpy.floating[Any]],
    columns: range,
    some: range,
    starts: NDArray[numpy.intp],
    stops: NDArray[numpy.intp],
) -> None:
    """Make NaN of what comes from outside the image, looking at some of the columns only."""
    number = numpy.arange(some.start, some.stop)
    outside = (number < starts[:, numpy.newaxis]) | (number >= stops[:, numpy.newaxis])
    pixels[:, some.start - columns.start : some.stop - columns.start][outside] = numpy.nan


def _places(matrix: NDArray[numpy.float64], shape: tuple[int, int]) -> list[NDArray[numpy.float64]]:
    """Where the pixels of an aligned image of this shape come from: rows and columns."""
    rows, columns = (numpy.arange(size, dtype=numpy.float64) for size in shape)
    return [
        numpy.add.outer(per_row * rows + offset, per_column * columns)
        for per_row, per_column, offset in matrix
    ]


def _resample(
    image: NDArray[numpy.floating[Any]],
    rows: NDArray[numpy.float64],
    columns: NDArray[numpy.float64],
) -> NDArray[numpy.floating[Any]]:
    """The values at these places; what lies outside the image is any number.

    :param image: shape `(H, W)`, contiguous.
    :param rows: is overwritten, and so is `columns`.
    """
    height, width = image.shape
    fractions = []
    corners = []
    for place, size in ((rows, height), (columns, width)):
        # Two pixels along each axis: the last pixel is the second one.
        corner = numpy.floor(place)
        numpy.clip(corner, 0, size - 2, out=corner)
        place -= corner
        fractions.append(place.astype(image.dtype))
        corners.append(corner)
    top, left = corners
    top *= width
    top += left
    index = top.astype(numpy.intp)
    pixels = image.ravel()
    along_rows, along_columns = fractions

    def between_columns(offset: int) -> NDArray[numpy.floating[Any]]:
        # The indices are all valid, and with this mode nobody looks.
        first = numpy.take(pixels[offset:], index, mode="wrap")
        second = numpy.take(pixels[offset + 1 :], index, mode="wrap")
        second -= first
        second *= along_columns
        second += first
        return second

    above, below = between_columns(0), between_columns(width)
    below -= above
    below *= along_rows
    below += above
    return below


def _columns_inside(
    matrix: NDArray[numpy.float64], shape: tuple[int, int]
) -> tuple[NDArray[numpy.intp], NDArray[numpy.intp]]:
    """For each row of the aligned image, where the pixels that come from inside the image start
    and stop."""
    start, stop = numpy.zeros(shape[0]), numpy.full(shape[0], float(shape[1]))
    rows = numpy.arange(shape[0])
    for (per_row, per_column, offset), size in zip(matrix, shape, strict=True):
        # -ROUNDING <= along + per_column * column <= size - 1 + ROUNDING
        along = per_row * rows + offset
        with numpy.errstate(all="ignore"):
            low = (-ROUNDING - along) / per_column
            high = (size - 1 + ROUNDING - along) / per_column
        if per_column < 0:
            low, high = high, low
        if per_column == 0:
            outside = (along < -ROUNDING) | (along > size - 1 + ROUNDING)
            stop[outside] = 0
            continue
        start = numpy.maximum(start, numpy.ceil(low))
        stop = numpy.minimum(stop, numpy.floor(high) + 1)
    stop = numpy.clip(stop, 0, shape[1])
    return numpy.minimum(start, stop).astype(numpy.intp), stop.astype(numpy.intp)
