"""Resample one image with a 3x3 matrix."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy
from numpy.typing import ArrayLike
from numpy.typing import NDArray
from scipy import ndimage

from .._pixels import as_floating
from .._pixels import missing_pixels

# Coordinates carry rounding errors. This close (px) to the edge they are on the edge, and this
# close to a shift by whole pixels a matrix is that shift.
_ROUNDING = 1e-6

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
    if _is_translation(passive_matrix, source.shape):
        rows, columns = (_whole_and_fraction(float(shift)) for shift in passive_matrix[:2, 2])
        whole, fraction = (rows[0], columns[0]), (rows[1], columns[1])
        if not any(fraction) or (order == 1 and missing is None):
            return _translated(source, whole, fraction, cval)
    return _resampled(source, missing, passive_matrix, cval, order)


def _is_translation(matrix: NDArray[numpy.float64], shape: tuple[int, ...]) -> bool:
    """Whether the matrix shifts all pixels of the image alike."""
    # By how much each coefficient can move a pixel that comes from inside the image. Those of the
    # perspective row stand in the denominator and so multiply a coordinate once more.
    extent = 2 * max(shape)
    reach = numpy.array([[extent, extent, 0]] * 2 + [[extent**2, extent**2, extent]])
    return bool((numpy.abs(matrix - numpy.identity(3)) * reach <= _ROUNDING).all())


def _whole_and_fraction(shift: float) -> tuple[int, float]:
    # Python integers: a diverged registration may shift by more than any array index.
    nearest = round(shift)
    if abs(shift - nearest) <= _ROUNDING:
        return nearest, 0.0
    whole = math.floor(shift)
    return whole, shift - whole


def _translated(
    source: NDArray[numpy.floating[Any]],
    whole: tuple[int, int],
    fraction: tuple[float, float],
    cval: float,
) -> NDArray[numpy.floating[Any]]:
    """Linear interpolation for a shift, which puts all pixels at one place between four others.
    Where an axis has no fraction, values are copied along it."""
    result = numpy.full_like(source, cval)
    rows, columns = (_inside(*axis) for axis in zip(whole, fraction, source.shape, strict=True))
    weights = [source.dtype.type(value) for value in fraction]
    from_columns = slice(columns.start + whole[1], columns.stop + whole[1])
    for start in range(rows.start, rows.stop, _SLAB_ROWS):
        stop = min(start + _SLAB_ROWS, rows.stop)
        slab = source[start + whole[0] : stop + whole[0]]
        if fraction[0]:
            difference = source[start + whole[0] + 1 : stop + whole[0] + 1] - slab
            difference *= weights[0]
            slab = numpy.add(difference, slab, out=difference)
        left = slab[:, from_columns]
        target = result[start:stop, columns.start : columns.stop]
        if fraction[1]:
            right = slab[:, from_columns.start + 1 : from_columns.stop + 1]
            numpy.subtract(right, left, out=target)
            target *= weights[1]
            target += left
        else:
            target[...] = left
    return result


def _inside(whole: int, fraction: float, size: int) -> range:
    """The pixels along one axis whose place is inside the image."""
    start = max(0, -whole)
    # Between two pixels, the second one has to be inside too.
    stop = min(size, size - whole - (fraction > 0))
    return range(start, max(start, stop)) if start < size else range(0)


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
        source = ndimage.spline_filter(source, order, mode="mirror")
    for rows, coordinates, outside in _source_coordinates(matrix, source.shape):
        slab = result[rows]
        ndimage.map_coordinates(
            source, coordinates, output=slab, order=order, mode="mirror", prefilter=False
        )
        if holes is not None:
            weight = ndimage.map_coordinates(holes, coordinates, order=min(order, 1), mode="mirror")
            slab[weight > _ROUNDING] = numpy.nan
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
        inside = (places >= -_ROUNDING) & (places <= limits + _ROUNDING)
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
    nearest = ndimage.distance_transform_edt(missing, return_distances=False, return_indices=True)
    return numpy.asarray(source[tuple(nearest)])
