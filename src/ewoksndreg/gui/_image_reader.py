"""Read an image and the first one of its stack, as measured and aligned."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray

from .._messages import located
from .._pixels import as_floating
from .._stacks import Stack
from ..kernels import Prepared
from ..kernels import find_kernel
from ..transformation import Transformation
from ._color_limits import color_limits
from ._color_limits import sampled_images
from ._color_limits import sampled_pixels
from ._pictures import Image
from ._pictures import brightness


@dataclass(frozen=True, eq=False)
class ImageRequest:
    """Which image to show.

    :param name: of the stack.
    :param stack: its N images.
    :param number: of the image, 0 to N - 1.
    :param transformations: N transformations to align it with; None when there are none.
    """

    name: str
    stack: Stack
    number: int
    transformations: Sequence[Transformation] | None


@dataclass(frozen=True, eq=False)
class Pair:
    """The first image of a stack and another one, shape `(H, W)`; invalid pixels are NaN.

    :param correlation: of the two, see :func:`correlation`.
    """

    first: Image
    image: Image
    correlation: float


@dataclass(frozen=True, eq=False)
class LoadedImages:
    """What there is to show of one image.

    :param name: of the stack.
    :param number: of the image.
    :param before: as measured.
    :param after: both aligned; None when there are no transformations.
    :param limits: lowest and highest value of the color scale of the stack.
    """

    name: str
    number: int
    before: Pair
    after: Pair | None
    limits: tuple[float, float]


class ImageReader:
    """Reads images one at a time, and keeps the first one and the color scale of the stack that
    was read last."""

    def __init__(self) -> None:
        self._stack: Stack | None = None
        self._first: Image
        self._limits: tuple[float, float]
        self._transformations: Sequence[Transformation] | None = None
        self._aligned_first: Image

    def read(self, request: ImageRequest, is_stale: Callable[[], bool]) -> LoadedImages | None:
        """
        :param is_stale: asked between images; None is returned when it answers True.
        :raises OSError: when an image cannot be read; names the stack and the image.
        :raises TypeError: when it has no real numbers or cannot be transformed; likewise.
        :raises ValueError: likewise.
        """
        if request.stack is not self._stack and not self._start(request, is_stale):
            return None
        number, transformations = request.number, request.transformations
        image = _read(request, number)
        before = Pair(self._first, image, correlation(self._first, image, self._limits))
        after = None
        if transformations is not None and not is_stale():
            if transformations is not self._transformations:
                self._aligned_first = _aligned(request.name, 0, self._first, transformations)
                self._transformations = transformations
            aligned = _aligned(request.name, number, image, transformations)
            after = Pair(
                self._aligned_first,
                aligned,
                correlation(self._aligned_first, aligned, self._limits),
            )
        return LoadedImages(request.name, number, before, after, self._limits)

    def forget(self) -> None:
        """Keep nothing of any stack."""
        self._stack = self._transformations = None

    def _start(self, request: ImageRequest, is_stale: Callable[[], bool]) -> bool:
        self.forget()
        samples = []
        for n in sampled_images(len(request.stack)):
            if is_stale():
                return False
            try:
                image = _read(request, n)
            except (OSError, TypeError, ValueError):
                if n == 0:  # nothing can be compared
                    raise
                continue
            if n == 0:
                self._first = image
            # A copy: a view would keep the whole image.
            samples.append(sampled_pixels(image).copy())
        self._limits = color_limits(samples)
        self._stack = request.stack
        return True


def correlation(first: Image, image: Image, limits: tuple[float, float]) -> float:
    """Pearson's correlation coefficient of two images as they are seen on the screen: over the
    pixels that are there in both, clipped to the color scale, of large images every n-th row and
    column. NaN where they cannot be compared, see :meth:`.Kernel.compare`."""
    seen = (brightness(sampled_pixels(pixels), limits) for pixels in (first, image))
    a, b = (Prepared.of(pixels) for pixels in seen)
    return 1 - find_kernel("numpy").compare(a, b).mse / 2


def _read(request: ImageRequest, number: int) -> Image:
    try:
        return _infinity_is_missing(as_floating(request.stack[number]))
    except (OSError, TypeError, ValueError) as error:
        raise located(error, f"Stack {request.name!r}, image {number}") from error


def _aligned(
    name: str, number: int, image: Image, transformations: Sequence[Transformation]
) -> Image:
    if number >= len(transformations):
        raise ValueError(
            f"Stack {name!r} has an image {number}, but only {len(transformations)} transformations"
        )
    try:
        return as_floating(transformations[number].apply_data(image))
    except (OSError, TypeError, ValueError) as error:
        raise located(error, f"Stack {name!r}, image {number} cannot be aligned") from error


def _infinity_is_missing(image: NDArray[Any]) -> Image:
    return numpy.where(numpy.isinf(image), image.dtype.type(numpy.nan), image)
