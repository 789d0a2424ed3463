"""Align an image with a transformation, part by part."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy
from numpy.typing import NDArray

from ..transformation.base import Transformation
from ..transformation.homography import Homography
from ..transformation.linear import Part
from ..transformation.linear import has_linear_parts
from ..transformation.linear import linear_parts

# BLAS makes longer products of vectors on several threads.
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
        """The sum of the pixels of each row and that of their squares, each of shape `(H,)`, for an
        image that others are compared with."""
        return sums_along_rows(self.pixels), sums_along_rows(self.pixels, self.pixels)

    def parts(self) -> Iterator[Part]:
        """The image as it is."""
        rows, columns = (range(size) for size in self.pixels.shape)
        yield Part(rows, columns, self.pixels, columns if self.complete else range(0))


def sums_along_rows(
    a: NDArray[numpy.floating[Any]], b: NDArray[numpy.floating[Any]] | None = None
) -> NDArray[numpy.floating[Any]]:
    """The sum of the pixels of each row, or of their products with those of another image.

    :param a: shape `(H, W)`.
    :returns: shape `(H,)`, of the type of the images.
    """
    factor = numpy.ones((1, a.shape[1]), dtype=a.dtype) if b is None else b
    # One product of vectors per row. It is made on one thread, however many BLAS has: their number
    # would change the last digits.
    sums: NDArray[numpy.floating[Any]] = numpy.zeros(len(a), dtype=a.dtype)
    for start in range(0, a.shape[1], _LONGEST_SUM):
        some = slice(start, start + _LONGEST_SUM)
        sums += numpy.matmul(a[:, numpy.newaxis, some], factor[:, some, numpy.newaxis])[:, 0, 0]
    return sums


def aligned_parts(image: Image, transformation: Transformation) -> Iterator[Part]:
    """Parts that hold all pixels of the aligned image that come from inside the image.

    :raises ValueError: when the transformation changes the shape.
    """
    # Exactly this class: a subclass may resample in its own way.
    if type(transformation) is Homography and image.complete and transformation.invertible:
        matrix = transformation.passive_matrix
        if has_linear_parts(matrix, image.pixels.shape):
            yield from linear_parts(image.pixels, matrix, fast=True)
            return
    pixels = image.pixels
    aligned = numpy.asarray(
        transformation.apply_data(pixels, cval=numpy.nan, interpolation_order=1)
    )
    if aligned.shape != pixels.shape:
        raise ValueError(
            f"{type(transformation).__name__}.apply_data changed the shape from {pixels.shape} to"
            f" {aligned.shape}"
        )
    yield from Image.of(aligned, complete=False).parts()


def aligned_image(image: Image, transformation: Transformation) -> Image:
    """The parts put together."""
    pixels = numpy.full_like(image.pixels, numpy.nan)
    complete: list[Part] = []
    for part in aligned_parts(image, transformation):
        if part.pixels.shape == pixels.shape and len(part.complete) == pixels.shape[1]:
            return Image.of(part.pixels, complete=True)
        target = pixels[part.rows.start : part.rows.stop, part.columns.start : part.columns.stop]
        target[...] = part.pixels
        # The corners of a turned image are in parts that have few complete columns or none.
        if 2 * len(part.complete) > pixels.shape[1]:
            complete.append(part)
    if not complete:
        return Image.of(pixels, complete=False)
    columns = range(
        max(part.complete.start for part in complete), min(part.complete.stop for part in complete)
    )
    return Image(pixels, range(complete[0].rows.start, complete[-1].rows.stop), columns)
