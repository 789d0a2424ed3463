"""Resample one image with a 3x3 matrix."""

from __future__ import annotations

import numpy
import scipy
from numpy.typing import ArrayLike
from numpy.typing import NDArray

from .._pixels import as_floating
from .._pixels import row_blocks
from .._typing import FloatImage
from .._typing import Mask
from .._typing import Matrix
from ..kernels import ROUNDING
from ..kernels import is_pixel_shift
from ..kernels import resample_linear

# scipy imports scipy.ndimage on first use. It is needed rarely and slow to import, and each worker
# process would have to wait for it.


def warp(
    image: ArrayLike,
    passive_matrix: Matrix | None,
    *,
    cval: float = numpy.nan,
    interpolation_order: int = 1,
) -> FloatImage:
    """Resample an image: ``result[p] = image[passive_matrix p]``.

    See :meth:`.Homography.apply_data`.

    :param passive_matrix: shape `(3, 3)`, invertible, (row, column) order. None if there is no
        such matrix: all pixels come from outside the image.
    """
    if interpolation_order not in range(6):
        raise ValueError(
            f"The interpolation order is an integer from 0 to 5, not {interpolation_order!r}"
        )
    order = int(interpolation_order)
    source = as_floating(image)
    if passive_matrix is None or source.size == 0:
        return numpy.full_like(source, cval)
    if is_pixel_shift(passive_matrix, source.shape):
        return resample_linear(source, passive_matrix, cval)
    invalid = ~numpy.isfinite(source)
    if not invalid.any():
        return _resample(source, None, passive_matrix, cval, order)
    source = numpy.where(invalid, source.dtype.type(numpy.nan), source)
    return _resample(source, invalid, passive_matrix, cval, order)


def _resample(
    source: FloatImage, invalid: Mask | None, matrix: Matrix, cval: float, order: int
) -> FloatImage:
    if order == 1:
        return resample_linear(source, matrix, cval)
    result = numpy.empty_like(source)
    holes = None
    if invalid is not None:
        source = _fill(source, invalid, order)
        holes = invalid.astype(numpy.float32)
    if order > 1:
        source = scipy.ndimage.spline_filter(source, order, mode="mirror")
    for rows in row_blocks(source.shape):
        coordinates, outside = _find_sources(matrix, source.shape, rows)
        block = result[rows]
        scipy.ndimage.map_coordinates(
            source, coordinates, output=block, order=order, mode="mirror", prefilter=False
        )
        if holes is not None:
            weight = scipy.ndimage.map_coordinates(
                holes, coordinates, order=min(order, 1), mode="mirror"
            )
            block[weight > ROUNDING] = numpy.nan
        block[outside] = cval
    return result


def _find_sources(
    matrix: Matrix, shape: tuple[int, ...], rows: slice
) -> tuple[NDArray[numpy.float64], Mask]:
    """Find the positions in the image from which some rows of the result are taken, shape
    `(2, rows, W)`, limited to the image, and the mask of those that lie outside."""
    limits = numpy.array(shape, dtype=numpy.float64).reshape(2, 1, 1) - 1
    grid = numpy.mgrid[rows, : shape[1]].astype(numpy.float64)
    # A diverged matrix may overflow; positions that are not finite are outside.
    with numpy.errstate(all="ignore"):
        y, x, w = numpy.tensordot(matrix[:, :2], grid, 1) + matrix[:, 2].reshape(3, 1, 1)
        places = numpy.stack([y / w, x / w])
        inside = (places >= -ROUNDING) & (places <= limits + ROUNDING)
    outside = ~(inside[0] & inside[1])
    places[:, outside] = 0
    return numpy.clip(places, 0, limits, out=places), outside


def _fill(source: FloatImage, invalid: Mask, order: int) -> FloatImage:
    if order < 2 or invalid.all():
        return numpy.where(invalid, source.dtype.type(0), source)
    # The spline filter spreads every value over a few pixels: filling with the nearest valid value
    # avoids overshoot in the valid pixels next to a hole.
    nearest = scipy.ndimage.distance_transform_edt(
        invalid, return_distances=False, return_indices=True
    )
    return numpy.asarray(source[tuple(nearest)])
