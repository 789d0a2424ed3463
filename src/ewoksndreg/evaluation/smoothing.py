"""Smooth an image a little."""

import numpy
import scipy
from numpy.typing import NDArray

from .. import _opencv
from .._pixels import slabs

# The binomial filter, a Gaussian in whole numbers: its standard deviation is exactly 1 px.
_WEIGHTS = (numpy.array([1, 4, 6, 4, 1]) / 16).astype(numpy.float32)
_RADIUS = 2


def smooth(
    image: NDArray[numpy.float32],
    factor: float = 1.0,
    out: NDArray[numpy.float32] | None = None,
) -> NDArray[numpy.float32]:
    """Binomial filter with a standard deviation of 1 px: weights 1, 4, 6, 4, 1 (over 16) along
    rows and along columns.

    :param image: shape `(H, W)`; it goes on mirrored beyond its edges (d c b a | a b c d).
    :param factor: by which the result is multiplied, at no cost.
    :param out: for the result, shape `(H, W)`; where not given, it is new.
    :returns: shape `(H, W)`.
    """
    image = numpy.ascontiguousarray(image)
    result = numpy.empty_like(image) if out is None else out
    if min(image.shape) < 2 * _RADIUS:  # perhaps mirrored more than once
        for axis in (0, 1):
            scipy.ndimage.convolve1d(image, _WEIGHTS, axis=axis, output=result, mode="reflect")
            image = result.copy()
        result *= factor
    elif _opencv.usable(image):
        _opencv.convolve(image, _WEIGHTS, _WEIGHTS * numpy.float32(factor), result)
    else:
        _convolve(image, factor, result)
    return result


def _convolve(image: NDArray[numpy.float32], factor: float, result: NDArray[numpy.float32]) -> None:
    """A slab of whole rows is taken as one long row: numpy adds that several times faster."""
    height, width = image.shape
    factor /= 16**2
    rows = numpy.pad(numpy.arange(height), _RADIUS, mode="symmetric")
    # The columns that make the outermost two, at the left and, counted from there, at the right
    edge = numpy.pad(numpy.arange(2 * _RADIUS), (_RADIUS, 0), mode="symmetric")
    for slab in slabs(image.shape):
        start, stop = slab.start, slab.stop
        if start >= _RADIUS and stop + _RADIUS <= height:
            source = image[start - _RADIUS : stop + _RADIUS]
        else:
            source = image[rows[start : stop + 2 * _RADIUS]]
        along_rows = _add_neighbours(source.ravel(), width)
        target = result[slab]
        numpy.multiply(_add_neighbours(along_rows, 1), factor, out=target.ravel()[_RADIUS:-_RADIUS])
        # Those of the outermost columns were added up across the ends of the rows.
        columns = along_rows.reshape(-1, width).T
        for mirrored, outermost in ((columns, target.T), (columns[::-1], target.T[::-1])):
            sums = _add_neighbours(mirrored[edge].ravel(), stop - start)
            numpy.multiply(sums.reshape(_RADIUS, -1), factor, out=outermost[:_RADIUS])


def _add_neighbours(values: NDArray[numpy.float32], step: int) -> NDArray[numpy.float32]:
    """Add to each value the one that is `step` further on, four times: the sums have the weights
    1, 4, 6, 4, 1."""
    for _ in range(2 * _RADIUS):
        values = values[:-step] + values[step:]
    return values
