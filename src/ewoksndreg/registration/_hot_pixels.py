"""Pixels of the detector that show no sample."""

from __future__ import annotations

import math
from typing import Any

import numpy
from numpy.typing import NDArray

from .._pixels import as_floating
from .._pixels import row_blocks
from .._typing import FloatImage
from .._typing import Mask
from ..evaluation import PreparedImages

# Images of a stack that are looked at, the reference image among them.
_LOOKED_AT = 5

# Standard deviations of the noise.
_STANDS_OUT = 5.0


def find_hot_pixels(images: PreparedImages, reference_image: int) -> Mask:
    """Pixels that stand out of their neighbors at the same place in most images.

    They do not move with the sample, and a few of them hold any registration at no motion. Whatever
    stands out and moves is the sample itself.

    :param images: a stack, open.
    :param reference_image: one of the images that are looked at.
    :returns: shape `(H, W)`.
    """
    spread = numpy.linspace(0, len(images) - 1, _LOOKED_AT).round().astype(int).tolist()
    indices = sorted({reference_image, *spread})
    count = numpy.zeros(images.stack.shape[1:], dtype=numpy.uint8)
    if len(indices) > 1:
        for n in indices:
            with images.locate_errors(n):
                count += find_outliers(as_floating(images.stack[n]))
    return numpy.asarray(2 * count > len(indices))


def find_outliers(image: FloatImage) -> Mask:
    """Pixels that are above all of their eight neighbors but one, or below, by more than noise.

    All but one, because two hot pixels may touch. A pixel of a line, an edge or a corner of the
    sample has at least two neighbors of its own kind.

    :param image: shape `(H, W)`; invalid pixels are NaN and are no outliers.
    """
    height, width = image.shape
    outliers = numpy.zeros(image.shape, dtype=bool)
    if min(height, width) < 3:
        return outliers
    image = numpy.where(numpy.isfinite(image), image, image.dtype.type(numpy.nan))
    limit = _STANDS_OUT * _estimate_noise(image)
    rows, columns = (numpy.pad(numpy.arange(size), 1, mode="reflect") for size in image.shape)
    for block in row_blocks(image.shape):
        padded = image[rows[block.start : block.stop + 2]][:, columns]
        here = padded[1:-1, 1:-1]
        # NaN takes no part in fmin and fmax.
        for compare, opposite, sign in ((numpy.fmax, numpy.fmin, 1), (numpy.fmin, numpy.fmax, -1)):
            first = second = numpy.full_like(here, -sign * numpy.inf)
            for i in range(3):
                for j in range(3):
                    if (i, j) == (1, 1):
                        continue
                    neighbor = padded[i : i + len(here), j : j + width]
                    second = compare(second, opposite(first, neighbor))
                    first = compare(first, neighbor)
            outliers[block] |= (sign * (here - second) > limit) & numpy.isfinite(second - here)
    return outliers


def _estimate_noise(image: FloatImage) -> float:
    """The standard deviation of the noise, from the difference between neighbors, which also has a
    little of the sample in it."""
    differences = numpy.abs(image[:, 1:] - image[:, :-1]).ravel()
    sample: NDArray[Any] = differences[:: max(1, differences.size // 16_384)]
    sample = sample[numpy.isfinite(sample)]
    if sample.size == 0:
        return 0.0
    # 0.6745: the median of the absolute value of a normal deviate
    typical = float(numpy.median(sample)) / 0.6745
    if typical == 0:  # few counts, most of them 0
        typical = float(numpy.sqrt(numpy.mean(sample**2)))
    return typical / math.sqrt(2)
