"""The inner loops with numpy: the plainest code that is fast enough."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy
from numpy.typing import NDArray

from .._pixels import row_blocks
from .._typing import FloatImage
from .._typing import Matrix
from ._geometry import find_translation
from ._kernel import Prepared
from ._kernel import Scale
from ._resample import resample_in_blocks

# How far (px) the binomial filter reaches.
_RADIUS = 2

_LONGEST_PRODUCT = 8192


def smooth(pixels: NDArray[Any], scale: Scale, out: NDArray[numpy.float32]) -> tuple[int, int]:
    """See :class:`.Kernel`."""
    invalid = infinite = 0
    if out.size == 0:
        return 0, 0
    rows_mirrored, columns_mirrored = (
        numpy.pad(numpy.arange(size), _RADIUS, mode="symmetric") for size in out.shape
    )
    for rows in row_blocks(out.shape):
        block = pixels[rows_mirrored[rows.start : rows.stop + 2 * _RADIUS]]
        valid = numpy.isfinite(block)
        scaled = block.astype(scale.low.dtype, copy=False)
        numpy.clip(scaled, scale.low, scale.high, out=scaled)
        scaled -= scale.center
        scaled *= scale.factor
        scaled = scaled.astype(numpy.float32, copy=False)
        if valid.all():
            out[rows] = _filter(scaled, columns_mirrored)
            continue
        scaled[~valid] = 0
        weights = _filter(valid.astype(numpy.float32), columns_mirrored)
        with numpy.errstate(invalid="ignore"):  # 0 / 0 where all pixels around are invalid
            numpy.divide(_filter(scaled, columns_mirrored), weights, out=out[rows])
        here = valid[_RADIUS:-_RADIUS]
        numpy.copyto(out[rows], numpy.float32(numpy.nan), where=~here)
        invalid += int(here.size - numpy.count_nonzero(here))
        infinite += int(numpy.count_nonzero(numpy.isinf(pixels[rows])))
    return invalid, infinite


def _filter(
    block: NDArray[numpy.float32], columns_mirrored: NDArray[numpy.intp]
) -> NDArray[numpy.float32]:
    """Binomial filter along rows and columns; the block has two rows more above and below."""
    height, width = len(block) - 2 * _RADIUS, block.shape[1]
    # Adding the next pixel four times gives the weights 1, 4, 6, 4, 1. Rows are added as one long
    # row, which is several times faster.
    values = block.ravel()
    for _ in range(2 * _RADIUS):
        values = values[:-width] + values[width:]
    along_rows = values.reshape(height, width)
    padded = numpy.empty((height, width + 2 * _RADIUS), dtype=numpy.float32)
    padded[:, _RADIUS:-_RADIUS] = along_rows
    padded[:, :_RADIUS] = along_rows[:, columns_mirrored[:_RADIUS]]
    padded[:, -_RADIUS:] = along_rows[:, columns_mirrored[-_RADIUS:]]
    values = padded.ravel()
    for _ in range(2 * _RADIUS):
        values = values[:-1] + values[1:]
    padded.ravel()[: values.size] = values
    result: NDArray[numpy.float32] = padded[:, :width] * numpy.float32(1 / 16**2)
    return result


def sum_products(
    reference: Prepared, image: Prepared, matrix: Matrix | None, pivots: tuple[float, float]
) -> NDArray[numpy.float64]:
    """See :class:`.Kernel`."""
    valid_everywhere = not reference.invalid and not image.invalid
    if matrix is not None and find_translation(matrix, image.pixels.shape) is None:
        valid_everywhere = False  # the corners come from outside
    sums = numpy.zeros(6)
    for rows, columns, b in _blocks(image.pixels, matrix):
        sums += _sum_block(reference.pixels[rows, columns], b, pivots, valid_everywhere)
    return sums


def _blocks(pixels: FloatImage, matrix: Matrix | None) -> Iterator[tuple[slice, slice, FloatImage]]:
    if matrix is not None:
        return resample_in_blocks(pixels, matrix)
    return ((rows, slice(None), pixels[rows]) for rows in row_blocks(pixels.shape))


def _sum_block(
    a: FloatImage, b: FloatImage, pivots: tuple[float, float], valid_everywhere: bool
) -> tuple[float, ...]:
    if any(pivots):
        a, b = (each - each.dtype.type(pivot) for each, pivot in zip((a, b), pivots, strict=True))
    count = a.size
    if not valid_everywhere:
        invalid = ~numpy.isfinite(a + b)
        count -= int(numpy.count_nonzero(invalid))
        if count < a.size:
            a, b = a.copy(), b.copy()
            for each in (a, b):
                numpy.copyto(each, each.dtype.type(0), where=invalid)
    ones = numpy.ones_like(a[:1])
    return count, _sum(a, ones), _sum(b, ones), _sum(a, a), _sum(a, b), _sum(b, b)


def _sum(a: FloatImage, b: FloatImage) -> float:
    """Sum of products: rows in the type of the images, then in float64."""
    # BLAS is twice as fast, but its longer products depend on the number of its threads.
    if a.shape[1] > _LONGEST_PRODUCT:
        rows = numpy.einsum("ij,ij->i", *numpy.broadcast_arrays(a, b))
    else:
        rows = numpy.matmul(a[:, numpy.newaxis, :], b[:, :, numpy.newaxis])
    return float(numpy.sum(rows, dtype=numpy.float64))
