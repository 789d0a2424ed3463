"""Read an image and the reference image of its stack, as measured and aligned."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray

from .._messages import add_context
from .._pictures import find_color_limits
from .._pictures import sample_pixels
from .._pictures import scale_brightness
from .._pixels import as_floating
from .._stacks import Stack
from .._typing import FloatImage
from ..kernels import Prepared
from ..kernels import find_kernel
from ..transformation import Transformation

# The number of images from which the color scale is found, so that a large stack opens immediately.
_SAMPLED_IMAGES = 8


@dataclass(frozen=True, eq=False)
class ImageRequest:
    """A request to show an image.

    :param name: name of the stack.
    :param stack: its N images.
    :param number: number of the image, 0 to N - 1.
    :param transformations: N transformations to align it with; None if there are none.
    """

    name: str
    stack: Stack
    number: int
    transformations: Sequence[Transformation] | None


@dataclass(frozen=True, eq=False)
class Pair:
    """The reference image of a stack and another one, shape `(H, W)`; invalid pixels are NaN.

    :param correlation: their correlation coefficient, see :func:`correlate`.
    """

    reference: FloatImage
    image: FloatImage
    correlation: float


@dataclass(frozen=True, eq=False)
class LoadedImages:
    """An image to show.

    :param name: name of the stack.
    :param number: number of the image.
    :param before: the measured images.
    :param after: the aligned images; None if there are no transformations.
    :param limits: lowest and highest value of the color scale of the stack.
    """

    name: str
    number: int
    before: Pair
    after: Pair | None
    limits: tuple[float, float]


class ImageReader:
    """Reads images one at a time, and keeps the reference image and the color scale of the last
    stack."""

    def __init__(self) -> None:
        self._stack: Stack | None = None
        self._reference: FloatImage
        self._limits: tuple[float, float]
        self._transformations: Sequence[Transformation] | None = None
        self._aligned_reference: FloatImage

    def read(self, request: ImageRequest, is_stale: Callable[[], bool]) -> LoadedImages | None:
        """
        :param is_stale: called between images; when it returns True, nothing is read and None
            returned.
        :raises OSError: if an image cannot be read.
        :raises TypeError: if it has no real numbers or cannot be transformed.
        :raises ValueError: if it has another shape or cannot be transformed. All errors name the
            stack and the image.
        """
        if request.stack is not self._stack and not self._start(request, is_stale):
            return None
        number, transformations = request.number, request.transformations
        image = _read(request, number)
        before = Pair(self._reference, image, correlate(self._reference, image, self._limits))
        after = None
        if transformations is not None and not is_stale():
            if transformations is not self._transformations:
                self._aligned_reference = _align(request.name, 0, self._reference, transformations)
                self._transformations = transformations
            aligned = _align(request.name, number, image, transformations)
            after = Pair(
                self._aligned_reference,
                aligned,
                correlate(self._aligned_reference, aligned, self._limits),
            )
        return LoadedImages(request.name, number, before, after, self._limits)

    def forget(self) -> None:
        """Release the stack."""
        self._stack = self._transformations = None

    def _start(self, request: ImageRequest, is_stale: Callable[[], bool]) -> bool:
        self.forget()
        samples = []
        for n in _choose_sample(len(request.stack)):
            if is_stale():
                return False
            try:
                image = _read(request, n)
            except (OSError, TypeError, ValueError):
                if n == 0:  # nothing can be compared
                    raise
                continue
            if n == 0:
                self._reference = image
            # A copy, because a view would keep the whole image in memory.
            samples.append(sample_pixels(image).copy())
        self._limits = find_color_limits(samples)
        self._stack = request.stack
        return True


def _choose_sample(number: int) -> list[int]:
    """Indices of at most 8 images, spread evenly over a stack from the first to the last.

    :param number: of images in the stack.
    """
    spread = numpy.linspace(0, number - 1, min(number, _SAMPLED_IMAGES))
    return [int(n) for n in numpy.rint(spread)]


def correlate(reference: FloatImage, image: FloatImage, limits: tuple[float, float]) -> float:
    """Compute the Pearson correlation coefficient of two images as displayed: over the pixels that
    are valid in both, clipped to the color scale, with every n-th row and column of large images.
    NaN if they cannot be compared, see :meth:`.Kernel.compare`."""
    seen = (scale_brightness(sample_pixels(pixels), limits) for pixels in (reference, image))
    a, b = (Prepared.of(pixels) for pixels in seen)
    return 1 - find_kernel("numpy").compare(a, b).mse / 2


def _read(request: ImageRequest, number: int) -> FloatImage:
    try:
        return _replace_infinity(as_floating(request.stack[number]))
    except (OSError, TypeError, ValueError) as error:
        raise add_context(error, f"Stack {request.name!r}, image {number}") from error


def _align(
    name: str, number: int, image: FloatImage, transformations: Sequence[Transformation]
) -> FloatImage:
    if number >= len(transformations):
        raise ValueError(
            f"Stack {name!r} has an image {number}, but only {len(transformations)} transformations"
        )
    try:
        return as_floating(transformations[number].apply_data(image))
    except (OSError, TypeError, ValueError) as error:
        raise add_context(error, f"Stack {name!r}, image {number} cannot be aligned") from error


def _replace_infinity(image: NDArray[Any]) -> FloatImage:
    return numpy.where(numpy.isinf(image), image.dtype.type(numpy.nan), image)
