"""Compare images that may be shifted in gain and offset and miss pixels."""

import math
from typing import Any
from typing import NamedTuple

import numpy
from numpy.typing import NDArray

# What the MSE of two standardised images is when they have nothing to do with each other.
UNRELATED = 2.0

# Fewer common pixels than this, or than a quarter of the image, say nothing.
_MIN_PIXELS = 100

# Images are on the scale 0 to 1 in float32: a smaller variance is rounding.
_MIN_VARIANCE = 1e-12

# Rows that are summed at a time, so that their float64 copies stay in the processor's cache.
_SLAB_ROWS = 32


class Comparison(NamedTuple):
    """What two images have in common.

    :param mse: MSE of the standardised images, 0 (equal but for gain and offset) to 4 (inverted);
        NaN when they cannot be compared.
    :param overlap: fraction of the pixels that are finite in both images.
    """

    mse: float
    overlap: float


def compare(a: NDArray[numpy.floating[Any]], b: NDArray[numpy.floating[Any]]) -> Comparison:
    """Standardised MSE of two images over the pixels that are finite in both.

    Both images are brought to mean 0 and variance 1 over those pixels. Their MSE then is
    ``2 (1 - r)`` with r the Pearson correlation coefficient.

    :param a: shape `(H, W)`, about on the scale 0 to 1.
    :param b: likewise, of the same shape.
    :returns: the MSE is NaN when fewer than ``min(100, H W / 4)`` pixels are finite in both
        images or one of the images is constant there.
    """
    count = 0
    sums = numpy.zeros(2)
    products = numpy.zeros(3)
    for start in range(0, a.shape[0], _SLAB_ROWS):
        rows = slice(start, start + _SLAB_ROWS)
        # Around the middle of the scale, where the sums of squares stay small.
        x = numpy.subtract(a[rows], 0.5, dtype=numpy.float64).ravel()
        y = numpy.subtract(b[rows], 0.5, dtype=numpy.float64).ravel()
        count += x.size
        here = x.sum(), y.sum()
        if not numpy.isfinite(here).all():
            missing = ~(numpy.isfinite(x) & numpy.isfinite(y))
            count -= int(numpy.count_nonzero(missing))
            # Zeros add nothing; taking the pixels out would cost more than all the sums.
            x[missing] = 0
            y[missing] = 0
            here = x.sum(), y.sum()
        sums += here
        # Not `@`: the sum of a BLAS product depends on the number of threads it runs on.
        products += [numpy.einsum("i,i", *pair) for pair in ((x, x), (x, y), (y, y))]
    overlap = count / a.size if a.size else 0.0
    if count < max(1, min(_MIN_PIXELS, a.size / 4)):
        return Comparison(numpy.nan, overlap)
    means = sums / count
    variance_a, covariance, variance_b = products / count - means[[0, 0, 1]] * means[[0, 1, 1]]
    if min(variance_a, variance_b) < _MIN_VARIANCE:
        return Comparison(numpy.nan, overlap)
    correlation = covariance / math.sqrt(variance_a * variance_b)
    return Comparison(max(0.0, 2 * (1 - float(correlation))), overlap)
