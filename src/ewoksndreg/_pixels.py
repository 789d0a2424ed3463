"""Pixel values as floating-point numbers."""

from collections.abc import Iterator
from typing import Any

import numpy
import scipy
from numpy.typing import ArrayLike
from numpy.typing import NDArray

from ._typing import FloatImage

# Pixels: in float32 a quarter of the second-level cache of a processor. With half as many, the
# overhead of numpy calls makes comparing a fifth slower; with twice as many, resampling is slower.
_BLOCK_SIZE = 65_536


def as_real(image: ArrayLike) -> NDArray[Any]:
    """Convert an image to an array of real numbers in native byte order.

    :param image: shape `(H, W)`, boolean, integer or floating point.
    :returns: array of the same type, not copied if possible. If pixels are masked, they become NaN
        and the array is floating point.
    :raises ValueError: if the image does not have two dimensions.
    :raises TypeError: if its pixels are not real numbers.
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
    """Convert an image to floating point, so that its pixels can be NaN.

    :param image: see :func:`as_real`.
    :returns: float32 and float64 unchanged (not copied), other types in the smaller of these two
        that holds all their values, or in float64 if neither does. Masked pixels become NaN.
    :raises ValueError: if the image does not have two dimensions.
    :raises TypeError: if its pixels are not real numbers.
    """
    pixels = as_real(image)
    return pixels.astype(floating_type(pixels.dtype), copy=False)


def floating_type(dtype: numpy.dtype[Any]) -> numpy.dtype[Any]:
    """The type to which :func:`as_floating` converts pixels."""
    floating = numpy.result_type(dtype, numpy.float32)
    if floating.itemsize > 8:
        floating = numpy.dtype(numpy.float64)
    return floating.newbyteorder("=")


def fill_invalid(pixels: FloatImage) -> FloatImage:
    """Replace invalid pixels with the value of the nearest valid one, or 0 if there is none."""
    invalid = ~numpy.isfinite(pixels)
    if not invalid.any():
        return pixels
    if invalid.all():
        return numpy.zeros_like(pixels)
    nearest = scipy.ndimage.distance_transform_edt(
        invalid, return_distances=False, return_indices=True
    )
    return numpy.asarray(pixels[tuple(nearest)])


def row_blocks(shape: tuple[int, ...], rows: range | None = None) -> Iterator[slice]:
    """Divide an image into blocks of rows that fit, together with what is computed from them, into
    the cache of the processor.

    :param shape: `(H, W)` of the image.
    :param rows: the rows to divide; None for all.
    """
    rows = range(shape[0]) if rows is None else rows
    height = max(1, _BLOCK_SIZE // max(shape[1], 1))
    for first in range(rows.start, rows.stop, height):
        yield slice(first, min(first + height, rows.stop))
