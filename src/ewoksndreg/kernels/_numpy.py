"""The inner loops with numpy: the plainest code that is fast enough."""

from __future__ import annotations

from typing import Any

import numpy
from numpy.typing import NDArray

from .._pixels import row_blocks
from .._typing import FloatImage
from .._typing import Matrix
from ._geometry import find_translation
from ._geometry import shifted_rectangle
from ._kernel import Prepared
from ._kernel import Scale
from ._resample import resample_linear

# How far (px) the binomial filter reaches.
_RADIUS = 2


def smooth(pixels: NDArray[Any], scale: Scale, out: NDArray[numpy.float32]) -> tuple[int, int]:
    """See :class:`.Kernel`."""
    invalid = infinite = 0
    if out.size == 0:
        return 0, 0
    mirrored = numpy.pad(numpy.arange(len(out)), _RADIUS, mode="symmetric")
    for rows in row_blocks(out.shape):
        block = pixels[mirrored[rows.start : rows.stop + 2 * _RADIUS]]
        scaled = block.astype(scale.low.dtype)
        numpy.clip(scaled, scale.low, scale.high, out=scaled)
        scaled -= scale.center
        scaled *= scale.factor
        scaled = scaled.astype(numpy.float32, copy=False)
        valid = numpy.isfinite(block)
        if valid.all():
            out[rows] = _filter(scaled)
            continue
        scaled[~valid] = 0
        here = valid[_RADIUS:-_RADIUS]
        with numpy.errstate(invalid="ignore"):  # 0 / 0 where all pixels around are invalid
            mean = _filter(scaled) / _filter(valid.astype(numpy.float32))
        out[rows] = numpy.where(here, mean, numpy.float32(numpy.nan))
        invalid += int(here.size - numpy.count_nonzero(here))
        infinite += int(numpy.count_nonzero(numpy.isinf(pixels[rows])))
    return invalid, infinite


def _filter(block: NDArray[numpy.float32]) -> NDArray[numpy.float32]:
    """Binomial filter along rows and columns; the block has two rows more above and below."""
    values = numpy.pad(block, ((0, 0), (_RADIUS, _RADIUS)), mode="symmetric")
    # Adding the next pixel four times gives the weights 1, 4, 6, 4, 1.
    for _ in range(2 * _RADIUS):
        values = values[:-1] + values[1:]
    for _ in range(2 * _RADIUS):
        values = values[:, :-1] + values[:, 1:]
    values *= numpy.float32(1 / 16**2)
    return values


def sum_products(
    reference: Prepared, image: Prepared, matrix: Matrix | None, pivots: tuple[float, float]
) -> NDArray[numpy.float64]:
    """See :class:`.Kernel`."""
    a, b = reference.pixels, image.pixels
    valid_everywhere = not reference.invalid and not image.invalid
    if matrix is not None:
        b = resample_linear(b, matrix)
        shift = find_translation(matrix, b.shape)
        if shift is None:
            valid_everywhere = False
        else:
            rows, columns = shifted_rectangle(shift, b.shape)
            inside = numpy.s_[rows.start : rows.stop, columns.start : columns.stop]
            a, b = a[inside], b[inside]
    sums = numpy.zeros(6)
    for block in row_blocks(a.shape):
        sums += _sum_block(a[block], b[block], pivots, valid_everywhere)
    return sums


def _sum_block(
    a: FloatImage, b: FloatImage, pivots: tuple[float, float], valid_everywhere: bool
) -> tuple[float, ...]:
    if any(pivots):
        a, b = (each - each.dtype.type(pivot) for each, pivot in zip((a, b), pivots, strict=True))
    count = a.size
    if not valid_everywhere:
        valid = numpy.isfinite(a + b)
        count = int(numpy.count_nonzero(valid))
        if count < a.size:
            a, b = (numpy.where(valid, each, each.dtype.type(0)) for each in (a, b))
    return count, _sum(a), _sum(b), _sum(a, a), _sum(a, b), _sum(b, b)


def _sum(a: FloatImage, b: FloatImage | None = None) -> float:
    """Sum of the pixels or of their products: rows in the type of the image, then in float64. Not
    with `@`: the sum of a long product of BLAS depends on the number of its threads."""
    rows = numpy.sum(a, axis=1) if b is None else numpy.einsum("ij,ij->i", a, b)
    return float(numpy.sum(rows, dtype=numpy.float64))
