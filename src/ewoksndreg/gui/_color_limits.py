"""One color scale for all images of a stack."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy
from numpy.typing import NDArray

# How much of a stack is read, so that one of 10 GB opens at once.
_SAMPLED_IMAGES = 8
_SAMPLED_PIXELS = 2**16  # of each image

_PERCENTILES = (1, 99.5)


def choose_sample(number: int) -> list[int]:
    """Indices of at most 8 images, spread evenly over a stack from the first to the last.

    :param number: of images in the stack.
    """
    spread = numpy.linspace(0, number - 1, min(number, _SAMPLED_IMAGES))
    return [int(n) for n in numpy.rint(spread)]


def find_color_limits(images: Iterable[NDArray[numpy.floating[Any]]]) -> tuple[float, float]:
    """Lowest and highest value of the color scale.

    The 1st and the 99.5th percentile of the finite pixels of all images, so that hot pixels do not
    matter, or the full range where these are equal. Of large images every n-th row and column
    is taken.

    :param images: each of shape `(H, W)`.
    :returns: two different numbers; 0 and 1 where no pixel is finite.
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


def sample_pixels(image: NDArray[numpy.floating[Any]]) -> NDArray[numpy.floating[Any]]:
    """Every n-th row and column of an image, as a view, with n so that about 65 000 pixels or
    fewer are left."""
    step = max(1, math.ceil(math.sqrt(image.size / _SAMPLED_PIXELS)))
    return image[::step, ::step]
