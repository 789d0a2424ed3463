"""OpenCV, where it is installed: the only place that knows of it.

It does nothing here that numpy cannot do, only faster. The extra `fast` brings it.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy
from numpy.typing import NDArray

# OpenCV keeps coordinates of images as 16 bit integers.
_LARGEST = 2**15 - 2

# Before version 5, coordinates were rounded to 1/32 px, which is 0.016 px at most.
_ROUNDING = 1e-4


def usable(image: NDArray[Any]) -> bool:
    """Whether the functions below can be called with an image of this size and type."""
    return (
        image.dtype == numpy.float32
        and min(image.shape) > 0
        and max(image.shape) <= _LARGEST
        and _opencv() is not None
    )


def convolve(
    image: NDArray[numpy.float32],
    along_rows: NDArray[numpy.float32],
    along_columns: NDArray[numpy.float32],
) -> NDArray[numpy.float32]:
    """Convolve with symmetric kernels of an odd number of weights.

    :param image: shape `(H, W)`, goes on mirrored beyond its edges (d c b a | a b c d).
    :returns: shape `(H, W)`.
    """
    cv2 = _opencv()
    result: NDArray[numpy.float32] = cv2.sepFilter2D(
        image, -1, along_columns, along_rows, borderType=cv2.BORDER_REFLECT
    )
    return result


def blend(image: NDArray[numpy.float32], fraction: tuple[float, float]) -> NDArray[numpy.float32]:
    """The values between each pixel, the next one along rows, along columns and along both.

    :param image: shape `(H + 1, W + 1)`.
    :param fraction: how far between them along rows and along columns, 0 to 1.
    :returns: shape `(H, W)`.
    """
    rows, columns = fraction
    kernel = numpy.outer((1 - rows, rows), (1 - columns, columns)).astype(numpy.float32)
    mixed: NDArray[numpy.float32] = _opencv().filter2D(image, -1, kernel, anchor=(0, 0))
    return mixed[:-1, :-1]


def resample(
    image: NDArray[numpy.float32], matrix: NDArray[numpy.float64], shape: tuple[int, int]
) -> NDArray[numpy.float32]:
    """Linear interpolation: ``result[p] = image[matrix p]``, the nearest edge pixel outside.

    :param image: shape `(H, W)`.
    :param matrix: shape `(2, 3)`, (row, column) order.
    :param shape: of the result.
    """
    cv2 = _opencv()
    result: NDArray[numpy.float32] = cv2.warpAffine(
        image,
        matrix[[1, 0]][:, [1, 0, 2]],
        shape[::-1],
        flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP,
        borderMode=cv2.BORDER_REPLICATE,
    )
    return result


def use_one_thread() -> None:
    """For a process that is one of several on a machine."""
    if _opencv() is not None:
        _opencv().setNumThreads(1)


@functools.cache
def _opencv() -> Any:
    """The package, imported when it is first needed; None when it is missing or too old."""
    try:
        import cv2
    except ImportError:
        return None
    return cv2 if _is_exact(cv2) else None


def _is_exact(cv2: Any) -> bool:
    """Whether coordinates are not rounded: a ramp that is shifted by 1/100 px shows it."""
    ramp = numpy.tile(numpy.arange(16, dtype=numpy.float32), (16, 1))
    shift = numpy.array([[1, 0, 0.01], [0, 1, 0]])
    shifted = cv2.warpAffine(ramp, shift, (16, 16), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)
    return bool(numpy.abs(shifted[4:12, 4:12] - ramp[4:12, 4:12] - 0.01).max() < _ROUNDING)
