"""Compare the images of a stack, aligned with each registration, in one pass."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

from ..kernels import Prepared
from ..transformation import Transformation
from ._prepared_images import PreparedImages
from ._prepared_images import ReferenceImage
from ._prepared_images import align
from ._prepared_images import in_one_frame

# The number of aligned reference images that are kept. Those of further registrations are computed
# again for each image, so that memory does not grow with the number of stacks.
_KEPT_REFERENCES = 4


@dataclass(frozen=True, eq=False)
class StackScores:
    """Comparisons of N images of one stack with the reference image.

    Standardized MSEs are NaN if the images cannot be compared, and for the reference image.

    :param unaligned_mse: without alignment, shape `(N,)`.
    :param aligned_mse: aligned with each of K registrations, shape `(K, N)`; NaN also for
        registrations that were not scored on this stack.
    :param overlap: fraction of the pixels that were compared, shape `(K, N)`; NaN for registrations
        that were not scored on this stack.
    :param infinite_pixels: number of infinite pixels in all images.
    """

    unaligned_mse: NDArray[numpy.float64]
    aligned_mse: NDArray[numpy.float64]
    overlap: NDArray[numpy.float64]
    infinite_pixels: int

    @classmethod
    def concatenate(cls, parts: Sequence[StackScores]) -> StackScores:
        """Concatenate the scores of consecutive chunks of images."""
        return cls(
            unaligned_mse=numpy.concatenate([part.unaligned_mse for part in parts]),
            aligned_mse=numpy.concatenate([part.aligned_mse for part in parts], axis=1),
            overlap=numpy.concatenate([part.overlap for part in parts], axis=1),
            infinite_pixels=sum(part.infinite_pixels for part in parts),
        )


def score_images(
    images: PreparedImages,
    reference_image: ReferenceImage,
    registrations: Sequence[tuple[Transformation, Sequence[Transformation]] | None],
    on_image: Callable[[], object] = lambda: None,
) -> StackScores:
    """Compare images of one stack with its reference image, with and without alignment.

    Each image is read once. One image and the reference image are in memory at a time.

    :param registrations: for each registration, the transformation of the reference image and those
        of the images; None for a registration that is not scored on this stack.
    :param on_image: called after each image; an exception from it stops the job.
    :raises ValueError: if an image cannot be used; names it and its stack.
    :raises TypeError: if its pixels are not real numbers.
    :raises OSError: if it cannot be read.
    """
    kernel = images.kernel
    shape = len(registrations), len(images)
    unaligned_mse = numpy.full(shape[1], numpy.nan)
    aligned_mse, overlap = numpy.full(shape, numpy.nan), numpy.full(shape, numpy.nan)
    infinite_pixels = 0
    reference = reference_image.prepare()
    align_reference = _AlignedReferences()
    # New memory for each image would take 10 % of the time.
    buffer = numpy.empty_like(reference.pixels)
    with images.open():
        for n in range(len(images)):
            is_reference = images.first_index + n == reference_image.index
            image = reference if is_reference else images.prepare(n, out=buffer)
            infinite_pixels += image.infinite
            with images.locate_errors(n):
                if not is_reference:
                    unaligned_mse[n] = kernel.compare(reference, image).mse
                for k, registration in enumerate(registrations):
                    if registration is None:
                        continue
                    to_reference, transformations = registration
                    pair = reference, image, to_reference, transformations[n]
                    comparison = kernel.compare(*in_one_frame(*pair, align_reference))
                    overlap[k, n] = comparison.overlap
                    if not is_reference:
                        aligned_mse[k, n] = comparison.mse
            on_image()
    return StackScores(unaligned_mse, aligned_mse, overlap, infinite_pixels)


class _AlignedReferences:
    """Aligns the reference image, and keeps it as aligned with each registration, up to a limit."""

    def __init__(self) -> None:
        self._kept: dict[int, Prepared] = {}

    def __call__(self, reference: Prepared, transformation: Transformation) -> Prepared:
        key = id(transformation)  # each registration has its own
        aligned = self._kept.get(key) or align(reference, transformation)
        if len(self._kept) < _KEPT_REFERENCES:
            self._kept[key] = aligned
        return aligned
