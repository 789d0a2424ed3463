"""Find hot pixels of the detector."""

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

# The number of images of a stack that are examined, including the reference image.
_LOOKED_AT = 5

# Standard deviations of the noise.
_STANDS_OUT = 5.0


def find_hot_pixels(images: PreparedImages, reference_image: int) -> Mask:
    """Find the pixels that differ from their neighbors in most images.

    They do not move with the sample, and a few of them are enough to make any registration find no
    motion. Outliers that move belong to the sample.

    :param images: an open stack.
    :param reference_image: index of the reference image, one of those that are examined.
    :returns: mask of the hot pixels, shape `(H, W)`.
    """
    spread = numpy.linspace(0, len(images) - 1, _LOOKED_AT).round().astype(int).tolist()
    indices = sorted({reference_image, *spread})
    count = numpy.zeros(images.stack.shape[1:], dtype=numpy.uint8)
    if len(indices) > 1:
        for n in indices:
            count += find_outliers(as_floating(images.read(n)))
    return numpy.asarray(2 * count > len(indices))


def find_outliers(image: FloatImage) -> Mask:
    """Find the pixels that are above (or below) at least seven of their eight neighbors by more
    than the noise.

    Seven, because two hot pixels may touch. A pixel of a line, an edge or a corner of the sample
    has at least two similar neighbors.

    :param image: shape `(H, W)`; invalid pixels are NaN and are not outliers.
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
        # fmin and fmax ignore NaN.
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
    """Estimate the standard deviation of the noise from the differences between neighbors, which
    the sample slightly increases."""
    differences = numpy.abs(image[:, 1:] - image[:, :-1]).ravel()
    sample: NDArray[Any] = differences[:: max(1, differences.size // 16_384)]
    sample = sample[numpy.isfinite(sample)]
    if sample.size == 0:
        return 0.0
    # 0.6745: the median absolute value of the standard normal distribution
    typical = float(numpy.median(sample)) / 0.6745
    if typical == 0:  # few counts, most of them 0
        typical = float(numpy.sqrt(numpy.mean(sample**2)))
    return typical / math.sqrt(2)
