"""What all kernels share: the steps around the inner loops."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from typing import NamedTuple

import numpy
from numpy.typing import NDArray

from .._pixels import floating_type
from .._typing import FloatImage
from .._typing import Matrix

UNRELATED = 2.0
"""The standardized MSE of two unrelated images."""

# Outliers (hot pixels, cosmic rays) are clipped: this part of the pixels at both ends.
_CLIPPED = 0.01

# From so many pixels of a large image its limits are estimated: 1 % is known within 0.08 %.
_SAMPLE_SIZE = 16_384
_LARGEST_SAMPLE = 2 * _SAMPLE_SIZE

# Where invalid pixels leave fewer of the sample than this, all valid pixels are used.
_SMALLEST_SAMPLE = 4_096

# What is smaller, or larger than the inverse, is scaled in float64.
_SMALLEST_SPAN = 1e-30

# Fewer common pixels than this, or than a quarter of the image, are not compared.
_MIN_PIXELS = 100

# Images have a range of 1 in float32: a smaller variance is rounding, and so is one that is a
# smaller part of the mean square.
_MIN_VARIANCE = 1e-12

# Squares are summed in float32 along a row, to 1e-7 of the sum. Where the variance is a smaller
# part of the mean square than this, they are summed again about the means.
_MIN_VARIANCE_OF_SQUARES = 0.05


class Prepared(NamedTuple):
    """An image that can be compared.

    :param pixels: shape `(H, W)`, with a range of about 1; invalid pixels are NaN.
    :param invalid: how many pixels are invalid.
    :param infinite: how many of these were infinite.
    """

    pixels: FloatImage
    invalid: int
    infinite: int

    @classmethod
    def of(cls, pixels: FloatImage) -> Prepared:
        """An image that needs no preparation; where a pixel is not finite it is invalid."""
        valid = numpy.isfinite(pixels)
        if valid.all():
            return cls(pixels, 0, 0)
        pixels = numpy.where(valid, pixels, pixels.dtype.type(numpy.nan))
        return cls(pixels, int(valid.size - numpy.count_nonzero(valid)), 0)


class Scale(NamedTuple):
    """How pixels are brought to one scale, in float32 or float64: ``(x - center) * factor`` after
    clipping to `low` and `high`."""

    low: numpy.floating[Any]
    high: numpy.floating[Any]
    center: numpy.floating[Any]
    factor: numpy.floating[Any]


class Comparison(NamedTuple):
    """What two images have in common.

    :param mse: MSE of the standardized images, 0 (equal but for gain and offset) to 4 (inverted);
        NaN where they cannot be compared.
    :param overlap: fraction of the pixels that are valid in both images.
    """

    mse: float
    overlap: float


class Linearization(NamedTuple):
    """How two images, and their difference, change when the reference image is moved a little.

    Its pixels are moved by ``(p0 + p2 u + p3 v, p1 + p4 u + p5 v)`` px along rows and columns,
    where u and v are row and column from the center of the image, over half of its longer side. To
    first order this changes it by ``sum(p[k] f[k])``, where the f are the products of its gradient
    with 1, u and v. All sums are about the means over the pixels that count.

    :param number: of the pixels that count: those that are valid in both images, with neighbors of
        the reference image that are valid.
    :param r: Pearson correlation coefficient; NaN where the images cannot be compared.
    :param normal: ``sum(f[k] f[l]) / (number variance)`` with the variance of the reference image,
        shape `(P, P)` for P parameters.
    :param right: ``sum(f[k] (gain image - reference)) / (number variance)``, shape `(P,)`, with the
        gain that makes the image most similar to the reference image.
    """

    number: int
    r: float
    normal: NDArray[numpy.float64]
    right: NDArray[numpy.float64]


@dataclass(frozen=True)
class Kernel:
    """Prepares images, compares them, and says how to make them more similar.

    :param smooth: ``smooth(pixels, scale, out)`` clips and scales pixels, applies the binomial
        filter into `out` and returns the numbers of invalid and of infinite pixels.
    :param sum_products: ``sum_products(reference, image, matrix, pivots)`` resamples the image with
        the affine matrix (None: not at all) and returns, over the pixels that are valid in both,
        their number and the sums of a, b, a a, a b and b b, where a is the reference less the first
        pivot and b the image less the second one.
    :param sum_gradients: ``sum_gradients(reference, image, matrix, number)`` resamples the image
        with the matrix and returns, over the pixels that count, the sums of the products of all
        pairs of 1, a, b and the first `number` (2 or 6) of the f in :class:`Linearization`, shape
        `(3 + number, 3 + number)`.
    """

    name: str
    smooth: Callable[[NDArray[Any], Scale, NDArray[numpy.float32]], tuple[int, int]]
    sum_products: Callable[
        [Prepared, Prepared, Matrix | None, tuple[float, float]], NDArray[numpy.float64]
    ]
    sum_gradients: Callable[[Prepared, Prepared, Matrix, int], NDArray[numpy.float64]]

    def prepare(self, pixels: NDArray[Any], out: NDArray[numpy.float32] | None = None) -> Prepared:
        """Bring an image to one scale, without outliers, a little smoothed.

        The image is clipped to its 1st to 99th percentile (to its full range where these coincide),
        scaled so that this range is 1 and the mean about 0, and smoothed with a binomial filter of
        standard deviation 1 px, weights 1, 4, 6, 4, 1 (over 16) along rows and along columns, over
        the valid pixels; the image is mirrored at its edges (d c b a | a b c d). Interpolation
        between pixels averages noise, which would reward every sub-pixel shift; noise that is
        smoothed already cannot be averaged much further.

        Every image is scaled by itself. The comparison sees no gain and no offset, so this does not
        disturb it; it needs no other images, and it suits a stack that fades or brightens
        better than one scale for the whole stack.

        :param pixels: shape `(H, W)`, real numbers in the byte order of this machine.
        :param out: for the result, shape `(H, W)`; None makes a new one.
        :returns: in float32. A constant image is 0. An image is prepared within 1e-5 of the exact
            formula but for the percentiles, which are estimated for more than 32 768 pixels.
        """
        if out is None:
            out = numpy.empty(pixels.shape, dtype=numpy.float32)
        working = floating_type(pixels.dtype)
        if pixels.dtype.kind == "f":  # float16 and long double have no loops of their own
            pixels = pixels.astype(working, copy=False)
        low, high, center = find_limits(pixels)
        if not _SMALLEST_SPAN < high - low < 1 / _SMALLEST_SPAN:
            working = numpy.dtype(numpy.float64)
            pixels = pixels.astype(working, copy=False)
        # In the type of the pixels, so that a large offset does not drown the contrast.
        factor = 1 / (high - low) if high > low else 0.0
        scale = Scale(*(working.type(value) for value in (low, high, center, factor)))
        invalid, infinite = self.smooth(pixels, scale, out)
        return Prepared(out, invalid, infinite)

    def halve(self, image: Prepared) -> Prepared:
        """An image with every second row and column of a prepared image, smoothed before."""
        smoothed = numpy.empty(image.pixels.shape, dtype=numpy.float32)
        everything = Scale(*(numpy.float32(each) for each in (-numpy.inf, numpy.inf, 0, 1)))
        self.smooth(image.pixels, everything, smoothed)
        return Prepared.of(numpy.ascontiguousarray(smoothed[::2, ::2]))

    def compare(
        self, reference: Prepared, image: Prepared, matrix: Matrix | None = None
    ) -> Comparison:
        """Standardized MSE of two images over the pixels that are valid in both.

        Both images are brought to mean 0 and variance 1 over those pixels. Their MSE then is
        ``2 (1 - r)``, with r the Pearson correlation coefficient, which for images is called
        zero-normalized cross-correlation.

        :param reference: shape `(H, W)`.
        :param image: of the same shape. Where there is a `matrix` it is resampled first, with
            linear interpolation, ``aligned[p] = image[matrix p]``.
        :param matrix: shape `(3, 3)`, passive, (row, column) order. Where it is not finite, no
            pixel comes from inside the image.
        :returns: within 1e-5 of the exact formula. The MSE is NaN when fewer than
            ``min(100, H W / 4)`` pixels are valid in both images, or one of them is constant there.
        """
        size = reference.pixels.size
        pivots = (0.0, 0.0)
        moments = _Moments.of(self.sum_products(reference, image, matrix, pivots))
        if moments.smallest_share() < _MIN_VARIANCE_OF_SQUARES:
            pivots = (moments.mean_a, moments.mean_b)
            moments = _Moments.of(self.sum_products(reference, image, matrix, pivots))
        overlap = moments.number / size if size else 0.0
        if _too_few(moments.number, size) or moments.is_constant(pivots):
            return Comparison(math.nan, overlap)
        r = moments.covariance / math.sqrt(moments.variance_a * moments.variance_b)
        return Comparison(max(0.0, 2 * (1 - r)), overlap)

    def linearize(
        self, reference: Prepared, image: Prepared, matrix: Matrix, parameters: int
    ) -> Linearization:
        """What a step of the Gauss-Newton method needs that aligns an image with the reference
        image (inverse compositional: it is the reference image that is moved a little).

        The gradient is the central difference; the outermost pixels have none and do not count.

        :param reference: shape `(H, W)`.
        :param image: of the same shape. It is resampled with linear interpolation,
            ``aligned[p] = image[matrix p]``.
        :param matrix: shape `(3, 3)`, passive, (row, column) order.
        :param parameters: 2 for translations, 6 for affine transformations.
        :returns: `r` is NaN, and the rest 0, where :meth:`compare` has no MSE.
        """
        sums = self.sum_gradients(reference, image, matrix, parameters)
        number = int(sums[0, 0])
        if not _too_few(number, reference.pixels.size):
            mean = sums[0, 1:] / number
            products = sums[1:, 1:] / number - numpy.outer(mean, mean)
            a, b = products[0, 0], products[1, 1]
            if min(a / max(mean[0] ** 2, 1.0), b / max(mean[1] ** 2, 1.0)) >= _MIN_VARIANCE:
                gain = products[0, 1] / b
                right = (gain * products[2:, 1] - products[2:, 0]) / a
                r = float(products[0, 1] / math.sqrt(a * b))
                return Linearization(number, r, products[2:, 2:] / a, right)
        nothing = numpy.zeros((parameters, parameters))
        return Linearization(number, math.nan, nothing, nothing[0])


def _too_few(number: int, size: int) -> bool:
    """Whether so few of the pixels of an image say nothing."""
    return number < max(1, min(_MIN_PIXELS, size / 4))


class _Moments(NamedTuple):
    """Of two images, over their common pixels."""

    number: int
    mean_a: float
    mean_b: float
    variance_a: float
    covariance: float
    variance_b: float

    @classmethod
    def of(cls, sums: NDArray[numpy.float64]) -> _Moments:
        count, *totals = (float(each) for each in sums)
        a, b, aa, ab, bb = (each / max(count, 1.0) for each in totals)
        return cls(int(count), a, b, aa - a * a, ab - a * b, bb - b * b)

    def smallest_share(self) -> float:
        """The smaller one of the two variances, as a part of the mean square."""
        return min(
            variance / max(variance + mean**2, _MIN_VARIANCE)
            for variance, mean in (
                (self.variance_a, self.mean_a),
                (self.variance_b, self.mean_b),
            )
        )

    def is_constant(self, pivots: tuple[float, float]) -> bool:
        """Whether a variance may be rounding errors only."""
        return any(
            variance < _MIN_VARIANCE * max((mean + pivot) ** 2, 1.0)
            for variance, mean, pivot in (
                (self.variance_a, self.mean_a, pivots[0]),
                (self.variance_b, self.mean_b, pivots[1]),
            )
        )


def find_limits(pixels: NDArray[Any]) -> tuple[float, float, float]:
    """The range of values that is not clipped, and about the mean of the clipped values."""
    values = pixels.ravel()
    step = 1 if values.size <= _LARGEST_SAMPLE else math.ceil(values.size / _SAMPLE_SIZE)
    # A step that divides the width would look at the same few columns of every row.
    while step > 1 and math.gcd(step, pixels.shape[1]) > 1:
        step += 1
    sample = _keep_valid(values[::step])
    if sample.size < min(_SMALLEST_SAMPLE, values.size):
        sample = _keep_valid(values)
    if sample.size == 0:
        return 0.0, 0.0, 0.0
    low, high = _find_percentiles(sample)
    if low == high:
        values = _keep_valid(values)
        low, high = float(values.min()), float(values.max())
    center = float(numpy.clip(sample, low, high).mean(dtype=numpy.float64))
    return low, high, min(max(center, low), high)


def _keep_valid(values: NDArray[Any]) -> NDArray[Any]:
    if values.dtype.kind != "f":
        return values
    valid = numpy.isfinite(values)
    return values if valid.all() else values[valid]


def _find_percentiles(sample: NDArray[Any]) -> tuple[float, float]:
    """As `numpy.percentile` (linear between the values), which takes ten times longer."""
    rank = _CLIPPED * (sample.size - 1)
    i = int(rank)
    smallest, largest = _find_tails(sample, min(i + 2, sample.size))
    low, next_low = float(smallest[i]), float(smallest[min(i + 1, sample.size - 1)])
    high, next_high = float(largest[-1 - i]), float(largest[max(-2 - i, -sample.size)])
    return low + (rank - i) * (next_low - low), high + (rank - i) * (next_high - high)


def _find_tails(sample: NDArray[Any], count: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """The `count` smallest and the `count` largest values, both sorted."""
    # A few of the values show roughly where the tails end: this is five times faster than sorting
    # or partitioning them all.
    rough = numpy.sort(sample[:: max(1, sample.size // 1024)])
    edge = min(int(3 * count / sample.size * rough.size), rough.size - 1)
    lower, upper = sample[sample <= rough[edge]], sample[sample >= rough[-1 - edge]]
    if min(lower.size, upper.size) < count:
        lower = upper = sample
    return numpy.sort(lower)[:count], numpy.sort(upper)[-count:]
