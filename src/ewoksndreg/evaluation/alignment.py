"""Align an image with a transformation, part by part."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence

import numpy

from ..transformation.base import Transformation
from ..transformation.homography import Homography
from ..transformation.linear import has_linear_parts
from ..transformation.linear import linear_parts
from ..transformation.part import Part
from .image import Image


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
    matrix = transformation.passive_matrix if type(transformation) is Homography else numpy.nan
    if numpy.array_equal(matrix, numpy.identity(3)):
        return image  # the usual case; a copy would have to be kept in memory
    pixels = numpy.full_like(image.pixels, numpy.nan)
    parts: list[Part] = []
    for part in aligned_parts(image, transformation):
        target = pixels[part.rows.start : part.rows.stop, part.columns.start : part.columns.stop]
        target[...] = part.pixels
        parts.append(part._replace(pixels=target))
    return Image(pixels, *_complete_rectangle(parts, pixels.shape[1]))


def _complete_rectangle(parts: Sequence[Part], width: int) -> tuple[range, range]:
    """Rows and columns that no part misses a pixel of; none where that is not worth while."""
    # The corners of a turned image, at the top and at the bottom, have few complete columns.
    wide = [n for n, part in enumerate(parts) if 2 * len(part.complete) > width]
    if not wide:
        return range(0), range(0)
    inner = parts[wide[0] : wide[-1] + 1]
    start = max(part.complete.start for part in inner)
    stop = min(part.complete.stop for part in inner)
    return range(inner[0].rows.start, inner[-1].rows.stop), range(start, max(start, stop))
