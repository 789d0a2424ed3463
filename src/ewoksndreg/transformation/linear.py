"""Linear interpolation of an image without missing pixels, part by part."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy
from numpy.typing import NDArray

from .. import _opencv
from .affine import affine_parts
from .part import ROUNDING
from .part import Part
from .shift import shifted_parts
from .shift import whole_and_fraction


def linear_parts(
    image: NDArray[numpy.floating[Any]], matrix: NDArray[numpy.float64], *, fast: bool = False
) -> Iterator[Part]:
    """Resample an image: ``aligned[p] = image[matrix p]``.

    :param image: shape `(H, W)`.
    :param matrix: shape `(3, 3)`, invertible, (row, column) order. It needs
        :func:`has_linear_parts`, and the image no missing pixels, or :func:`is_whole_shift`.
    :param fast: use OpenCV where it is installed and the image is float32. The places from which
        pixels come are then rounded to float32, by `size / 2^23` px.
    :returns: parts from top to bottom that do not overlap. All pixels that are in no part come
        from outside the image. A part of a shift by whole pixels shows the image itself.
    """
    fast = fast and _opencv.usable(image)
    if _is_translation(matrix, image.shape):
        return shifted_parts(image, matrix[:2, 2], fast)
    return affine_parts(image, matrix[:2], fast)


def has_linear_parts(matrix: NDArray[numpy.float64], shape: tuple[int, ...]) -> bool:
    """Whether :func:`linear_parts` can be used for an image of this shape."""
    affine = bool((matrix[2] == (0, 0, 1)).all()) or _is_translation(matrix, shape)
    return affine and min(shape) > 1


def is_whole_shift(matrix: NDArray[numpy.float64], shape: tuple[int, ...]) -> bool:
    """Whether the matrix shifts all pixels of an image of this shape by the same whole pixels.
    Then :func:`linear_parts` can be used for any image, also where pixels are missing."""
    shift = matrix[:2, 2]
    return _is_translation(matrix, shape) and not any(whole_and_fraction(x)[1] for x in shift)


def _is_translation(matrix: NDArray[numpy.float64], shape: tuple[int, ...]) -> bool:
    """Whether the matrix shifts all pixels of an image of this shape alike."""
    # By how much each coefficient can move a pixel that comes from inside the image. Those of the
    # perspective row stand in the denominator and so multiply a coordinate once more.
    extent = 2 * max(shape)
    reach = numpy.array([[extent, extent, 0]] * 2 + [[extent**2, extent**2, extent]])
    return bool((numpy.abs(matrix - numpy.identity(3)) * reach <= ROUNDING).all())
