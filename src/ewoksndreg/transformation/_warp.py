"""Resample one image with a 3x3 matrix."""

from __future__ import annotations

import numpy
import scipy
from numpy.typing import ArrayLike

from .._pixels import as_floating
from .._pixels import fill_invalid
from .._pixels import row_blocks
from .._typing import FloatImage
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
    if invalid.any():
        source = numpy.where(invalid, source.dtype.type(numpy.nan), source)
    if order == 1:
        return resample_linear(source, passive_matrix, cval)
    coefficients = source
    if order > 1:
        # The spline filter spreads every value over a few pixels: filling with the nearest valid
        # value avoids overshoot in the valid pixels next to a hole.
        coefficients = scipy.ndimage.spline_filter(fill_invalid(source), order, mode="mirror")
    result = numpy.empty_like(source)
    limits = numpy.reshape(source.shape, (2, 1, 1)) - (1 - ROUNDING)
    for rows in row_blocks(source.shape):
        grid = numpy.mgrid[rows, : source.shape[1]]
        # A diverged matrix may overflow; positions that are not finite are outside.
        with numpy.errstate(all="ignore"):
            y, x, w = numpy.tensordot(passive_matrix[:, :2], grid, 1) + passive_matrix[:, 2:, None]
            places = numpy.stack([y / w, x / w])
            outside = ~((places >= -ROUNDING) & (places <= limits)).all(axis=0)
        places[:, outside] = 0
        scipy.ndimage.map_coordinates(
            coefficients, places, output=result[rows], order=order, mode="mirror", prefilter=False
        )
        result[rows][outside] = cval
    if order > 1 and invalid.any():
        result[numpy.isnan(resample_linear(source, passive_matrix, cval=0))] = numpy.nan
    return result
