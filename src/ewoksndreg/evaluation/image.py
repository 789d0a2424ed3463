"""An image that is ready to be compared."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy
from numpy.typing import NDArray

from .._pixels import slabs
from ..transformation.part import Part

# BLAS makes longer products of vectors on several threads, whose number changes the last digits.
_LONGEST_SUM = 8192


@dataclass(frozen=True, eq=False)
class Image:
    """An image, and where all its pixels are there.

    :param pixels: shape `(H, W)`, missing pixels are NaN.
    :param rows: within these rows
    :param columns: and these columns no pixel is missing; one that is missing may be elsewhere.
    """

    pixels: NDArray[numpy.floating[Any]]
    rows: range
    columns: range

    @classmethod
    def of(cls, pixels: NDArray[numpy.floating[Any]], *, complete: bool) -> Image:
        """:param complete: whether no pixel is missing at all."""
        rows, columns = (range(size if complete else 0) for size in pixels.shape)
        return cls(pixels, rows, columns)

    @property
    def complete(self) -> bool:
        return (len(self.rows), len(self.columns)) == self.pixels.shape

    @cached_property
    def row_sums(self) -> tuple[NDArray[numpy.floating[Any]], NDArray[numpy.floating[Any]]]:
        """The sum of the pixels of each row and that of their squares, over `columns`, each of
        shape `(H,)`. They are kept, since many images are compared with one."""
        pixels = self.pixels[:, self.columns.start : self.columns.stop]
        return sums_along_rows(pixels), sums_along_rows(pixels, pixels)

    def parts(self) -> Iterator[Part]:
        """The image as it is."""
        return map(self.part, slabs(self.pixels.shape))

    def part(self, rows: slice) -> Part:
        columns = range(self.pixels.shape[1])
        complete = columns if self.complete else range(0)
        return Part(range(rows.start, rows.stop), columns, self.pixels[rows], complete)


def sums_along_rows(
    a: NDArray[numpy.floating[Any]], b: NDArray[numpy.floating[Any]] | None = None
) -> NDArray[numpy.floating[Any]]:
    """The sum of the pixels of each row, or of their products with those of another image.

    :param a: shape `(H, W)`.
    :returns: shape `(H,)`, of the type of the images.
    """
    if b is None:
        b = numpy.ones((1, a.shape[1]), dtype=a.dtype)
    sums: NDArray[numpy.floating[Any]] = numpy.zeros(len(a), dtype=a.dtype)
    for start in range(0, a.shape[1], _LONGEST_SUM):
        some = slice(start, start + _LONGEST_SUM)
        sums += numpy.matmul(a[:, numpy.newaxis, some], b[:, some, numpy.newaxis])[:, 0, 0]
    return sums
