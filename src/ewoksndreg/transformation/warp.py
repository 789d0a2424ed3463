"""Resample one image with a 3x3 matrix."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy
import scipy
from numpy.typing import ArrayLike
from numpy.typing import NDArray

from .._pixels import as_floating
from .._pixels import missing_pixels
from .linear import has_linear_parts
from .linear import is_whole_shift
from .linear import linear_parts
from .part import ROUNDING
from .part import Part

# scipy.ndimage is imported by scipy when it is first used, which is seldom and takes a while: each
# worker process would wait for it.

# Rows that are resampled at a time: their coordinates stay in the cache of the processor, and
# memory does not grow with the height of the image.
_SLAB_ROWS = 32


def warp(
    image: ArrayLike,
    passive_matrix: NDArray[numpy.float64] | None,
    *,
    cval: float = numpy.nan,
    interpolation_order: int = 1,
) -> NDArray[numpy.floating[Any]]:
    """Resample an image: ``result[p] = image[passive_matrix p]``.

    A shift by whole pixels copies values, at every order. Elsewhere, pixels of the image that are
    not finite make NaN of exactly the result pixels whose linear interpolation they take part in.

    :param image: shape `(H, W)`, real numbers.
    :param passive_matrix: shape `(3, 3)`, invertible, (row, column) order; None when there is no
        such matrix: all pixels come from outside the image.
    :param cval: value of the pixels that come from outside the image, that is from beyond the
        centres of its outermost pixels.
    :param interpolation_order: order of the spline: 0 (nearest pixel), 1 (linear) up to 5.
    :returns: shape `(H, W)`, float32 for images that float32 can hold exactly, else float64.
    :raises ValueError: when the image does not have two dimensions or the order does not exist.
    :raises TypeError: when the pixels are not real numbers.
    """
    if interpolation_order not in range(6):
        raise ValueError(
            f"The interpolation order is a whole number from 0 to 5, not {interpolation_order!r}"
        )
    order = int(interpolation_order)
    source = as_floating(image)
    if passive_matrix is None or source.size == 0:
        return numpy.full_like(source, cval)
    missing = missing_pixels(source)
    in_parts = order == 1 and missing is None and has_linear_parts(passive_matrix, source.shape)
    if in_parts or is_whole_shift(passive_matrix, source.shape):
        return _joined(source, linear_parts(source, passive_matrix), cval)
    return _resampled(source, missing, passive_matrix, cval, order)


def _joined(
    source: NDArray[numpy.floating[Any]], parts: Iterator[Part], cval: float
) -> NDArray[numpy.floating[Any]]:
    """A whole aligned image."""
    result = numpy.full_like(source, cval)
    for rows, columns, pixels, complete in parts:
        target = result[rows.start : rows.stop, columns.start : columns.stop]
        if complete == columns or numpy.isnan(cval):
            target[...] = pixels
        else:
            numpy.copyto(target, pixels, where=~numpy.isnan(pixels))
    return result


def _resampled(
    source: NDArray[numpy.floating[Any]],
    missing: NDArray[numpy.bool_] | None,
    matrix: NDArray[numpy.float64],
    cval: float,
    order: int,
) -> NDArray[numpy.floating[Any]]:
    result = numpy.empty_like(source)
    holes = None
    if missing is not None:
        source = _filled(source, missing, order)
        holes = missing.astype(numpy.float32)
    if order > 1:
        source = scipy.ndimage.spline_filter(source, order, mode="mirror")
    for rows, coordinates, outside in _source_coordinates(matrix, source.shape):
        slab = result[rows]
        scipy.ndimage.map_coordinates(
            source, coordinates, output=slab, order=order, mode="mirror", prefilter=False
        )
        if holes is not None:
            weight = scipy.ndimage.map_coordinates(
                holes, coordinates, order=min(order, 1), mode="mirror"
            )
            slab[weight > ROUNDING] = numpy.nan
        slab[outside] = cval
    return result


def _source_coordinates(
    matrix: NDArray[numpy.float64], shape: tuple[int, ...]
) -> Iterator[tuple[slice, NDArray[numpy.float64], NDArray[numpy.bool_]]]:
    """For slabs of rows of the result: where in the image their pixels come from, shape
    `(2, rows, W)`, always inside the image, and which of them really come from outside."""
    height, width = shape
    limits = numpy.array([height - 1, width - 1], dtype=numpy.float64).reshape(2, 1, 1)
    perspective = bool(numpy.any(matrix[2] != (0, 0, 1)))
    columns = numpy.arange(width, dtype=numpy.float64)
    along_columns = matrix[:, 1, None] * columns
    for start in range(0, height, _SLAB_ROWS):
        rows = slice(start, min(start + _SLAB_ROWS, height))
        row = numpy.arange(rows.start, rows.stop, dtype=numpy.float64)
        along_rows = matrix[:, 0, None] * row + matrix[:, 2, None]
        # A diverged matrix may overflow; what is not finite is outside.
        with numpy.errstate(all="ignore"):
            places = along_rows[:2, :, None] + along_columns[:2, None, :]
            if perspective:
                places /= along_rows[2, :, None] + along_columns[2, None, :]
        inside = (places >= -ROUNDING) & (places <= limits + ROUNDING)
        outside = ~(inside[0] & inside[1])
        places[:, outside] = 0
        yield rows, numpy.clip(places, 0, limits, out=places), outside


def _filled(
    source: NDArray[numpy.floating[Any]], missing: NDArray[numpy.bool_], order: int
) -> NDArray[numpy.floating[Any]]:
    if order < 2 or missing.all():
        return numpy.where(missing, source.dtype.type(0), source)
    # The spline filter carries every value across the image, fading within a few pixels: the
    # nearest valid value keeps the valid pixels next to a hole free of overshoot.
    nearest = scipy.ndimage.distance_transform_edt(
        missing, return_distances=False, return_indices=True
    )
    return numpy.asarray(source[tuple(nearest)])
