"""Compare images that may be shifted in gain and offset and miss pixels."""

from __future__ import annotations

import math
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any
from typing import NamedTuple

import numpy
from numpy.typing import NDArray

from .._pixels import missing_pixels
from ..transformation.part import Part
from .image import Image
from .sums import sums_of_products

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
    sums = sums_of_products(reference, parts())
    if _is_weak(sums, _MIN_VARIANCE_OF_SQUARES):
        sums = sums_of_products(reference, parts(), exact=True)
    count = int(sums[0])
    overlap = count / size if size else 0.0
    if count < max(1, min(_MIN_PIXELS, size / 4)) or _is_weak(sums, _MIN_VARIANCE):
        return Comparison(numpy.nan, overlap)
    variance_a, covariance, variance_b = _variances(sums)
    correlation = covariance / math.sqrt(variance_a * variance_b)
    return Comparison(max(0.0, 2 * (1 - float(correlation))), overlap)


def compare_images(a: NDArray[numpy.floating[Any]], b: NDArray[numpy.floating[Any]]) -> Comparison:
    """:func:`compare` for two images as they are.

    :param a: shape `(H, W)`, about on the scale 0 to 1; NaN and infinity are missing pixels.
    :param b: likewise, of the same shape.
    """
    reference, image = (Image.of(each, complete=missing_pixels(each) is None) for each in (a, b))
    return compare(reference, image.parts)


def _variances(sums: NDArray[numpy.float64]) -> NDArray[numpy.float64]:
    """The variance of a, the covariance and the variance of b."""
    means = sums[1:3] / sums[0]
    squares = means[[0, 0, 1]] * means[[0, 1, 1]]
    return numpy.asarray(sums[3:] / sums[0] - squares)


def _is_weak(sums: NDArray[numpy.float64], limit: float) -> bool:
    """Whether a variance is too small to be told from rounding."""
    if sums[0] == 0:
        return False
    variances, squares = _variances(sums)[[0, 2]], sums[[3, 5]] / sums[0]
    return bool((variances < numpy.maximum(limit * squares, _MIN_VARIANCE)).any())
