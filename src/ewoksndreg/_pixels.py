"""Pixel values as floating point numbers."""

from collections.abc import Iterator
from typing import Any

import numpy
from numpy.typing import ArrayLike
from numpy.typing import NDArray

# Pixels: in float32 about what the second level cache of a processor holds. With fewer, the calls
# of numpy cost more than what they do.
_SLAB_SIZE = 262_144


def as_floating(image: ArrayLike) -> NDArray[numpy.floating[Any]]:
    """An image whose pixels can be NaN.

    :param image: shape `(H, W)`, boolean, integer or real.
    :returns: float32 and float64 as they are (not copied), other types in the smaller of the two
        that holds all their values, or in float64 where neither does. Masked pixels become NaN.
    :raises ValueError: when the image does not have two dimensions.
    :raises TypeError: when its pixels are not real numbers.
    """
    pixels = image if isinstance(image, numpy.ma.MaskedArray) else numpy.asarray(image)
    if pixels.ndim != 2:
        raise ValueError(f"An image needs two dimensions, not the shape {pixels.shape}")
    if pixels.dtype.kind not in "biuf":
        raise TypeError(f"An image needs real numbers, not pixels of type {pixels.dtype}")
    converted = pixels.astype(floating_type(pixels.dtype), copy=False)
    if isinstance(converted, numpy.ma.MaskedArray):
        return converted.filled(numpy.nan)
    return numpy.asarray(converted)


def floating_type(dtype: numpy.dtype[Any]) -> numpy.dtype[Any]:
    """The type that :func:`as_floating` gives to pixels of another type."""
    floating = numpy.result_type(dtype, numpy.float32)
    if floating.itemsize > 8:
        floating = numpy.dtype(numpy.float64)
    return floating.newbyteorder("=")


def missing_pixels(image: NDArray[numpy.floating[Any]]) -> NDArray[numpy.bool_] | None:
    """Where an image is not finite, shape `(H, W)`; None where it is finite everywhere."""
    if all(numpy.isfinite(image[rows]).all() for rows in slabs(image.shape)):
        return None
    missing: NDArray[numpy.bool_] = ~numpy.isfinite(image)
    return missing


def slabs(
    shape: tuple[int, ...], start: int = 0, stop: int | None = None, size: int = _SLAB_SIZE
) -> Iterator[slice]:
    """Ranges of rows of an image, one after the other, that fit the cache of the processor together
    with what is computed from them.

    :param shape: `(H, W)` of the image.
    :param start: the first row.
    :param stop: the row after the last one; None for all rows.
    :param size: pixels of a range, but one row at least.
    """
    stop = shape[0] if stop is None else stop
    height = max(1, size // max(shape[1], 1))
    for first in range(start, stop, height):
        yield slice(first, min(first + height, stop))
