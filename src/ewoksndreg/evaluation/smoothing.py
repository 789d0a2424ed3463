"""Smooth an image a little."""

import numpy
from numpy.typing import NDArray

from .. import _opencv
from .._pixels import slabs

# The binomial filter, a Gaussian in whole numbers: its standard deviation is exactly 1 px.
_WEIGHTS = (numpy.array([1, 4, 6, 4, 1]) / 16).astype(numpy.float32)

RADIUS = 2
"""How far (px) the filter reaches."""


def smooth(image: NDArray[numpy.float32], factor: float = 1.0) -> NDArray[numpy.float32]:
    """Binomial filter with a standard deviation of 1 px: weights 1, 4, 6, 4, 1 (over 16) along
    rows and along columns.

    :param image: shape `(H, W)`; it goes on mirrored beyond its edges (d c b a | a b c d).
    :param factor: by which the result is multiplied, at no cost.
    :returns: shape `(H, W)`.
    """
    result = numpy.empty(image.shape, dtype=numpy.float32)
    for rows in slabs(image.shape):
        smooth_rows(image[with_neighbours(rows, len(image))], factor, result[rows])
    return result


def with_neighbours(rows: slice, height: int) -> slice | NDArray[numpy.intp]:
    """Numbers of the rows that :func:`smooth_rows` needs for these rows of an image."""
    if rows.start >= RADIUS and rows.stop + RADIUS <= height:
        return slice(rows.start - RADIUS, rows.stop + RADIUS)
    mirrored = numpy.pad(numpy.arange(height), RADIUS, mode="symmetric")
    return mirrored[rows.start : rows.stop + 2 * RADIUS]


def smooth_rows(padded: NDArray[numpy.float32], factor: float, out: NDArray[numpy.float32]) -> None:
    """:func:`smooth` for some rows of an image.

    :param padded: the rows, with :data:`RADIUS` rows more above and below.
    :param out: for the result, shape `(H, W)`, whole rows.
    """
    if out.size == 0:
        return
    if out.shape[1] < 2 * RADIUS:
        _smooth_narrow_rows(padded, factor, out)
    elif _opencv.usable(padded):
        weights = _WEIGHTS * numpy.float32(factor)
        out[...] = _opencv.convolve(padded, _WEIGHTS, weights)[RADIUS:-RADIUS]
    else:
        _smooth_rows(padded, factor / 16**2, out)


def _smooth_rows(
    padded: NDArray[numpy.float32], factor: float, out: NDArray[numpy.float32]
) -> None:
    """Whole rows are taken as one long row: numpy adds that several times faster."""
    height, width = out.shape
    along_rows = _add_neighbours(padded.ravel(), width)
    numpy.multiply(_add_neighbours(along_rows, 1), factor, out=out.ravel()[RADIUS:-RADIUS])
    # Those of the two outermost columns were added up across the ends of the rows.
    columns = along_rows.reshape(-1, width).T
    edge = numpy.pad(numpy.arange(2 * RADIUS), (RADIUS, 0), mode="symmetric")
    for mirrored, outermost in ((columns, out.T), (columns[::-1], out.T[::-1])):
        sums = _add_neighbours(mirrored[edge].ravel(), height)
        numpy.multiply(sums.reshape(RADIUS, -1), factor, out=outermost[:RADIUS])


def _smooth_narrow_rows(
    padded: NDArray[numpy.float32], factor: float, out: NDArray[numpy.float32]
) -> None:
    """All columns are outermost ones, and may be mirrored more than once."""
    height, width = out.shape
    columns = numpy.pad(numpy.arange(width), RADIUS, mode="symmetric")
    along_rows = _add_neighbours(padded.ravel(), width).reshape(-1, width)
    sums = _add_neighbours(along_rows.T[columns].ravel(), height)
    numpy.multiply(sums.reshape(width, height).T, factor / 16**2, out=out)


def _add_neighbours(values: NDArray[numpy.float32], step: int) -> NDArray[numpy.float32]:
    """Add to each value the one that is `step` further on, four times: the sums have the weights
    1, 4, 6, 4, 1."""
    for _ in range(2 * RADIUS):
        values = values[:-step] + values[step:]
    return values
