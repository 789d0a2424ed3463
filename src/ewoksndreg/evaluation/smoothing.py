"""Smooth an image, in pieces that stay in the cache of the processor."""

from typing import Any

import numpy
from numpy.typing import NDArray
from scipy import ndimage

# Rows that are smoothed at a time.
_SLAB_ROWS = 64

# Where scipy cuts the Gaussian, in standard deviations.
_TRUNCATE = 4


def gaussian(image: NDArray[numpy.float32], sigma: float) -> NDArray[numpy.float32]:
    """What `scipy.ndimage.gaussian_filter` gives, faster.

    :param image: shape `(H, W)`; it goes on mirrored beyond its edges.
    :param sigma: standard deviation in px.
    :returns: shape `(H, W)`, within 1e-6 of the range of the image of the result of scipy.
    """
    radius = int(_TRUNCATE * sigma + 0.5)
    if min(image.shape) < radius:  # mirrored more than once
        return numpy.asarray(ndimage.gaussian_filter(image, sigma, truncate=_TRUNCATE))
    weights = numpy.exp(-0.5 * (numpy.arange(radius + 1) / sigma) ** 2)
    weights = (weights / (2 * weights.sum() - weights[0])).astype(numpy.float32)
    height, width = image.shape
    padded = numpy.pad(image, ((radius, radius), (0, 0)), mode="symmetric")
    result = numpy.empty_like(image)
    wide = numpy.empty((_SLAB_ROWS, width + 2 * radius), dtype=numpy.float32)
    spare = numpy.empty((_SLAB_ROWS, width), dtype=numpy.float32)
    for start in range(0, height, _SLAB_ROWS):
        rows = min(_SLAB_ROWS, height - start)
        slab, work = wide[:rows], spare[:rows]
        middle = slab[:, radius : radius + width]
        _convolve(
            [padded[start + k : start + k + rows] for k in range(2 * radius + 1)],
            weights,
            middle,
            work,
        )
        slab[:, :radius] = middle[:, :radius][:, ::-1]
        slab[:, radius + width :] = middle[:, width - radius :][:, ::-1]
        _convolve(
            [slab[:, k : k + width] for k in range(2 * radius + 1)],
            weights,
            result[start : start + rows],
            work,
        )
    return result


def _convolve(
    shifted: list[NDArray[Any]],
    weights: NDArray[numpy.float32],
    result: NDArray[numpy.float32],
    work: NDArray[numpy.float32],
) -> None:
    """Weighted sum of an image shifted by -radius..radius; weights are those from 0 to radius."""
    radius = len(weights) - 1
    numpy.multiply(shifted[radius], weights[0], out=result)
    for k in range(1, radius + 1):
        numpy.add(shifted[radius - k], shifted[radius + k], out=work)
        work *= weights[k]
        result += work
