"""Find images with an unusually large error."""

from __future__ import annotations

import math

import numpy
from numpy.typing import NDArray

# The standard deviation of normally distributed numbers, relative to their MAD.
_NORMAL = 1.4826

_DEVIATIONS = 5

# One percent of the error of the unaligned images. Smaller differences do not matter, even if all
# images are nearly equal and the MAD is 0.
_SMALLEST_SPREAD = 0.01


def outlier_limit(relative_error: NDArray[numpy.float64]) -> float:
    """Compute the relative error above which an image is aligned much worse than the others of its
    stack.

    This is the median plus 5 robust standard deviations, where the robust standard deviation is
    1.4826 times the median absolute deviation (MAD), and at least 0.01.

    :param relative_error: relative error of each image of one stack with one registration, shape
        `(N,)`; NaN for the reference image, which is ignored.
    :returns: the limit; NaN if no image has an error.

    >>> import numpy
    >>> from ewoksndreg.evaluation import outlier_limit
    >>> round(outlier_limit(numpy.array([numpy.nan, 0.2, 0.21, 0.2, 0.9, 0.19])), 3)
    0.274
    """
    known = relative_error[numpy.isfinite(relative_error)]
    if known.size == 0:
        return math.nan
    median = float(numpy.median(known))
    deviation = _NORMAL * float(numpy.median(numpy.abs(known - median)))
    return median + _DEVIATIONS * max(deviation, _SMALLEST_SPREAD)


def find_outliers(relative_error: NDArray[numpy.float64]) -> list[int]:
    """Find the images whose relative error is larger than :func:`outlier_limit`.

    >>> import numpy
    >>> from ewoksndreg.evaluation import find_outliers
    >>> find_outliers(numpy.array([numpy.nan, 0.2, 0.21, 0.2, 0.9, 0.19]))
    [4]
    """
    return [int(n) for n in numpy.flatnonzero(relative_error > outlier_limit(relative_error))]
