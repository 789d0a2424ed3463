"""The interface of the kernels, and the steps around the inner loops that they share."""

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

# Outliers (hot pixels, cosmic rays) are clipped: this fraction of the pixels at each end.
_CLIPPED = 0.01

# The limits of a large image are estimated from this many pixels: 1 % is known within 0.08 %.
_SAMPLE_SIZE = 16_384
_LARGEST_SAMPLE = 2 * _SAMPLE_SIZE

# If fewer pixels of the sample than this are valid, all valid pixels are used.
_SMALLEST_SAMPLE = 4_096

# A range that is smaller than this, or larger than its inverse, is scaled in float64.
_SMALLEST_SPAN = 1e-30

# Images are not compared if they have fewer valid pixels in common than this, or than a quarter of
# the image.
_MIN_PIXELS = 100

# Images have a range of 1 in float32: a smaller variance, absolute or relative to the mean square,
# is a rounding error.
_MIN_VARIANCE = 1e-12

# Squares are summed in float32 along a row, within 1e-7 of the sum. If the variance is a smaller
# fraction of the mean square than this, they are summed again about the means.
_MIN_VARIANCE_OF_SQUARES = 0.05


class Prepared(NamedTuple):
    """An image that is ready to be compared.

    :param pixels: shape `(H, W)`, with a range of about 1; invalid pixels are NaN.
    :param invalid: number of invalid pixels.
    :param infinite: number of these that were infinite.
    """

    pixels: FloatImage
    invalid: int
    infinite: int

    @classmethod
    def of(cls, pixels: FloatImage) -> Prepared:
        """Wrap an image that needs no preparation; pixels that are not finite are invalid."""
        valid = numpy.isfinite(pixels)
        if valid.all():
            return cls(pixels, 0, 0)
        pixels = numpy.where(valid, pixels, pixels.dtype.type(numpy.nan))
        return cls(pixels, int(valid.size - numpy.count_nonzero(valid)), 0)

    def subtract(self, value: float) -> Prepared:
        return self._replace(pixels=self.pixels - self.pixels.dtype.type(value))


class Scale(NamedTuple):
    """How pixels are normalized, in float32 or float64: clipped to `low` and `high`, then
    ``(x - center) * factor``."""

    low: numpy.floating[Any]
    high: numpy.floating[Any]
    center: numpy.floating[Any]
    factor: numpy.floating[Any]


class Comparison(NamedTuple):
    """How similar two images are.

    :param mse: MSE of the standardized images, from 0 (equal except for gain and offset) to 4
        (inverted); NaN if they cannot be compared.
    :param overlap: fraction of the pixels that are valid in both images.
    """

    mse: float
    overlap: float


