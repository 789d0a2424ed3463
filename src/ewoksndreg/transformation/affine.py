"""Turn, scale and shear an image with linear interpolation."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy
from numpy.typing import NDArray

from .. import _opencv
from .._pixels import slabs
from .part import ROUNDING
from .part import Part

# Pixels of a part. The coordinates that numpy needs take much more memory than the pixels.
_FAST_SLAB_SIZE = 262_144
_SLAB_SIZE = 65_536


def affine_parts(
    image: NDArray[numpy.floating[Any]], matrix: NDArray[numpy.float64], fast: bool
) -> Iterator[Part]:
    """See :func:`.linear_parts`.

    :param matrix: shape `(2, 3)`.
    """
    image = numpy.ascontiguousarray(image)
    starts, stops = _columns_inside(matrix, (image.shape[0], image.shape[1]))
    size = _FAST_SLAB_SIZE if fast else _SLAB_SIZE
    some = list(_slabs_of_similar_rows(image.shape, stops - starts, size))
    height = max((rows.stop - rows.start for rows in some), default=0)
    places = [] if fast else _places(matrix, (height, image.shape[1]))
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


def _slabs_of_similar_rows(
    shape: tuple[int, ...], lengths: NDArray[numpy.intp], size: int
) -> Iterator[slice]:
    """Slabs of the rows that come from inside the image. The corners of a turned image, where rows
    are short, are by themselves: they would spoil the complete columns of the others."""
    edges = []
    for least in (1, 0.9 * lengths.max()):
        # The image of a rectangle is convex: no short row between longer ones.
        long = numpy.flatnonzero(lengths >= max(least, 1))
        if long.size == 0:
            return
        edges += [int(long[0]), int(long[-1]) + 1]
    for start, stop in itertools.pairwise(sorted(edges)):
        yield from slabs(shape, start, stop, size)


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
