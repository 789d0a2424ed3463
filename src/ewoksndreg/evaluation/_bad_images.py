"""Images that show something else than the other images of their stack."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy
from numpy.typing import NDArray

# Stacks whose images resemble each other less than this show hardly anything.
_LEAST_USUAL = 0.3


def find_suspects(
    correlation: NDArray[numpy.float64],
    failed: NDArray[numpy.bool_],
    references: Sequence[int],
    *,
    least_drop: float,
) -> list[int]:
    """Images that resemble the reference images much less than is usual in their stack, and the
    reference images.

    :param correlation: largest correlation coefficient of each image, over registrations and
        reference images, shape `(N,)`; NaN where there is none.
    :param failed: images that have no transformation, shape `(N,)`. Nothing is known of them.
    """
    # What cannot be compared has nothing in common.
    largest = numpy.nan_to_num(correlation)
    suspect = largest < (1 - least_drop) * _find_usual(largest[~failed])
    suspect[list(references)] = True
    return [int(n) for n in numpy.flatnonzero(suspect & ~failed)]


def find_bad_images(
    suspects: Sequence[int],
    correlation: NDArray[numpy.float64],
    neighbor: NDArray[numpy.float64],
    *,
    least_drop: float,
) -> tuple[int, ...]:
    """Suspects that do not resemble the image before them nor the one after them either.

    Their largest correlation coefficient is `least_drop` below what is usual in the stack: the
    median of the better two thirds of the images, with the reference images or, if that is more,
    with the one before.

    :param suspects: what :func:`find_suspects` found.
    :param correlation: what it was given.
    :param neighbor: of each image with the one before it, shape `(N,)`; NaN where there is none.
    """
    largest = numpy.nan_to_num(correlation)
    around = numpy.fmax(neighbor, numpy.append(neighbor[1:], numpy.nan))
    usual = max(_find_usual(largest), _find_usual(neighbor[numpy.isfinite(neighbor)]))
    limit = (1 - least_drop) * usual
    return tuple(n for n in suspects if largest[n] < limit and not around[n] >= limit)


def _find_usual(correlation: NDArray[numpy.float64]) -> float:
    """Of a stack that shows hardly anything, less than any image has."""
    better = numpy.sort(correlation)[len(correlation) // 3 :]
    usual = float(numpy.median(better)) if better.size else 0.0
    return usual if usual >= _LEAST_USUAL else -math.inf
