"""Which images stand out."""

from __future__ import annotations

import numpy
from numpy.typing import NDArray

# The MAD of normally distributed numbers times this is their standard deviation.
_NORMAL = 1.4826

_DEVIATIONS = 5

# One per cent of the error that there is to remove: what differs by less does not matter, also
# where all images are nearly equal and the MAD is nothing.
_SMALLEST_SPREAD = 0.01


def standing_out(relative_mse: NDArray[numpy.float64]) -> list[int]:
    """Images that are aligned much worse than the others of their stack.

    Those whose relative MSE lies more than 5 robust standard deviations above the median, both
    over the images from the second on. The robust standard deviation is 1.4826 times the median
    absolute deviation (MAD), and at least 0.01.

    :param relative_mse: of each image of one stack under one list, shape `(N,)`. The first image
        is what the others are compared with; it never stands out, nor does what is NaN.
    """
    others = relative_mse[1:]
    known = others[numpy.isfinite(others)]
    if known.size == 0:
        return []
    median = numpy.median(known)
    spread = max(_NORMAL * float(numpy.median(numpy.abs(known - median))), _SMALLEST_SPREAD)
    return [1 + int(n) for n in numpy.flatnonzero(others > median + _DEVIATIONS * spread)]
