"""Pixel values as floating-point numbers."""

from collections.abc import Iterator
from typing import Any

import numpy
from numpy.typing import ArrayLike
from numpy.typing import NDArray

from ._typing import FloatImage

# Pixels: in float32 about what the second-level cache of a processor holds. With fewer, the
# overhead of calling numpy dominates.
_BLOCK_SIZE = 32_768


def as_real(image: ArrayLike) -> NDArray[Any]:
    """An image as an array of real numbers in the byte order of this machine.

    :param image: shape `(H, W)`, boolean, integer or real.
    :returns: of the type of the pixels, not copied where that can be avoided. Masked pixels become
        NaN, and the image floating point.
    :raises ValueError: when the image does not have two dimensions.
    :raises TypeError: when its pixels are not real numbers.
    """
    pixels: Any = image if isinstance(image, numpy.ma.MaskedArray) else numpy.asarray(image)
    if pixels.ndim != 2:
        raise ValueError(f"An image needs two dimensions, not the shape {pixels.shape}")
    if pixels.dtype.kind not in "biuf":
        raise TypeError(f"An image needs real numbers, not pixels of type {pixels.dtype}")
    if isinstance(pixels, numpy.ma.MaskedArray):
        masked: Any = pixels.astype(floating_type(pixels.dtype), copy=False)
        pixels = masked.filled(numpy.nan)
    native: NDArray[Any] = pixels.astype(pixels.dtype.newbyteorder("="), copy=False)
    return native


def as_floating(image: ArrayLike) -> FloatImage:
    """An image whose pixels can be NaN.

    :param image: see :func:`as_real`.
    :returns: float32 and float64 as they are (not copied), other types in the smaller of the two
        that holds all their values, or in float64 where neither does. Masked pixels become NaN.
    :raises ValueError: when the image does not have two dimensions.
    :raises TypeError: when its pixels are not real numbers.
    """
    pixels = as_real(image)
    return pixels.astype(floating_type(pixels.dtype), copy=False)


def floating_type(dtype: numpy.dtype[Any]) -> numpy.dtype[Any]:
    """The type that :func:`as_floating` gives to pixels of another type."""
    floating = numpy.result_type(dtype, numpy.float32)
    if floating.itemsize > 8:
        floating = numpy.dtype(numpy.float64)
    return floating.newbyteorder("=")


def row_blocks(shape: tuple[int, ...], rows: range | None = None) -> Iterator[slice]:
    """Blocks of rows of an image, one after the other, that fit the cache of the processor together
    with what is computed from them.

    :param shape: `(H, W)` of the image.
    :param rows: which rows; None for all.
    """
    rows = range(shape[0]) if rows is None else rows
    height = max(1, _BLOCK_SIZE // max(shape[1], 1))
    for first in range(rows.start, rows.stop, height):
        yield slice(first, min(first + height, rows.stop))
