"""Read the images of a stack once and compare them under every registration."""

from __future__ import annotations

import threading
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy
from numpy.typing import NDArray

from .._messages import located
from .._pixels import as_real
from .._stacks import Stack
from ..kernels import Comparison
from ..kernels import Kernel
from ..kernels import Prepared
from ..kernels import find_kernel
from ..transformation import Transformation

# Aligned reference images that are kept. Those of further registrations are made again for every
# image, so that memory does not grow with the number of stacks.
_KEPT_REFERENCES = 4


class ReferenceImage:
    """The image with which the others of a stack are compared, prepared once for all threads.

    :param name: of the stack, for errors.
    :param stack: holds this image only.
    :param index: of the image, in the whole stack.
    :param kernel: the name of the one that prepares it.
    """

    def __init__(self, name: str, stack: Stack, index: int, kernel: str) -> None:
        self.name = name
        self.stack = stack
        self.index = index
        self.kernel = kernel
        self._lock = threading.Lock()
        self._prepared: Prepared | None = None

    def prepare(self) -> Prepared:
        with self._lock:
            if self._prepared is None:
                with open_stack(self.name, self.stack):
                    pixels = _read(self.name, self.stack, 0, self.index)
                self._prepared = find_kernel(self.kernel).prepare(pixels)
            return self._prepared

    def forget(self) -> None:
        self._prepared = None

    def __reduce__(self) -> tuple[type[ReferenceImage], tuple[Any, ...]]:
        return ReferenceImage, (self.name, self.stack, self.index, self.kernel)


@dataclass(frozen=True, eq=False)
class Job:
    """Images of one stack that are compared with the reference image. It can be done in another
    process when its stack and its transformations can be sent there.

    :param reference: the reference image of the stack.
    :param images: the images.
    :param first_index: of the images, in the whole stack.
    :param registrations: for each registration the transformation of the reference image and those
        of the images; None in place of one that is not scored on this stack.
    """

    reference: ReferenceImage
    images: Stack
    first_index: int
    registrations: Sequence[tuple[Transformation, Sequence[Transformation]] | None]


@dataclass(frozen=True, eq=False)
class StackScores:
    """How N images of one stack compare with the reference image.

    Standardized MSEs are NaN where the images cannot be compared, and for the reference image.

    :param unaligned_mse: without any transformation, shape `(N,)`.
    :param aligned_mse: under each of K registrations, shape `(K, N)`; NaN also for those that were
        not scored on this stack.
    :param overlap: fraction of the pixels that were compared, shape `(K, N)`, NaN likewise.
    :param infinite_pixels: how many pixels of all images are infinite.
    """

    unaligned_mse: NDArray[numpy.float64]
    aligned_mse: NDArray[numpy.float64]
    overlap: NDArray[numpy.float64]
    infinite_pixels: int

    @classmethod
    def concatenate(cls, parts: Sequence[StackScores]) -> StackScores:
        """The scores of some images and of those that follow, as one."""
        return cls(
            unaligned_mse=numpy.concatenate([part.unaligned_mse for part in parts]),
            aligned_mse=numpy.concatenate([part.aligned_mse for part in parts], axis=1),
            overlap=numpy.concatenate([part.overlap for part in parts], axis=1),
            infinite_pixels=sum(part.infinite_pixels for part in parts),
        )


def score_images(job: Job, on_image: Callable[[], object] = lambda: None) -> StackScores:
    """Compare images of one stack with its reference image, as they are and aligned.

    Each image is read once. In memory are one image and the reference image.

    :param on_image: called after each image; what it raises ends the job.
    :raises ValueError: names the stack and the image that cannot be used.
    :raises TypeError: likewise.
    :raises OSError: likewise.
    """
    name, kernel = job.reference.name, find_kernel(job.reference.kernel)
    shape = len(job.registrations), len(job.images)
    unaligned_mse = numpy.full(shape[1], numpy.nan)
    aligned_mse, overlap = numpy.full(shape, numpy.nan), numpy.full(shape, numpy.nan)
    infinite_pixels = 0
    reference = job.reference.prepare()
    references = _AlignedReferences(reference)
    buffer = numpy.empty_like(reference.pixels)  # new memory for each image costs a tenth of all
    with open_stack(name, job.images):
        for n in range(len(job.images)):
            index = job.first_index + n
            image = reference
            if index != job.reference.index:
                image = kernel.prepare(_read(name, job.images, n, index), out=buffer)
            infinite_pixels += image.infinite
            with _locate_errors(name, index):
                unaligned_mse[n] = kernel.compare(reference, image).mse
                for k, registration in enumerate(job.registrations):
                    if registration is None:
                        continue
                    to_reference, transformations = registration
                    aligned_mse[k, n], overlap[k, n] = _compare_aligned(
                        kernel, references, k, image, to_reference, transformations[n]
                    )
            on_image()
    return StackScores(unaligned_mse, aligned_mse, overlap, infinite_pixels)


@contextmanager
def open_stack(name: str, stack: Stack) -> Iterator[None]:
    try:
        stack.__enter__()
    except (OSError, TypeError, ValueError) as error:
        raise located(error, f"Stack {name!r}") from error
    try:
        yield
    finally:
        stack.__exit__(None, None, None)


def _read(name: str, stack: Stack, n: int, index: int) -> NDArray[Any]:
    with _locate_errors(name, index):
        return as_real(stack[n])


@contextmanager
def _locate_errors(name: str, index: int) -> Iterator[None]:
    try:
        yield
    except (OSError, TypeError, ValueError) as error:
        raise located(error, f"Stack {name!r}, image {index}") from error


def _compare_aligned(
    kernel: Kernel,
    references: _AlignedReferences,
    k: int,
    image: Prepared,
    to_reference: Transformation,
    transformation: Transformation,
) -> Comparison:
    """In the frame of the reference image, which then needs no resampling; where transformations
    do not compose, in the frame of the result."""
    matrix = transformation.between(to_reference)
    if matrix is not None:
        return kernel.compare(references.original, image, matrix)
    return kernel.compare(references.align(k, to_reference), align(image, transformation))


class _AlignedReferences:
    """The reference image, aligned with each registration; not all of them are kept."""

    def __init__(self, original: Prepared) -> None:
        self.original = original
        self._kept: dict[int, Prepared] = {}

    def align(self, k: int, transformation: Transformation) -> Prepared:
        if k in self._kept:
            return self._kept[k]
        aligned = align(self.original, transformation)
        if len(self._kept) < _KEPT_REFERENCES:
            self._kept[k] = aligned
        return aligned


def align(image: Prepared, transformation: Transformation) -> Prepared:
    """An image resampled by the transformation itself.

    :raises ValueError: when the transformation changes the shape.
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
