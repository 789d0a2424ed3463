"""Find images that do not show the same as the other images of their stack."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy
from numpy.typing import NDArray

# The smallest correlation coefficient of the images of a stack that is not nearly empty.
_LEAST_USUAL = 0.3


def find_suspects(
    correlation: NDArray[numpy.float64],
    failed: NDArray[numpy.bool_],
    references: Sequence[int],
    *,
    least_drop: float,
) -> list[int]:
    """Find the images that resemble the reference images much less than usual in their stack, and
    the reference images.

    :param correlation: largest correlation coefficient of each image, over registrations and
        reference images, shape `(N,)`; NaN if there is none.
    :param failed: mask of the images without a transformation, shape `(N,)`, which are never bad.
    """
    # Images that cannot be compared have nothing in common.
    largest = numpy.nan_to_num(correlation)
    suspect = largest < (1 - least_drop) * _find_usual(largest[~failed])
    suspect[list(references)] = True
    if numpy.isnan(correlation).all():  # a dead reference image says nothing about the others
        suspect[:] = True
    return [int(n) for n in numpy.flatnonzero(suspect & ~failed)]


def find_bad_images(
    suspects: Sequence[int],
    correlation: NDArray[numpy.float64],
    neighbor: NDArray[numpy.float64],
    *,
    least_drop: float,
) -> tuple[int, ...]:
    """Find the suspects that do not resemble the previous or the next image either.

    Their largest correlation coefficient is lower than the usual one by the fraction `least_drop`.
    The usual one is the median of the better two thirds of the images, either with the reference
    images or with the previous image, whichever is larger.

    :param suspects: the result of :func:`find_suspects`.
    :param correlation: see :func:`find_suspects`.
    :param neighbor: correlation coefficient of each image with the previous one, shape `(N,)`; NaN
        if there is none.
    """
    largest = numpy.nan_to_num(correlation)
    around = numpy.fmax(neighbor, numpy.append(neighbor[1:], numpy.nan))
    usual = max(_find_usual(largest), _find_usual(neighbor[numpy.isfinite(neighbor)]))
    limit = (1 - least_drop) * usual
    return tuple(n for n in suspects if largest[n] < limit and not around[n] >= limit)


def _find_usual(correlation: NDArray[numpy.float64]) -> float:
    """Find the usual correlation coefficient of a stack; if the stack is nearly empty, a value
    below that of any image."""
    better = numpy.sort(correlation)[len(correlation) // 3 :]
    usual = float(numpy.median(better)) if better.size else 0.0
    return usual if usual >= _LEAST_USUAL else -math.inf
