"""Read the images of a stack once and compare them under every registration."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

from ..kernels import Comparison
from ..kernels import Kernel
from ..kernels import Prepared
from ..transformation import Transformation
from ._prepared_images import PreparedImages
from ._prepared_images import ReferenceImage
from ._prepared_images import align

# Aligned reference images that are kept. Those of further registrations are made again for every
# image, so that memory does not grow with the number of stacks.
_KEPT_REFERENCES = 4


@dataclass(frozen=True, eq=False)
class ScoreJob:
    """Images of one stack that are compared with the reference image. It can be done in another
    process when its stack and its transformations can be sent there.

    :param reference: the reference image of the stack.
    :param images: the images.
    :param registrations: for each registration the transformation of the reference image and those
        of the images; None in place of one that is not scored on this stack.
    """

    reference: ReferenceImage
    images: PreparedImages
    registrations: Sequence[tuple[Transformation, Sequence[Transformation]] | None]


@dataclass(frozen=True, eq=False)
class StackScores:
    """How N images of one stack compare with the reference image.

    Standardized MSEs are NaN where the images cannot be compared, and for the reference image.

    :param unaligned_mse: without any transformation, shape `(N,)`.
    :param aligned_mse: under each of K registrations, shape `(K, N)`; NaN also for those that were
        not scored on this stack.
    :param overlap: fraction of the pixels that were compared, shape `(K, N)`; NaN for those that
        were not scored on this stack.
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


def score_images(job: ScoreJob, on_image: Callable[[], object] = lambda: None) -> StackScores:
    """Compare images of one stack with its reference image, as they are and aligned.

    Each image is read once. In memory are one image and the reference image.

    :param on_image: called after each image; what it raises ends the job.
    :raises ValueError: when an image cannot be used; names it and its stack.
    :raises TypeError: when its pixels are not real numbers.
    :raises OSError: when it cannot be read.
    """
    images, kernel = job.images, job.images.kernel
    shape = len(job.registrations), len(images)
    unaligned_mse = numpy.full(shape[1], numpy.nan)
    aligned_mse, overlap = numpy.full(shape, numpy.nan), numpy.full(shape, numpy.nan)
    infinite_pixels = 0
    reference = job.reference.prepare()
    references = _AlignedReferences(reference)
    buffer = numpy.empty_like(reference.pixels)  # new memory for each image costs a tenth of all
    with images.open():
        for n in range(len(images)):
            is_reference = images.first_index + n == job.reference.index
            image = reference if is_reference else images.prepare(n, out=buffer)
            infinite_pixels += image.infinite
            with images.locate_errors(n):
                if not is_reference:
                    unaligned_mse[n] = kernel.compare(reference, image).mse
                for k, registration in enumerate(job.registrations):
                    if registration is None:
                        continue
                    to_reference, transformations = registration
                    comparison = _compare_aligned(
                        kernel, references, k, image, to_reference, transformations[n]
                    )
                    overlap[k, n] = comparison.overlap
                    if not is_reference:
                        aligned_mse[k, n] = comparison.mse
            on_image()
    return StackScores(unaligned_mse, aligned_mse, overlap, infinite_pixels)


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
