"""Measure the rotation, scale and shear that remain between aligned images."""

from collections.abc import Mapping
from collections.abc import Sequence

import numpy
from numpy.typing import NDArray

from ..kernels import Linearization

# The minimum of 1 - r^2, so that nearly identical images do not dominate.
_LEAST_NOISE = 0.02


def find_remaining_distortion(
    linearizations: Sequence[Mapping[int, Linearization]], weights: NDArray[numpy.float64]
) -> float:
    """Compute by how far a remaining rotation, scale or shear displaces the pixels: root mean
    square over the pixels of a square image, without the mean shift, and mean over the images,
    weighted by the number of their pixels that are compared.

    The displacement of an image is that of one affine Gauss-Newton step in all stacks together:
    each stack has its weight times ``r^2 / (1 - r^2)``, the ratio of signal to noise, times the
    number of pixels.

    :param linearizations: for each of S stacks, those of its images, by index.
    :param weights: the weights of the stacks, shape `(S,)`.
    :returns: px; NaN if nothing was measured.
    """
    lengths, numbers = [], []
    for n in sorted({n for each in linearizations for n in each}):
        normal, right, number = numpy.zeros((6, 6)), numpy.zeros(6), 0
        for stack, weight in zip(linearizations, weights, strict=True):
            found = stack.get(n)
            if found is not None and numpy.isfinite(found.r):
                signal = found.r**2 / max(1 - found.r**2, _LEAST_NOISE)
                normal += weight * signal * found.number * found.normal
                right += weight * signal * found.number * found.right
                number += found.number
        if normal.any():
            step = numpy.linalg.lstsq(normal, right, rcond=1e-9)[0]
            # The mean square of each of the two coordinates, from -1 to 1, is 1/3.
            lengths.append(numpy.sqrt((step[2:] ** 2).sum() / 3))
            numbers.append(number)
    return float(numpy.average(lengths, weights=numbers)) if lengths else numpy.nan
