"""Inspect images that are aligned with the best registration."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy
from numpy.typing import NDArray

from ..kernels import Linearization
from ..transformation import Transformation
from ._jobs import Job
from ._jobs import Workers
from ._prepared_images import PreparedImages
from ._prepared_images import ReferenceImage
from ._prepared_images import in_one_frame
from ._remaining_shift import NOT_MEASURED
from ._remaining_shift import choose_images
from ._remaining_shift import measure_shift


@dataclass(frozen=True, eq=False)
class Inspection:
    """Comparisons of N aligned images of one stack.

    :param neighbor_mse: standardized MSE of each aligned image and the previous one, shape `(N,)`;
        NaN if they were not, or cannot be, compared.
    :param shifts: rows, columns and curvature of :class:`.PairShift` of each image relative to the
        reference image and to the previous image, shape `(N, 2, 3)`; NaN if it was not measured.
    :param linearizations: affine displacements relative to the reference image, by image.
    :param first: index of the first of the images in the whole stack.
    """

    neighbor_mse: NDArray[numpy.float64]
    shifts: NDArray[numpy.float64]
    linearizations: dict[int, Linearization]
    first: int

    @classmethod
    def empty(cls, number: int, first: int = 0) -> Inspection:
        shifts = numpy.full((number, 2, len(NOT_MEASURED)), numpy.nan)
        return cls(numpy.full(number, numpy.nan), shifts, {}, first)

    def fill(self, part: Inspection) -> None:
        """Insert the results for some images."""
        images = slice(part.first, part.first + len(part.shifts))
        self.neighbor_mse[images] = part.neighbor_mse
        self.shifts[images] = part.shifts
        self.linearizations.update(part.linearizations)


def inspect_stacks(
    workers: Workers,
    transformations: Sequence[Transformation],
    reference: int,
    suspects: Mapping[str, Sequence[int]],
) -> dict[str, Inspection]:
    """Inspect a few aligned images of some stacks.

    :param suspects: images of each of these stacks to compare with their neighbors.
    """
    number = len(transformations)
    measured = choose_images(number, reference)

    def make_jobs() -> Iterator[Job[Inspection]]:
        for images in workers.images:
            if images.name not in suspects:
                continue
            shared = ReferenceImage(images, reference)
            around = {n + k for n in suspects[images.name] for k in (-1, 0, 1)}
            needed = {*measured, *(n - 1 for n in measured), *around}
            for run in _find_runs(needed & set(range(number))):
                some, pair = images[run], (transformations[reference], transformations[run])
                yield Job(some, partial(inspect_images, some, shared, pair, measured))

    found = {name: Inspection.empty(number) for name in suspects}
    for name, parts in workers.run(make_jobs()).items():
        for part in parts:
            found[name].fill(part)
    return found


def _find_runs(numbers: set[int]) -> list[slice]:
    """Find runs of consecutive numbers."""
    starts = sorted(n for n in numbers if n - 1 not in numbers)
    stops = sorted(n + 1 for n in numbers if n + 1 not in numbers)
    return list(map(slice, starts, stops))


def inspect_images(
    images: PreparedImages,
    reference_image: ReferenceImage,
    registration: tuple[Transformation, Sequence[Transformation]],
    measured: Sequence[int],
    on_image: Callable[[], object] = lambda: None,
) -> Inspection:
    """Compare each aligned image with the previous one, and measure the shift of some images.

    :param images: consecutive images of one stack.
    :param registration: the transformation of the reference image, and those of the images.
    :param measured: indices, in the whole stack, of the images whose shift is measured.
    :param on_image: called after each image; an exception from it stops the job.
    """
    kernel = images.kernel
    to_reference, transformations = registration
    found = Inspection.empty(len(images), images.indices[0])
    reference = reference_image.prepare()
    buffers = [numpy.empty_like(reference.pixels) for _ in range(2)]
    before = None
    # Of all of them, it would take a quarter of the time of a ranking of three registrations.
    linearized = measured[::-2]
    with images.open():
        for n, transformation in enumerate(transformations):
            index = images.indices[n]
            image = images.prepare(n, out=buffers[n % 2])
            with images.locate_errors(n):
                if before is not None:
                    pair = in_one_frame(before, image, transformations[n - 1], transformation)
                    found.neighbor_mse[n] = kernel.compare(*pair).mse
                    if index in measured:
                        found.shifts[n, 1] = measure_shift(kernel, *pair)
                if index in measured:
                    pair = in_one_frame(reference, image, to_reference, transformation)
                    found.shifts[n, 0] = measure_shift(kernel, *pair)
                if index in linearized:
                    a, b, matrix = pair
                    matrix = numpy.identity(3) if matrix is None else matrix
                    found.linearizations[index] = kernel.linearize(a, b, matrix, 6)
            before = image
            on_image()
    return found
