"""Prepare images for display."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy
from numpy.typing import NDArray

from ._typing import FloatImage

_GREEN_OF_BRIGHTER = 0.3

_SAMPLED_PIXELS = 2**16  # of each image

_PERCENTILES = (1, 99.5)


def find_color_limits(images: Iterable[FloatImage]) -> tuple[float, float]:
    """Find the lowest and the highest value of the color scale.

    They are the 1st and the 99.5th percentiles of the finite pixels of all images, so that hot
    pixels do not matter, or the full range if these are equal. Large images are sampled in every
    n-th row and column.

    :param images: images of shape `(H, W)`.
    :returns: two different numbers; 0 and 1 if no pixel is finite.
    """
    samples = [pixels[numpy.isfinite(pixels)] for pixels in map(sample_pixels, images)]
    values = numpy.concatenate(samples).astype(numpy.float64) if samples else numpy.empty(0)
    if values.size == 0:
        return 0.0, 1.0
    low, high = (float(value) for value in numpy.percentile(values, _PERCENTILES))
    if low == high:
        low, high = float(values.min()), float(values.max())
    if low == high:
        margin = max(abs(low), 1.0) / 2
        return low - margin, high + margin
    return low, high


def sample_pixels(image: FloatImage) -> FloatImage:
    """Take every n-th row and column of an image, as a view, so that at most about 65 000 pixels
    remain."""
    step = max(1, math.ceil(math.sqrt(image.size / _SAMPLED_PIXELS)))
    return image[::step, ::step]


def scale_brightness(image: FloatImage, limits: tuple[float, float]) -> NDArray[numpy.float32]:
    """Scale an image to the range from 0 to 1, clipped; invalid pixels are NaN.

    :param limits: the values that become 0 and 1.
    """
    low, high = limits
    scaled = (image - low) / (high - low)
    return numpy.asarray(numpy.clip(scaled, 0, 1), dtype=numpy.float32)


def overlay(red: NDArray[Any], blue: NDArray[Any]) -> NDArray[numpy.uint8]:
    """Overlay two images in red and blue.

    Green is that of the darker image, so that pixels that are equal in both are gray, plus a little
    of the brighter one, because pure blue is hard to see.

    :param red: result of :func:`scale_brightness`, shape `(H, W)`.
    :param blue: the same for the other image.
    :returns: red, green, blue and opacity, shape `(H, W, 4)`; transparent black where a pixel is
        invalid in either image.
    """
    invalid = numpy.isnan(red) | numpy.isnan(blue)
    green = numpy.minimum(red, blue) + _GREEN_OF_BRIGHTER * numpy.abs(red - blue)
    picture = numpy.empty((*red.shape, 4), dtype=numpy.uint8)
    for channel, values in enumerate((red, green, blue)):
        picture[..., channel] = numpy.where(invalid, 0, 255 * values + 0.5)
    picture[..., 3] = numpy.where(invalid, 0, 255)
    return picture


def reduce_image(image: FloatImage, most: int) -> tuple[FloatImage, tuple[int, int]]:
    """Replace blocks of pixels with their mean.

    :param image: shape `(H, W)`.
    :param most: maximum number of rows and columns of the result.
    :returns: the smaller image, and the number of rows and columns of a block. The mean is over the
        finite pixels of a block; NaN if there are none. The last blocks may extend beyond the
        image.
    """
    rows, columns = (max(1, math.ceil(size / most)) for size in image.shape)
    sums = numpy.where(numpy.isfinite(image), image, 0).astype(numpy.float64)
    counts = numpy.isfinite(image).astype(numpy.float64)
    for axis, size in enumerate((rows, columns)):
        starts = numpy.arange(0, image.shape[axis], size)
        sums = numpy.add.reduceat(sums, starts, axis=axis)
        counts = numpy.add.reduceat(counts, starts, axis=axis)
    means = numpy.full(sums.shape, numpy.nan)
    numpy.divide(sums, counts, out=means, where=counts > 0)
    return means, (rows, columns)
