"""Bring images of any units to one scale before they are compared."""

import math
from collections.abc import Iterator
from typing import Any

import numpy
from numpy.typing import NDArray

from .._pixels import slabs
from .smoothing import smooth
from .smoothing import smooth_rows
from .smoothing import with_neighbours

# Outliers (hot pixels, cosmic rays) outside these percentiles of an image are clipped.
_PERCENTILES = (0.01, 0.99)

# Pixels from which the percentiles are estimated: enough for 1 % to be known within 0.06 %.
_SAMPLE_SIZE = 32_768

# What is smaller, or larger than the inverse, is scaled in float64.
_SMALLEST_SPAN = 1e-30


def prepare_image(
    pixels: NDArray[numpy.floating[Any]],
    missing: NDArray[numpy.bool_] | None,
    out: NDArray[numpy.float32],
) -> Iterator[slice]:
    """Bring an image on the scale 0 to 1, without outliers, a little smoothed.

    The image is clipped to its 1st to 99th percentile (to its full range where these coincide),
    scaled to [0, 1] and smoothed with a binomial filter of standard deviation 1 px
    (:func:`.smooth`) that ignores missing pixels. Interpolation between pixels averages noise,
    which would reward every sub-pixel shift; noise that is smoothed already cannot be averaged much
    further.

    Every image is scaled by itself. The standardised MSE sees no gain and no offset, so this does
    not disturb the comparison; it needs no look at the other images, and it serves a stack that
    fades or brightens better than one scale for the whole stack.

    :param pixels: shape `(H, W)`.
    :param missing: where they are not finite, shape `(H, W)`; None where all are finite.
    :param out: for the prepared image, shape `(H, W)`. Missing pixels are NaN and only they are. A
        constant image is 0.
    :returns: some rows after the others, as soon as they are prepared and while they are in the
        cache of the processor.
    """
    low, high = _limits(pixels.ravel() if missing is None else pixels[~missing], pixels.shape)
    if not _SMALLEST_SPAN < high - low < 1 / _SMALLEST_SPAN:
        pixels = pixels.astype(numpy.float64)
    if missing is not None:
        scaled, factor = _scaled(pixels, low, high)
        out[...] = _smoothed_around(scaled, missing, factor)
        yield from slabs(out.shape)
        return
    for rows in slabs(out.shape):
        scaled, factor = _scaled(pixels[with_neighbours(rows, len(out))], low, high)
        smooth_rows(scaled, factor, out[rows])
        yield rows


def _scaled(
    pixels: NDArray[numpy.floating[Any]], low: float, high: float
) -> tuple[NDArray[numpy.float32], float]:
    """Pixels clipped and brought to the scale 0 to 1 but for a factor."""
    # In the type of the pixels: an offset much larger than the contrast must not eat the contrast.
    scaled = numpy.clip(pixels, low, high)
    scaled -= low
    if scaled.dtype == numpy.float32:
        return scaled, 1 / (high - low)
    if high > low:
        scaled /= high - low
    return scaled.astype(numpy.float32), 1.0


def _limits(values: NDArray[numpy.floating[Any]], shape: tuple[int, ...]) -> tuple[float, float]:
    if values.size == 0:
        return 0.0, 0.0
    step = math.ceil(values.size / _SAMPLE_SIZE)
    # A step that divides the width would look at the same few columns of every row.
    while math.gcd(step, shape[1]) > 1:
        step += 1
    sample = numpy.sort(values[::step])
    # Linear between the values, as numpy.percentile, which is slower.
    ranks = numpy.arange(sample.size)
    low, high = numpy.interp(numpy.multiply(_PERCENTILES, sample.size - 1), ranks, sample)
    if low == high:
        low, high = values.min(), values.max()
    return float(low), float(high)


def _smoothed_around(
    prepared: NDArray[numpy.float32], missing: NDArray[numpy.bool_], factor: float
) -> NDArray[numpy.float32]:
    """Weighted mean over the pixels that are there."""
    prepared[missing] = 0
    total = smooth(prepared, factor)
    weight = smooth((~missing).astype(numpy.float32))
    smoothed = numpy.full_like(prepared, numpy.nan)
    numpy.divide(total, weight, out=smoothed, where=~missing)
    return smoothed
