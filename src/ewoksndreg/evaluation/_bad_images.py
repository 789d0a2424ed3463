"""Images that show something else than the other images of their stack."""

from __future__ import annotations

import numpy
from numpy.typing import NDArray

# Stacks whose images resemble each other less than this show hardly anything.
_LEAST_USUAL = 0.3


def find_bad_images(
    correlation: NDArray[numpy.float64],
    neighbor: NDArray[numpy.float64],
    failed: NDArray[numpy.bool_],
    *,
    least_drop: float,
) -> tuple[int, ...]:
    """Images whose largest correlation coefficient is `least_drop` below what is usual in the
    stack: the median of the better two thirds of the images.

    :param correlation: of each image with a reference image, the largest over registrations and
        reference images, shape `(N,)`; NaN where it is not known.
    :param neighbor: of each image with the one before it, shape `(N,)`, likewise.
    :param failed: images that have no transformation, shape `(N,)`. Nothing is known of them.
    """
    after = numpy.append(neighbor[1:], numpy.nan)
    # What cannot be compared has nothing in common.
    largest = numpy.nan_to_num(numpy.fmax(numpy.fmax(correlation, neighbor), after))
    known = largest[~failed]
    better = numpy.sort(known)[len(known) // 3 :]
    usual = numpy.median(better)
    if usual < _LEAST_USUAL:
        return ()
    bad = ~failed & (largest < (1 - least_drop) * usual)
    return tuple(numpy.flatnonzero(bad).tolist())
