"""Which images stand out."""

from __future__ import annotations

import math

import numpy
from numpy.typing import NDArray

# The MAD of normally distributed numbers times this is their standard deviation.
_NORMAL = 1.4826

_DEVIATIONS = 5

# One per cent of the error that there is to remove: what differs by less does not matter, also
# where all images are nearly equal and the MAD is nothing.
_SMALLEST_SPREAD = 0.01


def outlier_limit(relative_error: NDArray[numpy.float64]) -> float:
    """The relative error above which an image is aligned much worse than the others of its stack.

    The median plus 5 robust standard deviations. The robust standard deviation is 1.4826 times the
    median absolute deviation (MAD), and at least 0.01.

    :param relative_error: of each image of one stack under one registration, shape `(N,)`; NaN for
        the reference image, which says nothing.
    :returns: NaN where there is nothing to compare.
    """
    known = relative_error[numpy.isfinite(relative_error)]
    if known.size == 0:
        return math.nan
    median = float(numpy.median(known))
    deviation = _NORMAL * float(numpy.median(numpy.abs(known - median)))
    return median + _DEVIATIONS * max(deviation, _SMALLEST_SPREAD)


def find_outliers(relative_error: NDArray[numpy.float64]) -> list[int]:
    """Images whose relative error is more than :func:`outlier_limit`."""
    return [int(n) for n in numpy.flatnonzero(relative_error > outlier_limit(relative_error))]
