"""Read images of one stack and prepare them for comparison."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack
from contextlib import contextmanager
from dataclasses import dataclass
from dataclasses import replace
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

# The number of aligned reference images that are kept. Those of further registrations are computed
# again for each image, so that memory does not grow with the number of stacks.
_KEPT_REFERENCES = 4


@dataclass(eq=False)
class PreparedImages:
    """Images of one stack, which are read and prepared when they are accessed. They can be sent to
    another process.

    :param name: name of the stack, for errors.
    :param indices: which images of the whole stack these are.
    :param kernel_name: name of the kernel that prepares them.
    :param unchanging: pixels that are invalid in every image, as packed bits, see
        :func:`.find_unchanging`.
    """

    name: str
    stack: Stack
    indices: range
    kernel_name: str
    unchanging: NDArray[numpy.uint8] | None = None

    def __len__(self) -> int:
        return len(self.stack)

    def __getitem__(self, some: slice) -> PreparedImages:
        return replace(self, stack=self.stack[some], indices=self.indices[some])

    @property
    def kernel(self) -> Kernel:
        return find_kernel(self.kernel_name)

    @contextmanager
    def open(self) -> Iterator[None]:
        with ExitStack() as context:
            with locate_errors(f"Stack {self.name!r}"):
                context.enter_context(self.stack)
            yield

    def read(self, n: int) -> NDArray[Any]:
        """Read an image, see :func:`.as_real`.

        :raises ValueError: if the image cannot be used; names it and its stack.
        :raises TypeError: if its pixels are not real numbers.
        :raises OSError: if it cannot be read.
        """
        with self.locate_errors(n):
            return as_real(self.stack[n])

    def prepare(self, n: int, out: NDArray[numpy.float32] | None = None) -> Prepared:
        """Read and prepare an image; raises the same as :meth:`read`."""
        pixels = self.read(n)
        marker = marker_of(pixels.dtype)
        marked = marker is not None and pixels.max() == marker
        if marked or self.unchanging is not None:
            invalid = pixels == marker if marked else numpy.zeros(pixels.shape, dtype=bool)
            if self.unchanging is not None:
                bits = numpy.unpackbits(self.unchanging, count=pixels.size)
                invalid |= bits.view(bool).reshape(pixels.shape)
            pixels = numpy.array(pixels, dtype=floating_type(pixels.dtype))
            pixels[invalid] = numpy.nan
        return self.kernel.prepare(pixels, out=out)

    @contextmanager
    def locate_errors(self, n: int) -> Iterator[None]:
        with locate_errors(f"Stack {self.name!r}, image {self.indices[n]}"):
            yield


class ReferenceImage:
    """The image with which others are compared, prepared once for all threads, and kept as long as
    there are jobs that need it."""

    def __init__(self, images: PreparedImages, n: int) -> None:
        self.index = images.indices[n]
        self.images = images[n : n + 1]
        self._lock = threading.Lock()
        self._prepared: Prepared | None = None

    def prepare(self) -> Prepared:
        with self._lock:
            if self._prepared is None:
                with self.images.open():
                    self._prepared = self.images.prepare(0)
            return self._prepared

    def __reduce__(self) -> tuple[type[ReferenceImage], tuple[PreparedImages, int]]:
        return ReferenceImage, (self.images, 0)


def marker_of(dtype: numpy.dtype[Any]) -> int | None:
    """The value that marks invalid pixels: the largest value of an unsigned integer type, as
    detectors use it, except with 8 bits, where it is white."""
    return int(numpy.iinfo(dtype).max) if dtype.kind == "u" and dtype.itemsize > 1 else None


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
    kept: dict[int, Prepared] | None = None,
) -> tuple[Prepared, Prepared, Matrix | None]:
    """Find out how to compare an aligned image with an aligned reference image.

    :param kept: receives a few aligned reference images, for the next image.
    :returns: the two images, and the matrix that aligns the second one with the first one, so that
        only one is resampled; if the transformations do not compose, two aligned images, and None.
    """
    matrix = transformation.between(to_reference)
    if matrix is not None:
        return reference, image, matrix
    kept = {} if kept is None else kept
    key = id(to_reference)  # each registration has its own
    aligned = kept.get(key) or align(reference, to_reference)
    if len(kept) < _KEPT_REFERENCES:
        kept[key] = aligned
    return aligned, align(image, transformation), None
