"""Bring images of any units to one scale before they are compared."""

import math
from typing import Any

import numpy
from numpy.typing import ArrayLike
from numpy.typing import NDArray

from .._pixels import as_floating
from .._pixels import missing_pixels
from .smoothing import gaussian

# Outliers (hot pixels, cosmic rays) outside these percentiles of an image are clipped.
_PERCENTILES = (1, 99)

# Pixels from which the percentiles are estimated: enough for 1 % to be known within 0.05 %.
_SAMPLE_SIZE = 65_536

# Standard deviation (px) of the smoothing. Interpolation between pixels averages noise, which
# rewards every sub-pixel shift; noise that is smoothed already cannot be averaged further.
_SIGMA = 1.0


def prepare_image(image: ArrayLike) -> NDArray[numpy.float32]:
    """An image on the scale 0 to 1, without outliers, a little smoothed.

    The image is clipped to its 1st to 99th percentile (to its full range where these coincide),
    scaled to [0, 1] and smoothed with a Gaussian of 1 px that ignores missing pixels.

    Every image is scaled by itself. The standardised MSE sees no gain and no offset, so this does
    not disturb the comparison; it needs no look at the other images, and it serves a stack that
    fades or brightens better than one scale for the whole stack.

    :param image: shape `(H, W)`, real numbers; NaN and infinity are missing pixels.
    :returns: shape `(H, W)`, missing pixels are NaN and only they are. A constant image is 0.
    :raises ValueError: when the image does not have two dimensions.
    :raises TypeError: when its pixels are not real numbers.
    """
    pixels = as_floating(image)
    missing = missing_pixels(pixels)
    low, high = _limits(pixels.ravel() if missing is None else pixels[~missing], pixels.shape)
    if high - low > float(numpy.finfo(numpy.float32).max):
        pixels = pixels.astype(numpy.float64)
    # In the type of the pixels: an offset much larger than the contrast must not eat the contrast.
    scaled = numpy.clip(pixels, low, high)
    scaled -= low
    if high > low:
        scaled /= high - low
    prepared = scaled.astype(numpy.float32, copy=False)
    if missing is None:
        return gaussian(prepared, _SIGMA)
    return _smoothed_around(prepared, missing)


def _limits(values: NDArray[numpy.floating[Any]], shape: tuple[int, ...]) -> tuple[float, float]:
    if values.size == 0:
        return 0.0, 0.0
    step = math.ceil(values.size / _SAMPLE_SIZE)
    # A step that divides the width would look at the same few columns of every row.
    while math.gcd(step, shape[1]) > 1:
        step += 1
    low, high = numpy.percentile(values[::step], _PERCENTILES)
    if low == high:
        low, high = values.min(), values.max()
    return float(low), float(high)


def _smoothed_around(
    prepared: NDArray[numpy.float32], missing: NDArray[numpy.bool_]
) -> NDArray[numpy.float32]:
    """Gaussian mean over the pixels that are there."""
    prepared[missing] = 0
    total = gaussian(prepared, _SIGMA)
    weight = gaussian((~missing).astype(numpy.float32), _SIGMA)
    smoothed = numpy.full_like(prepared, numpy.nan)
    numpy.divide(total, weight, out=smoothed, where=~missing)
    return smoothed
