"""The inner loops with numpy: the simplest code that is fast enough."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy
from numpy.typing import NDArray

from .._pixels import row_blocks
from .._typing import FloatImage
from .._typing import Matrix
from ._geometry import find_translation
from ._geometry import places_from_center
from ._kernel import Prepared
from ._kernel import Scale
from ._resample import resample_in_blocks

# The radius (px) of the binomial filter.
_RADIUS = 2

_LONGEST_PRODUCT = 8192

# The same, for products of matrices with nine rows.
_LONGEST_MATRIX_PRODUCT = 2048


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
            _filter(scaled, columns_mirrored, out[rows])
            continue
        numpy.copyto(scaled, numpy.float32(0), where=~valid)
        _filter(scaled, columns_mirrored, out[rows])
        weights = numpy.empty_like(out[rows])
        _filter(valid.astype(numpy.float32), columns_mirrored, weights)
        with numpy.errstate(invalid="ignore"):  # 0 / 0 if all pixels around are invalid
            out[rows] /= weights
        here = valid[_RADIUS:-_RADIUS]
        numpy.copyto(out[rows], numpy.float32(numpy.nan), where=~here)
        invalid += int(here.size - numpy.count_nonzero(here))
        infinite += int(numpy.count_nonzero(numpy.isinf(pixels[rows])))
    return invalid, infinite


def _filter(
    block: NDArray[numpy.float32],
    columns_mirrored: NDArray[numpy.intp],
    out: NDArray[numpy.float32],
) -> None:
    """Apply the binomial filter to a block that has two extra rows above and below."""
    height, width = out.shape
    # Adding the next pixel four times gives the weights 1, 4, 6, 4, 1. All rows are treated as one
    # long row, which is several times faster.
    values = block.ravel()
    for _ in range(2 * _RADIUS - 1):
        values = values[:-width] + values[width:]
    rows = values.reshape(height + 1, width)
    padded = numpy.empty((height, width + 2 * _RADIUS), dtype=numpy.float32)
    middle = numpy.add(rows[:-1], rows[1:], out=padded[:, _RADIUS:-_RADIUS])
    padded[:, :_RADIUS] = middle[:, columns_mirrored[:_RADIUS]]
    padded[:, -_RADIUS:] = middle[:, columns_mirrored[-_RADIUS:]]
    values = padded.ravel()
    for _ in range(2 * _RADIUS - 1):
        values = values[:-1] + values[1:]
    numpy.add(values[:-1], values[1:], out=padded.ravel()[: values.size - 1])
    numpy.multiply(padded[:, :width], numpy.float32(1 / 16**2), out=out)


def sum_products(
    reference: Prepared, image: Prepared, matrix: Matrix | None
) -> NDArray[numpy.float64]:
    """See :class:`.Kernel`."""
    valid_everywhere = not reference.invalid and not image.invalid
    if matrix is not None and find_translation(matrix, image.pixels.shape) is None:
        valid_everywhere = False  # the corners come from outside
    count = 0
    # Summed along rows in the type of the images, then over the rows in float64
    row_sums = numpy.zeros((5, len(image.pixels)), dtype=image.pixels.dtype)
    ones = numpy.ones((1, image.pixels.shape[1]), dtype=image.pixels.dtype)
    for rows, columns, b in _make_blocks(image.pixels, matrix):
        a = reference.pixels[rows, columns]
        count += a.size
        if not valid_everywhere:
            invalid = ~numpy.isfinite(a + b)
            number = int(numpy.count_nonzero(invalid))
            if number:
                count -= number
                a, b = a.copy(), b.copy()  # five times faster than `numpy.where`
                for each in (a, b):
                    numpy.copyto(each, each.dtype.type(0), where=invalid)
        one = ones[:, columns]
        for sums, (x, y) in zip(
            row_sums, ((a, one), (b, one), (a, a), (a, b), (b, b)), strict=True
        ):
            _multiply_rows(x, y, sums[rows])
    return numpy.concatenate(([count], row_sums.sum(axis=1, dtype=numpy.float64)))


def _make_blocks(
    pixels: FloatImage, matrix: Matrix | None
) -> Iterator[tuple[slice, slice, FloatImage]]:
    if matrix is not None:
        return resample_in_blocks(pixels, matrix)
    return ((rows, slice(None), pixels[rows]) for rows in row_blocks(pixels.shape))


def _multiply_rows(a: FloatImage, b: FloatImage, out: FloatImage) -> None:
    """Sum the products along each row."""
    # BLAS is twice as fast, but its results for longer rows depend on its number of threads.
    if a.shape[1] > _LONGEST_PRODUCT:
        out[...] = numpy.einsum("ij,ij->i", a, numpy.broadcast_to(b, a.shape))
    else:
        numpy.matmul(
            a[:, numpy.newaxis, :], b[:, :, numpy.newaxis], out=out[:, numpy.newaxis, numpy.newaxis]
        )


def sum_gradients(
    reference: Prepared, image: Prepared, matrix: Matrix, number: int
) -> NDArray[numpy.float64]:
    """See :class:`.Kernel`."""
    height, width = image.pixels.shape
    vertical, horizontal = places_from_center((height, width))
    sums = numpy.zeros((3 + number, 3 + number))
    for rows, columns, b in resample_in_blocks(image.pixels, matrix):
        first = columns.start or 0
        top, bottom = max(rows.start, 1), min(rows.stop, height - 1)
        end = min(first + b.shape[1], width - 1)
        for left in range(max(first, 1), end if bottom > top else 0, _LONGEST_MATRIX_PRODUCT):
            right = min(left + _LONGEST_MATRIX_PRODUCT, end)
            a = reference.pixels[top - 1 : bottom + 1, left - 1 : right + 1]
            factors = numpy.empty((bottom - top, 3 + number, right - left), dtype=a.dtype)
            factors[:, 0] = 1
            factors[:, 1] = a[1:-1, 1:-1]
            factors[:, 2] = b[top - rows.start : bottom - rows.start, left - first : right - first]
            for k, (low, high) in enumerate(
                ((a[:-2, 1:-1], a[2:, 1:-1]), (a[1:-1, :-2], a[1:-1, 2:]))
            ):
                along = (high - low) * a.dtype.type(0.5)
                factors[:, 3 + k] = along
                if number > 2:
                    factors[:, 5 + 2 * k] = along * vertical[top:bottom, numpy.newaxis]
                    factors[:, 6 + 2 * k] = along * horizontal[left:right]
            invalid = ~numpy.isfinite(factors[:, :5].sum(axis=1))
            numpy.copyto(factors, a.dtype.type(0), where=invalid[:, numpy.newaxis])
            products = numpy.matmul(factors, factors.transpose(0, 2, 1))
            sums += products.sum(axis=0, dtype=numpy.float64)
    return sums
