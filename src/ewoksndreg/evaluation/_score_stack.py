"""Compare the images of each stack, aligned with each registration, in one pass."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy
from numpy.typing import NDArray

from ..kernels import Prepared
from ..transformation import Transformation
from ._jobs import Job
from ._jobs import Workers
from ._prepared_images import PreparedImages
from ._prepared_images import ReferenceImage
from ._prepared_images import in_one_frame


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


def score_stacks(
    workers: Workers,
    registrations: Mapping[str, Sequence[Transformation]],
    scored: NDArray[numpy.bool_],
    reference: int,
) -> dict[str, StackScores]:
    """Compare all images of each stack with one of them.

    :param scored: whether a registration is scored on a stack, shape `(K, S)`.
    """
    parts = workers.run(make_jobs(workers, registrations, scored, reference))
    return {name: StackScores.concatenate(each) for name, each in parts.items()}


def make_jobs(
    workers: Workers,
    registrations: Mapping[str, Sequence[Transformation]],
    scored: NDArray[numpy.bool_],
    reference: int,
) -> Iterator[Job[StackScores]]:
    """Make a job for each chunk of images of each stack, see :func:`score_stacks`."""
    for images, chosen in zip(workers.images, scored.T, strict=True):
        shared = ReferenceImage(images[reference : reference + 1])
        for chunk in workers.split(images):
            aligning = [
                (each[reference], each[chunk]) if wanted else None
                for each, wanted in zip(registrations.values(), chosen, strict=True)
            ]
            some = images[chunk]
            yield Job(some, partial(score_images, some, shared, aligning))


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
    aligned_references: dict[int, Prepared] = {}
    # New memory for each image would take 10 % of the time.
    buffer = numpy.empty_like(reference.pixels)
    with images.open():
        for n in range(len(images)):
            is_reference = images.indices[n] == reference_image.images.indices[0]
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
                    comparison = kernel.compare(*in_one_frame(*pair, aligned_references))
                    overlap[k, n] = comparison.overlap
                    if not is_reference:
                        aligned_mse[k, n] = comparison.mse
            on_image()
    return StackScores(unaligned_mse, aligned_mse, overlap, infinite_pixels)
