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

# How much of a stack is read, so that one of 10 GB opens at once.
_SAMPLED_IMAGES = 8

Limits = tuple[float, float]
"""Lowest and highest value of a color scale."""


@dataclass(frozen=True, eq=False)
class ImageRequest:
    """Which image to show.

    :param name: of the stack.
    :param stack: its N images.
    :param number: of the image, 0 to N - 1.
    :param reference: number of the reference image.
    :param registrations: for picture A and picture B, N transformations to align the images
        with; None to show them as measured.
    """

    name: str
    stack: Stack
    number: int
    reference: int
    registrations: tuple[Sequence[Transformation] | None, Sequence[Transformation] | None]


@dataclass(frozen=True, eq=False)
class Pair:
    """The reference image of a stack and another one, shape `(H, W)`; invalid pixels are NaN.

    :param correlation: of the two, see :func:`correlate`.
    """

    reference: FloatImage
    image: FloatImage
    correlation: float


@dataclass(frozen=True, eq=False)
class LoadedImages:
    """One image to show.

    :param name: of the stack.
    :param number: of the image.
    :param reference: number of the reference image.
    :param pairs: for picture A and picture B.
    :param limits: lowest and highest value of the color scale of the stack.
    :param own_limits: of the reference image and of the image alone.
    """

    name: str
    number: int
    reference: int
    pairs: tuple[Pair, Pair]
    limits: Limits
    own_limits: tuple[Limits, Limits]


class ImageReader:
    """Reads images one at a time, and keeps the last image, the reference image and the color scale
    of the last stack."""

    def __init__(self) -> None:
        self._stack: Stack | None = None
        self._reference_number = 0
        self._reference: FloatImage
        self._limits: Limits
        self._reference_limits: Limits
        self._image: tuple[int, FloatImage] | None = None
        # Aligned reference images, for as many registrations as are shown.
        self._aligned: list[tuple[Sequence[Transformation], FloatImage]] = []

    def read(self, request: ImageRequest, is_stale: Callable[[], bool]) -> LoadedImages | None:
        """
        :param is_stale: called between images; when it returns True, nothing is read and None
            returned.
        :raises OSError: when an image cannot be read.
        :raises TypeError: when it has no real numbers or cannot be transformed.
        :raises ValueError: when it has another shape or cannot be transformed. All errors name the
            stack and the image.
        """
        known = self._stack is request.stack and self._reference_number == request.reference
        if not known and not self._start(request, is_stale):
            return None
        if self._image is None or self._image[0] != request.number:
            self._image = request.number, _read(request, request.number)
        image = self._image[1]
        pairs = []
        for registration in request.registrations:
            if is_stale():
                return None
            pairs.append(self._align_pair(request, image, registration))
        return LoadedImages(
            request.name,
            request.number,
            request.reference,
            (pairs[0], pairs[1]),
            self._limits,
            (self._reference_limits, find_color_limits([image])),
        )

    def forget(self) -> None:
        """Release the stack."""
        self._stack = self._image = None
        self._aligned = []

    def _start(self, request: ImageRequest, is_stale: Callable[[], bool]) -> bool:
        self.forget()
        self._reference = _read(request, request.reference)
        samples = [sample_pixels(self._reference).copy()]
        for n in _choose_sample(len(request.stack)):
            if is_stale():
                return False
            if n == request.reference:
                continue
            try:
                # A copy, because a view keeps the whole image in memory.
                samples.append(sample_pixels(_read(request, n)).copy())
            except (OSError, TypeError, ValueError):
                continue
        self._limits = find_color_limits(samples)
        self._reference_limits = find_color_limits([self._reference])
        self._stack, self._reference_number = request.stack, request.reference
        return True

    def _align_pair(
        self,
        request: ImageRequest,
        image: FloatImage,
        registration: Sequence[Transformation] | None,
    ) -> Pair:
        reference = self._reference
        if registration is not None:
            reference = self._align_reference(request, registration)
            image = _align(request.name, request.number, image, registration)
        return Pair(reference, image, correlate(reference, image, self._limits))

    def _align_reference(
        self, request: ImageRequest, registration: Sequence[Transformation]
    ) -> FloatImage:
        for known, aligned in self._aligned:
            if known is registration:
                return aligned
        aligned = _align(request.name, request.reference, self._reference, registration)
        self._aligned = [*self._aligned[-1:], (registration, aligned)]
        return aligned


def _choose_sample(number: int) -> list[int]:
    """Indices of at most 8 images, spread evenly over a stack from the first to the last.

    :param number: of images in the stack.
    """
    spread = numpy.linspace(0, number - 1, min(number, _SAMPLED_IMAGES))
    return [int(n) for n in numpy.rint(spread)]


def correlate(reference: FloatImage, image: FloatImage, limits: tuple[float, float]) -> float:
    """Pearson's correlation coefficient of two images as they appear on the screen: over the
    pixels that are valid in both, clipped to the color scale, of large images every n-th row and
    column. NaN where they cannot be compared, see :meth:`.Kernel.compare`."""
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
