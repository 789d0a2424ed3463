"""Bring images of any units to one scale before they are compared."""

import math
from typing import Any

import numpy
from numpy.typing import NDArray

from .._pixels import slabs
from .smoothing import smooth

# Outliers (hot pixels, cosmic rays) outside these percentiles of an image are clipped.
_PERCENTILES = (0.01, 0.99)

# Pixels from which the percentiles are estimated: enough for 1 % to be known within 0.06 %.
_SAMPLE_SIZE = 32_768

# What is smaller, or larger than the inverse, is scaled in float64.
_SMALLEST_SPAN = 1e-30


def prepare_image(
    pixels: NDArray[numpy.floating[Any]],
    missing: NDArray[numpy.bool_] | None,
    buffers: NDArray[numpy.float32] | None = None,
) -> NDArray[numpy.float32]:
    """An image on the scale 0 to 1, without outliers, a little smoothed.

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
    :param buffers: shape `(2, H, W)`, used again and again for images one after the other: memory
        that is new for each image costs as much time as all that is done in it.
    :returns: shape `(H, W)`, missing pixels are NaN and only they are. A constant image is 0. The
        array may be one of the buffers.
    """
    if buffers is None:
        buffers = numpy.empty((2, *pixels.shape), dtype=numpy.float32)
    prepared, smoothed = buffers
    low, high = _limits(pixels.ravel() if missing is None else pixels[~missing], pixels.shape)
    span = high - low
    if not _SMALLEST_SPAN < span < 1 / _SMALLEST_SPAN:
        pixels = pixels.astype(numpy.float64)
    single = pixels.dtype == numpy.float32
    for rows in slabs(pixels.shape):
        # In the type of the pixels: an offset much larger than the contrast must not eat it.
        scaled = numpy.clip(pixels[rows], low, high)
        scaled -= low
        if span > 0 and not single:
            scaled /= span
        prepared[rows] = scaled
    factor = 1 / span if single else 1.0
    if missing is None:
        return smooth(prepared, factor, smoothed)
    return _smoothed_around(prepared, missing, factor)


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
