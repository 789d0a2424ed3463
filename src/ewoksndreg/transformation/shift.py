"""Shift an image: all pixels come from one place between four others."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy
from numpy.typing import NDArray

from .. import _opencv
from .._pixels import slabs
from .part import ROUNDING
from .part import Part


def shifted_parts(
    image: NDArray[numpy.floating[Any]], shift: NDArray[numpy.float64], fast: bool
) -> Iterator[Part]:
    """See :func:`.linear_parts`.

    :param shift: where the pixels come from, rows and columns in px.
    """
    (row, along_rows), (column, along_columns) = (whole_and_fraction(x) for x in shift)
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


def whole_and_fraction(shift: float) -> tuple[int, float]:
    """A shift in px as whole pixels and what is left, 0 or more and less than 1."""
    # Python integers: a diverged registration may shift by more than any array index.
    shift = float(shift)
    nearest = round(shift)
    if abs(shift - nearest) <= ROUNDING:
        return nearest, 0.0
    whole = math.floor(shift)
    return whole, shift - whole
