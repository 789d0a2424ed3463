"""Find images that are aligned much worse than the others of their stack, and images that resemble
no other image of it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy
from numpy.typing import NDArray

from ._ranking import Comparisons
from ._result import Limits

# The standard deviation of normally distributed numbers, relative to their MAD.
_NORMAL = 1.4826

_DEVIATIONS = 5

# One percent of the error of the unaligned images. Smaller differences do not matter, even if all
# images are nearly equal and the MAD is 0.
_SMALLEST_SPREAD = 0.01

# The smallest correlation coefficient of the images of a stack that is not nearly empty.
_LEAST_USUAL = 0.3


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


def find_largest_correlation(comparisons: Comparisons) -> NDArray[numpy.float64]:
    """Find the largest correlation coefficient of each image with a reference image, over
    registrations and reference images, shape `(S, N)`; for a reference image, the largest one with
    any other image. NaN if there is none."""
    references, names = comparisons.references, comparisons.candidates.stack_names
    correlation = numpy.fmax.reduce(1 - comparisons.aligned_mse / 2)
    correlation = correlation.reshape(len(references), len(names), -1)
    for q, reference in enumerate(references):
        correlation[q, :, reference] = numpy.fmax.reduce(correlation[q], axis=1)
    return numpy.asarray(numpy.fmax.reduce(correlation, axis=0))


def find_suspects(
    correlation: NDArray[numpy.float64],
    excluded: NDArray[numpy.bool_],
    references: Sequence[int],
    limits: Limits,
) -> NDArray[numpy.bool_]:
    """Find the images that resemble the reference images much less than usual in their stack, and
    the reference images, shape `(N,)`.

    :param correlation: of one stack, see :func:`find_largest_correlation`, shape `(N,)`.
    :param excluded: images that are never bad, such as those without a transformation.
    """
    # Images that cannot be compared have nothing in common.
    largest = numpy.nan_to_num(correlation)
    suspects = largest < (1 - limits.bad_image) * _find_usual(largest[~excluded])
    suspects[list(references)] = True
    if numpy.isnan(correlation).all():  # a dead reference image says nothing about the others
        suspects[:] = True
    return numpy.asarray(suspects & ~excluded)


def find_bad_images(
    suspects: NDArray[numpy.bool_],
    correlation: NDArray[numpy.float64],
    neighbor: NDArray[numpy.float64],
    limits: Limits,
) -> NDArray[numpy.bool_]:
    """Find the suspects that do not resemble the previous or the next image either, shape `(N,)`.

    Their largest correlation coefficient is lower than the usual one by a fraction. The usual
    one is the median of the better two thirds of the images, either with the reference images or
    with the previous image, whichever is larger.

    :param correlation: see :func:`find_suspects`.
    :param neighbor: correlation coefficient of each image with the previous one; NaN if there is
        none.
    """
    largest = numpy.nan_to_num(correlation)
    around = numpy.fmax(neighbor, numpy.append(neighbor[1:], numpy.nan))
    usual = max(_find_usual(largest), _find_usual(neighbor[numpy.isfinite(neighbor)]))
    limit = (1 - limits.bad_image) * usual
    return numpy.asarray(suspects & (largest < limit) & ~(around >= limit))


def _find_usual(correlation: NDArray[numpy.float64]) -> float:
    """Find the usual correlation coefficient of a stack; if the stack is nearly empty, a value
    below that of any image."""
    better = numpy.sort(correlation)[len(correlation) // 3 :]
    usual = float(numpy.median(better)) if better.size else 0.0
    return usual if usual >= _LEAST_USUAL else -math.inf