class Linearization(NamedTuple):
    """The normal equations of the least-squares problem that aligns an image with the reference
    image by small displacements of the reference image.

    The displacement is ``(p0 + p2 u + p3 v, p1 + p4 u + p5 v)`` px along rows and columns, where u
    and v are the row and column relative to the image center, divided by half the length of the
    longer side. To first order it changes the reference image by ``sum(p[k] f[k])``, where the f
    are the products of its gradient with 1, u and v. All sums are about the means.

    :param number: number of pixels that are used: valid in both images, with valid neighbors in the
        reference image.
    :param r: Pearson correlation coefficient; NaN if the images cannot be compared.
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
    """Prepares images, compares them, and linearizes their difference.

    :param smooth: ``smooth(pixels, scale, out)`` clips and scales pixels, writes the result of the
        binomial filter to `out` and returns the numbers of invalid and of infinite pixels.
    :param sum_products: ``sum_products(reference, image, matrix)`` resamples the image with the
        matrix (None: does not resample) and returns, for the pixels that are valid in both images,
        their number and the sums of a, b, a a, a b and b b, where a is the reference and b the
        image.
    :param sum_gradients: ``sum_gradients(reference, image, matrix, number)`` resamples the image
        with the matrix and returns the sums of the products of all pairs of 1, a, b and the first
        `number` (2 or 6) of the f in :class:`Linearization` over the pixels that are used there,
        shape `(3 + number, 3 + number)`.
    """

    name: str
    smooth: Callable[[NDArray[Any], Scale, NDArray[numpy.float32]], tuple[int, int]]
    sum_products: Callable[[Prepared, Prepared, Matrix | None], NDArray[numpy.float64]]
    sum_gradients: Callable[[Prepared, Prepared, Matrix, int], NDArray[numpy.float64]]

    def prepare(self, pixels: NDArray[Any], out: NDArray[numpy.float32] | None = None) -> Prepared:
        """Clip outliers, normalize and slightly smooth an image.

        The image is clipped to its 1st and 99th percentiles (to its full range if these are equal),
        scaled so that this range is 1 and the mean is about 0, and smoothed with a binomial filter
        with a standard deviation of 1 px: weights 1, 4, 6, 4, 1 (divided by 16) along rows and
        columns, over the valid pixels, with the image mirrored at its edges (d c b a | a b c d).
        The reason for smoothing: interpolation between pixels averages noise, which would reward
        every sub-pixel shift; noise that is already smooth is not averaged much further.

        Each image is scaled on its own. The comparison does not depend on gain and offset, so this
        does not change it; no other images are needed, and a stack that becomes darker or brighter
        is treated better than with one scale for all images.

        :param pixels: shape `(H, W)`, real numbers in native byte order.
        :param out: array for the result, shape `(H, W)`; by default a new one.
        :returns: the image in float32, 0 if it was constant. It is within 1e-5 of the exact
            formula, except that the percentiles are estimated for more than 32 768 pixels.
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
        # Computed in the type of the pixels, to preserve the contrast on top of a large offset.
        factor = 1 / (high - low) if high > low else 0.0
        scale = Scale(*(working.type(value) for value in (low, high, center, factor)))
        invalid, infinite = self.smooth(pixels, scale, out)
        return Prepared(out, invalid, infinite)

    def halve(self, image: Prepared) -> Prepared:
        """Smooth a prepared image and keep every second row and column."""
        smoothed = numpy.empty(image.pixels.shape, dtype=numpy.float32)
        everything = Scale(*(numpy.float32(each) for each in (-numpy.inf, numpy.inf, 0, 1)))
        self.smooth(image.pixels, everything, smoothed)
        return Prepared.of(numpy.ascontiguousarray(smoothed[::2, ::2]))

    def compare(
        self, reference: Prepared, image: Prepared, matrix: Matrix | None = None
    ) -> Comparison:
        """Compute the standardized MSE of two images over the pixels that are valid in both.

        Both images are standardized to mean 0 and variance 1 over these pixels. Their MSE is then
        ``2 (1 - r)``, where r is the Pearson correlation coefficient, for images also called
        zero-normalized cross-correlation.

        :param reference: shape `(H, W)`.
        :param image: the same shape. With a `matrix`, it is first resampled with linear
            interpolation, ``aligned[p] = image[matrix p]``.
        :param matrix: shape `(3, 3)`, passive, (row, column) order. If it is not finite, no pixel
            comes from inside the image.
        :returns: values within 1e-5 of the exact formula. The MSE is NaN if fewer than
            ``min(100, H W / 4)`` pixels are valid in both images, or one of them is constant there.
        """
        moments = _Moments.of(self.sum_products(reference, image, matrix))
        means = moments.mean_a, moments.mean_b
        if moments.smallest_share() < _MIN_VARIANCE_OF_SQUARES:
            reference, image = reference.subtract(means[0]), image.subtract(means[1])
            moments = _Moments.of(self.sum_products(reference, image, matrix))
        size = reference.pixels.size
        overlap = moments.number / size if size else 0.0
        if _too_few(moments.number, size) or moments.is_constant(means):
            return Comparison(math.nan, overlap)
        r = moments.covariance / math.sqrt(moments.variance_a * moments.variance_b)
        return Comparison(max(0.0, 2 * (1 - r)), overlap)

    def linearize(
        self, reference: Prepared, image: Prepared, matrix: Matrix, parameters: int
    ) -> Linearization:
        """Compute the normal equations of one Gauss-Newton step that aligns an image with the
        reference image (inverse compositional: the reference image is the one that is displaced).

        The gradient is the central difference; the outermost pixels have none and are not used.

        :param reference: shape `(H, W)`.
        :param image: the same shape. It is resampled with linear interpolation,
            ``aligned[p] = image[matrix p]``.
        :param matrix: shape `(3, 3)`, passive, (row, column) order.
        :param parameters: 2 for translations, 6 for affine transformations.
        :returns: the equations. If :meth:`compare` gives no MSE, `r` is NaN and the rest is 0.
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
    """Means and covariances of two images over their common valid pixels."""

    number: int
    mean_a: float
    mean_b: float
    variance_a: float
    covariance: float
    variance_b: float

    @classmethod
    def of(cls, sums: NDArray[numpy.float64]) -> _Moments:
        number, *totals = sums.tolist()
        a, b, aa, ab, bb = (each / max(number, 1.0) for each in totals)
        return cls(int(number), a, b, aa - a * a, ab - a * b, bb - b * b)

    def smallest_share(self) -> float:
        """Return the smaller of the two variances relative to their mean squares."""
        a = self.variance_a / max(self.variance_a + self.mean_a**2, _MIN_VARIANCE)
        b = self.variance_b / max(self.variance_b + self.mean_b**2, _MIN_VARIANCE)
        return min(a, b)

    def is_constant(self, means: tuple[float, float]) -> bool:
        """Whether a variance may consist of rounding errors only.

        :param means: of the images before anything was subtracted from them.
        """
        a, b = (_MIN_VARIANCE * max(mean**2, 1.0) for mean in means)
        return self.variance_a < a or self.variance_b < b


def find_limits(pixels: NDArray[Any]) -> tuple[float, float, float]:
    """Estimate the limits of clipping and the mean of the clipped values."""
    values = pixels.ravel()
    step = 1 if values.size <= _LARGEST_SAMPLE else math.ceil(values.size / _SAMPLE_SIZE)
    # A step that divides the width would sample the same few columns in every row.
    while step > 1 and math.gcd(step, pixels.shape[1]) > 1:
        step += 1
    sample = _keep_valid(numpy.ascontiguousarray(values[::step]))
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
    """Compute what `numpy.percentile` does (linear), in a tenth of the time."""
    rank = _CLIPPED * (sample.size - 1)
    i = int(rank)
    smallest, largest = _find_tails(sample, min(i + 2, sample.size))
    low, next_low = float(smallest[i]), float(smallest[min(i + 1, sample.size - 1)])
    high, next_high = float(largest[-1 - i]), float(largest[max(-2 - i, -sample.size)])
    return low + (rank - i) * (next_low - low), high + (rank - i) * (next_high - high)


def _find_tails(sample: NDArray[Any], count: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Find the `count` smallest and the `count` largest values, both sorted."""
    # Some of the values show roughly where the tails end: this is five times faster than sorting
    # or partitioning all of them, if the values are new (branches are predicted well otherwise).
    rough = numpy.sort(sample[:: max(1, sample.size // 1024)])
    edge = min(int(3 * count / sample.size * rough.size), rough.size - 1)
    lower, upper = sample[sample <= rough[edge]], sample[sample >= rough[-1 - edge]]
    if min(lower.size, upper.size) < count:
        lower = upper = sample
    return numpy.sort(lower)[:count], numpy.sort(upper)[-count:]
