"""The sums over the pixels of two images from which their correlation follows."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any

import numpy
from numpy.typing import NDArray

from ..transformation.part import Part
from .image import Image
from .image import sums_along_rows

# Pixels that are collected before they are added up in float64.
_ENOUGH = 65_536


def sums_of_products(
    reference: Image, parts: Iterable[Part], *, exact: bool = False
) -> NDArray[numpy.float64]:
    """Sums over the pixels that are finite in both images.

    :param reference: image a.
    :param parts: of image b, of the same shape.
    :param exact: add up everything in float64; else float32 images are added up row by row in
        float32, to 1e-7, where no pixel is missing.
    :returns: the number of pixels and the sums of a, b, a a, a b and b b.
    """
    total = numpy.zeros(6)
    rest = _ExactSums()
    for part in parts:
        rows = _common(reference.rows, part.rows)
        columns = _common(reference.columns, part.complete)
        single = reference.pixels.dtype == part.pixels.dtype == numpy.float32
        if exact or not single or not rows or not columns:
            rest.add(_under(reference, part), part.pixels)
            continue
        total += _row_by_row(reference, _cut(part, rows, columns))
        for piece in _around(part, rows, columns):
            rest.add(_under(reference, piece), piece.pixels)
    return total + rest.finished()


def _common(one: range, other: range) -> range:
    return range(max(one.start, other.start), min(one.stop, other.stop))


def _under(reference: Image, part: Part) -> NDArray[numpy.floating[Any]]:
    rows, columns = part.rows, part.columns
    return reference.pixels[rows.start : rows.stop, columns.start : columns.stop]


def _cut(part: Part, rows: range, columns: range) -> Part:
    top, left = part.rows.start, part.columns.start
    pixels = part.pixels[
        rows.start - top : rows.stop - top, columns.start - left : columns.stop - left
    ]
    return Part(rows, columns, pixels, columns)


def _around(part: Part, rows: range, columns: range) -> Iterator[Part]:
    """What is left of a part without a rectangle inside it: above, below, left and right."""
    for piece in (
        (range(part.rows.start, rows.start), part.columns),
        (range(rows.stop, part.rows.stop), part.columns),
        (rows, range(part.columns.start, columns.start)),
        (rows, range(columns.stop, part.columns.stop)),
    ):
        if all(piece):
            yield _cut(part, *piece)


def _row_by_row(reference: Image, part: Part) -> NDArray[numpy.float64]:
    a, b = _under(reference, part), part.pixels
    sums_of_a, squares_of_a = _reference_row_sums(reference, part.rows, part.columns)
    rows = (
        sums_of_a,
        sums_along_rows(b),
        squares_of_a,
        sums_along_rows(a, b),
        sums_along_rows(b, b),
    )
    # The rows are few: their sums cost nothing in float64, which keeps the digits.
    return numpy.concatenate(([a.size], numpy.sum(rows, axis=1, dtype=numpy.float64)))


def _reference_row_sums(
    reference: Image, rows: range, columns: range
) -> list[NDArray[numpy.floating[Any]]]:
    """The sums of the pixels and of their squares along these rows."""
    some = slice(rows.start, rows.stop)
    whole = reference.columns
    if 2 * len(columns) < len(whole):
        pixels = reference.pixels[some, columns.start : columns.stop]
        return [sums_along_rows(pixels), sums_along_rows(pixels, pixels)]
    # What is known of whole rows, less what is not wanted of them
    sums = [each[some] for each in reference.row_sums]
    for start, stop in ((whole.start, columns.start), (columns.stop, whole.stop)):
        if start < stop:
            pixels = reference.pixels[some, start:stop]
            sums[0] = sums[0] - sums_along_rows(pixels)
            sums[1] = sums[1] - sums_along_rows(pixels, pixels)
    return sums


class _ExactSums:
    """Adds up in float64, many small pieces at once."""

    def __init__(self) -> None:
        self._total = numpy.zeros(6)
        self._a: list[NDArray[numpy.floating[Any]]] = []
        self._b: list[NDArray[numpy.floating[Any]]] = []
        self._waiting = 0

    def add(self, a: NDArray[numpy.floating[Any]], b: NDArray[numpy.floating[Any]]) -> None:
        self._a.append(a.ravel())
        self._b.append(b.ravel())
        self._waiting += a.size
        if self._waiting >= _ENOUGH:
            self._add_up()

    def finished(self) -> NDArray[numpy.float64]:
        if self._waiting:
            self._add_up()
        return self._total

    def _add_up(self) -> None:
        a, b = (numpy.concatenate(pieces).astype(numpy.float64) for pieces in (self._a, self._b))
        self._a, self._b, self._waiting = [], [], 0
        if not numpy.isfinite((a.sum(), b.sum())).all():
            both = numpy.isfinite(a) & numpy.isfinite(b)
            a, b = a[both], b[both]
        # Not `@`: the sum of a long product of BLAS depends on the number of its threads.
        products = [numpy.einsum("i,i", *pair) for pair in ((a, a), (a, b), (b, b))]
        self._total += [a.size, a.sum(), b.sum(), *products]
