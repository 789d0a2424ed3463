"""Inspect images that are aligned with the best registration."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

from ..kernels import Linearization
from ..transformation import Transformation
from ._prepared_images import PreparedImages
from ._prepared_images import ReferenceImage
from ._prepared_images import in_one_frame
from ._remaining_shift import NOT_MEASURED
from ._remaining_shift import measure_shift


@dataclass(frozen=True, eq=False)
class Inspection:
    """Comparisons of N aligned images of one stack.

    :param neighbor_mse: standardized MSE of each aligned image and the previous one, shape `(N,)`;
        NaN if they were not, or cannot be, compared.
    :param shifts: rows, columns and curvature of :class:`.PairShift` of each image relative to the
        reference image and to the previous image, shape `(N, 2, 3)`; NaN if it was not measured.
    :param linearizations: affine displacements relative to the reference image, by image.
    """

    neighbor_mse: NDArray[numpy.float64]
    shifts: NDArray[numpy.float64]
    linearizations: dict[int, Linearization]

    @classmethod
    def empty(cls, number: int) -> Inspection:
        shifts = numpy.full((number, 2, len(NOT_MEASURED)), numpy.nan)
        return cls(numpy.full(number, numpy.nan), shifts, {})

    def fill(self, images: range, part: Inspection) -> None:
        """Insert the results for some images."""
        self.neighbor_mse[images.start : images.stop] = part.neighbor_mse
        self.shifts[images.start : images.stop] = part.shifts
        self.linearizations.update(
            {images.start + n: each for n, each in part.linearizations.items()}
        )


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
    :raises ValueError: if an image cannot be used; names it and its stack.
    :raises TypeError: if its pixels are not real numbers.
    :raises OSError: if it cannot be read.
    """
    kernel = images.kernel
    to_reference, transformations = registration
    found = Inspection.empty(len(images))
    reference = reference_image.prepare()
    buffers = [numpy.empty_like(reference.pixels) for _ in range(2)]
    before = None
    # Of all of them, it would take a quarter of the time of a ranking of three registrations.
    linearized = measured[::-2]
    with images.open():
        for n, transformation in enumerate(transformations):
            index = images.first_index + n
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
                    found.linearizations[n] = kernel.linearize(a, b, matrix, 6)
            before = image
            on_image()
    return found
