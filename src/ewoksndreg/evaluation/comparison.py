"""Compare images that may be shifted in gain and offset and miss pixels."""

from __future__ import annotations

import math
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any
from typing import NamedTuple

import numpy
from numpy.typing import NDArray

from ..transformation.linear import Part
from .alignment import Image
from .alignment import sums_along_rows

# What the MSE of two standardised images is when they have nothing to do with each other.
UNRELATED = 2.0

# Fewer common pixels than this, or than a quarter of the image, say nothing.
_MIN_PIXELS = 100

# Images are on the scale 0 to 1 in float32: a smaller variance is rounding, and so is one that is a
# smaller part of the mean square.
_MIN_VARIANCE = 1e-12

# Squares are summed in float32, to 1e-7 of the sum. Where the variance is a smaller part of the
# mean square than this, they are summed again in float64.
_MIN_VARIANCE_OF_SQUARES = 0.01

# Rows that are summed in float64 at a time, so that their copies stay in the processor's cache.
_SLAB_ROWS = 32

# Count, then the sums of a, b, a a, a b and b b.
_Sums = NDArray[numpy.float64]


class Comparison(NamedTuple):
    """What two images have in common.

    :param mse: MSE of the standardised images, 0 (equal but for gain and offset) to 4 (inverted);
        NaN when they cannot be compared.
    :param overlap: fraction of the pixels that are finite in both images.
    """

    mse: float
    overlap: float


def compare(reference: Image, parts: Callable[[], Iterable[Part]]) -> Comparison:
    """Standardised MSE of two images over the pixels that are finite in both.

    Both images are brought to mean 0 and variance 1 over those pixels. Their MSE then is
    ``2 (1 - r)`` with r the Pearson correlation coefficient.

    :param reference: shape `(H, W)`, about on the scale 0 to 1.
    :param parts: gives the parts of the other image, of the same shape and scale. Asked twice where
        the contrast is weak.
    :returns: the MSE, within 1e-5 (1e-9 for float64 images); NaN when fewer than
        ``min(100, H W / 4)`` pixels are finite in both images or one of the images is constant
        there.
    """
    size = reference.pixels.size
    sums = _total(_quick_sums(reference, part) for part in parts())
    if _is_weak(sums, _MIN_VARIANCE_OF_SQUARES):
        sums = _total(_exact_sums(reference, part) for part in parts())
    count = int(sums[0])
    overlap = count / size if size else 0.0
    if count < max(1, min(_MIN_PIXELS, size / 4)) or _is_weak(sums, _MIN_VARIANCE):
        return Comparison(numpy.nan, overlap)
    variance_a, covariance, variance_b = _variances(sums)
    correlation = covariance / math.sqrt(variance_a * variance_b)
    return Comparison(max(0.0, 2 * (1 - float(correlation))), overlap)


def _total(sums: Iterable[_Sums]) -> _Sums:
    total = numpy.zeros(6)
    for some in sums:
        total += some
    return total


def _variances(sums: _Sums) -> NDArray[numpy.float64]:
    """The variance of a, the covariance and the variance of b."""
    means = sums[1:3] / sums[0]
    squares = means[[0, 0, 1]] * means[[0, 1, 1]]
    return numpy.asarray(sums[3:] / sums[0] - squares)


def _is_weak(sums: _Sums, limit: float) -> bool:
    """Whether a variance is too small to be told from rounding."""
    if sums[0] == 0:
        return False
    variances, squares = _variances(sums)[[0, 2]], sums[[3, 5]] / sums[0]
    return bool((variances < numpy.maximum(limit * squares, _MIN_VARIANCE)).any())


def _quick_sums(reference: Image, part: Part) -> _Sums:
    """In float32 where no pixel is missing, exactly around that."""
    rows = _common(reference.rows, part.rows)
    columns = _common(reference.columns, part.complete)
    single = reference.pixels.dtype == part.pixels.dtype == numpy.float32
    if not rows or not columns or not single:
        return _exact_sums(reference, part)
    sums = _total(_exact_sums(reference, piece) for piece in _around(part, rows, columns))
    return sums + _complete_sums(reference, _piece(part, rows, columns))


def _common(one: range, other: range) -> range:
    return range(max(one.start, other.start), min(one.stop, other.stop))


def _piece(part: Part, rows: range, columns: range) -> Part:
    top, left = part.rows.start, part.columns.start
    pixels = part.pixels[
        rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
    ]
    return Part(rows, columns, pixels, columns)


def _under(reference: Image, part: Part) -> NDArray[numpy.floating[Any]]:
    rows, columns = part.rows, part.columns
    return reference.pixels[rows.start : rows.stop, columns.start : columns.stop]


def _around(part: Part, rows: range, columns: range) -> Iterator[Part]:
    """What is left of a part without a rectangle inside it: above, below, left and right."""
    for piece in (
        (range(part.rows.start, rows.start), part.columns),
        (range(rows.stop, part.rows.stop), part.columns),
        (rows, range(part.columns.start, columns.start)),
        (rows, range(columns.stop, part.columns.stop)),
    ):
        if all(piece):
            yield _piece(part, *piece)


def _complete_sums(reference: Image, part: Part) -> _Sums:
    a, b = _under(reference, part), part.pixels
    if a.shape[1] == reference.pixels.shape[1]:
        row_sums = [sums[part.rows.start : part.rows.stop] for sums in reference.row_sums]
    else:
        row_sums = [sums_along_rows(a), sums_along_rows(a, a)]
    first, squares = row_sums
    rows = first, sums_along_rows(b), squares, sums_along_rows(a, b), sums_along_rows(b, b)
    # The rows are few: their sums cost nothing in float64, which keeps the digits.
    return numpy.array([a.size, *(row.sum(dtype=numpy.float64) for row in rows)])


def _exact_sums(reference: Image, part: Part) -> _Sums:
    """In float64, over the pixels that are finite in both images."""
    sums = numpy.zeros(6)
    under = _under(reference, part)
    for start in range(0, len(part.rows), _SLAB_ROWS):
        slab = slice(start, start + _SLAB_ROWS)
        a = under[slab].astype(numpy.float64).ravel()
        b = part.pixels[slab].astype(numpy.float64).ravel()
        if not numpy.isfinite((a.sum(), b.sum())).all():
            both = numpy.isfinite(a) & numpy.isfinite(b)
            a, b = a[both], b[both]
        # Not `@`: the sum of a BLAS product depends on the number of threads it runs on.
        products = [numpy.einsum("i,i", *pair) for pair in ((a, a), (a, b), (b, b))]
        sums += [a.size, a.sum(), b.sum(), *products]
    return sums
