"""Read images of one stack and prepare them for comparison."""

from __future__ import annotations

import threading
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy
from numpy.typing import NDArray

from .._messages import locate_errors
from .._pixels import as_real
from .._pixels import floating_type
from .._stacks import Stack
from .._typing import Matrix
from ..kernels import Kernel
from ..kernels import Prepared
from ..kernels import find_kernel
from ..transformation import Transformation


class PreparedImages:
    """Some images of one stack, which are read and prepared when they are accessed. They can be
    sent to another process.

    :param name: name of the stack, for errors.
    :param stack: the images.
    :param first_index: index of the first of the images in the whole stack.
    :param kernel_name: name of the kernel that prepares them.
    :param unchanging: pixels that are invalid in every image, as packed bits, see
        :func:`.find_unchanging`.
    """

    def __init__(
        self,
        name: str,
        stack: Stack,
        first_index: int,
        kernel_name: str,
        unchanging: NDArray[numpy.uint8] | None = None,
    ) -> None:
        self.name = name
        self.stack = stack
        self.first_index = first_index
        self.kernel_name = kernel_name
        self.unchanging = unchanging

    def __len__(self) -> int:
        return len(self.stack)

    @property
    def kernel(self) -> Kernel:
        return find_kernel(self.kernel_name)

    def part(self, images: range) -> PreparedImages:
        return PreparedImages(
            self.name,
            self.stack[images.start : images.stop],
            self.first_index + images.start,
            self.kernel_name,
            self.unchanging,
        )

    def with_stack(self, stack: Stack) -> PreparedImages:
        """Use other images of the same stack, whose indices in the stack do not matter."""
        return PreparedImages(self.name, stack, 0, self.kernel_name, self.unchanging)

    @contextmanager
    def open(self) -> Iterator[None]:
        with open_stack(self.name, self.stack):
            yield

    def prepare(self, n: int, out: NDArray[numpy.float32] | None = None) -> Prepared:
        """Read and prepare an image.

        :raises ValueError: if the image cannot be used; names it and its stack.
        :raises TypeError: if its pixels are not real numbers.
        :raises OSError: if it cannot be read.
        """
        with self.locate_errors(n):
            pixels = without_marker(as_real(self.stack[n]))
        if self.unchanging is not None:
            invalid = numpy.unpackbits(self.unchanging, count=pixels.size).view(bool)
            pixels = numpy.array(pixels, dtype=floating_type(pixels.dtype))
            pixels[invalid.reshape(pixels.shape)] = numpy.nan
        return self.kernel.prepare(pixels, out=out)

    @contextmanager
    def locate_errors(self, n: int) -> Iterator[None]:
        with locate_errors(f"Stack {self.name!r}, image {self.first_index + n}"):
            yield


class ReferenceImage:
    """The image with which others are compared, prepared once for all threads.

    :param images: contains only this image.
    """

    def __init__(self, images: PreparedImages) -> None:
        self.images = images
        self.index = images.first_index
        self._lock = threading.Lock()
        self._prepared: Prepared | None = None

    def prepare(self) -> Prepared:
        with self._lock:
            if self._prepared is None:
                with self.images.open():
                    self._prepared = self.images.prepare(0)
            return self._prepared

    def forget(self) -> None:
        self._prepared = None

    def __reduce__(self) -> tuple[type[ReferenceImage], tuple[Any, ...]]:
        return ReferenceImage, (self.images,)


@contextmanager
def open_stack(name: str, stack: Stack) -> Iterator[None]:
    with locate_errors(f"Stack {name!r}"):
        stack.__enter__()
    try:
        yield
    finally:
        stack.__exit__(None, None, None)


def marker_of(dtype: numpy.dtype[Any]) -> int | None:
    """The value that marks invalid pixels: the largest value of an unsigned integer type, as
    detectors use it, except with 8 bits, where it is white."""
    return int(numpy.iinfo(dtype).max) if dtype.kind == "u" and dtype.itemsize > 1 else None


def without_marker(pixels: NDArray[Any]) -> NDArray[Any]:
    """Replace the marker with NaN; returns the pixels themselves if the marker does not occur."""
    marker = marker_of(pixels.dtype)
    if marker is None or pixels.size == 0 or pixels.max() != marker:
        return pixels
    floating = pixels.astype(floating_type(pixels.dtype))
    floating[pixels == marker] = numpy.nan
    return floating


def align(image: Prepared, transformation: Transformation) -> Prepared:
    """Resample an image with the transformation's own method.

    :raises ValueError: if the transformation changes the shape.
    """
    pixels = image.pixels
    aligned = numpy.asarray(
        transformation.apply_data(pixels, cval=numpy.nan, interpolation_order=1)
    )
    if aligned.shape != pixels.shape:
        raise ValueError(
            f"{type(transformation).__name__}.apply_data changed the shape from {pixels.shape} to"
            f" {aligned.shape}"
        )
    return Prepared.of(aligned.astype(numpy.float32, copy=False))


def in_one_frame(
    reference: Prepared,
    image: Prepared,
    to_reference: Transformation,
    transformation: Transformation,
    align_reference: Callable[[Prepared, Transformation], Prepared] = align,
) -> tuple[Prepared, Prepared, Matrix | None]:
    """Find out how to compare an aligned image with an aligned reference image.

    :returns: the two images, and the matrix that aligns the second one with the first one, so that
        only one is resampled; if the transformations do not compose, two aligned images, and None.
    """
    matrix = transformation.between(to_reference)
    if matrix is not None:
        return reference, image, matrix
    return align_reference(reference, to_reference), align(image, transformation), None
