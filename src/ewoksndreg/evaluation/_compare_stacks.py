"""Compare the images of each stack, aligned with each registration, in one pass."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from functools import partial

import numpy
from numpy.typing import NDArray

from ..kernels import Prepared
from ..transformation import Transformation
from ._candidates import Candidates
from ._jobs import Job
from ._jobs import Workers
from ._prepared_images import PreparedImages
from ._prepared_images import ReferenceImage
from ._prepared_images import in_one_frame
from ._ranking import Comparisons


def compare_stacks(workers: Workers, candidates: Candidates, reference: int) -> Comparisons:
    """Compare all images of each stack with one of them."""
    names = candidates.stack_names
    parts = workers.run(make_jobs(workers, candidates, reference))
    found = [numpy.concatenate([part for part, _ in parts[name]], axis=1) for name in names]
    mse, overlap = numpy.moveaxis(numpy.stack(found, axis=1), 3, 0).copy()
    mse[..., reference] = numpy.nan
    return Comparisons(
        candidates=candidates,
        references=(reference,),
        aligned_mse=mse[1:],
        unaligned_mse=mse[0],
        overlap=overlap[1:],
        infinite_pixels={name: sum(infinite for _, infinite in parts[name]) for name in names},
    )


def make_jobs(
    workers: Workers, candidates: Candidates, reference: int
) -> Iterator[Job[tuple[NDArray[numpy.float64], int]]]:
    """Make a job for each chunk of images of each stack."""
    for images, scored in zip(workers.images, candidates.scored.T, strict=True):
        shared = ReferenceImage(images, reference)
        for chunk in workers.split(images):
            some = images[chunk]
            registrations = [
                (each[reference], each[chunk]) if wanted else None
                for each, wanted in zip(candidates.registrations.values(), scored, strict=True)
            ]
            yield some, partial(compare_images, some, shared, registrations)


def compare_images(
    images: PreparedImages,
    reference_image: ReferenceImage,
    registrations: Sequence[tuple[Transformation, Sequence[Transformation]] | None],
    on_image: Callable[[], object] = lambda: None,
) -> tuple[NDArray[numpy.float64], int]:
    """Compare images of one stack with its reference image, with and without alignment.

    Each image is read once. One image and the reference image are in memory at a time.

    :param registrations: for each registration, the transformation of the reference image and those
        of the images; None for a registration that is not scored on this stack.
    :param on_image: called after each image; an exception from it stops the job.
    :returns: each :class:`.Comparison` (MSE and overlap) without alignment and with each
        registration, shape `(1 + K, N, 2)`, NaN where None was given; and the number of infinite
        pixels in all images.
    """
    kernel = images.kernel
    found = numpy.full((1 + len(registrations), len(images), 2), numpy.nan)
    infinite_pixels = 0
    reference = reference_image.prepare()
    aligned_references: dict[int, Prepared] = {}
    # New memory for each image would take 10 % of the time.
    buffer = numpy.empty_like(reference.pixels)
    with images.open():
        for n, index in enumerate(images.indices):
            is_reference = index == reference_image.index
            image = reference if is_reference else images.prepare(n, out=buffer)
            infinite_pixels += image.infinite
            with images.locate_errors(n):
                found[0, n] = kernel.compare(reference, image)
                for k, registration in enumerate(registrations, start=1):
                    if registration is not None:
                        to_reference, transformations = registration
                        pair = reference, image, to_reference, transformations[n]
                        found[k, n] = kernel.compare(*in_one_frame(*pair, aligned_references))
            on_image()
    return found, infinite_pixels
