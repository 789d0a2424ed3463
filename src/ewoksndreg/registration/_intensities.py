"""Register an image by intensities, from a coarse copy to the image itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace

import numpy

from .._typing import FloatImage
from .._typing import Matrix
from ..kernels import Kernel
from ..kernels import Prepared
from ..kernels import resample_linear
from ..transformation import TransformationType
from ._gauss_newton import make_pyramid
from ._gauss_newton import refine_image
from ._gauss_newton import rescale
from ._result import Alignment
from ._starts import StartFinder
from ._starts import fine_structure

# px: starting points are searched on copies of at most this height and width,
_COARSEST = 64
# but of at least this: an elongated image becomes too narrow with more levels.
_NARROWEST = 24

# px: results are equal if they map the corners of a level to the same positions within this.
_SAME = 0.7

# This many of the best starting points are refined on images up to this size (px), and beyond it
# only the best one.
_FOLLOWED = 3
_DECISIVE_SIZE = 128

# px: the refinement is repeated until it moves the corners by less than this.
_SETTLED = 0.03
_MOST_REPETITIONS = 6

# The number of pixels per independent measurement
_PIXELS_OF_ALL = 100
_PIXELS_OF_FINE = 12

# The fraction of the mean square of a residual, if that is noise
_LARGEST_SHARE = 0.2

_TINY = 1e-12

# The minimum of 1 - r^2, so that identical images in one stack do not outweigh all other stacks.
_LEAST_NOISE = 1e-3

_STIFF = (TransformationType.translation, TransformationType.rigid)


class IntensityMethod:
    """Aligns images with their reference image, given in one stack or in several.

    Several starting points are refined on the coarsest level of a pyramid, first without distortion
    if the type allows it; the best results are refined on the next level. If the residual after the
    alignment is coarse structure, as with shading or varying contrast, it is not noise and would
    bias the result: then only fine structure is aligned.

    :param references: the reference image in each stack, all of the same shape.
    :param weights: the weights of the stacks, all positive.
    """

    reference = Alignment(numpy.identity(3))

    def __init__(
        self,
        references: Sequence[Prepared],
        weights: Sequence[float],
        transformation_type: TransformationType,
        kernel: Kernel,
    ) -> None:
        self._weights = weights
        self._type = transformation_type
        self._kernel = kernel
        self._number = count_levels(references[0].pixels.shape)
        self._references = [make_pyramid(each, self._number, kernel) for each in references]
        coarsest = [levels[-1] for levels in self._references]
        self._finders = [StartFinder(each, self._type) for each in coarsest]
        self._fine_finders = [StartFinder(fine_structure(each), self._type) for each in coarsest]

    def __call__(self, images: Sequence[Prepared], start: Matrix | None = None) -> Alignment:
        pyramids = [make_pyramid(image, self._number, self._kernel) for image in images]
        matrices: list[Matrix] = []
        use_fine = [False] * len(images)
        for n in reversed(range(self._number)):
            level = _Level(
                [levels[n] for levels in self._references],
                [levels[n] for levels in pyramids],
                self._weights,
                self._kernel,
            )
            if n == self._number - 1:
                matrices = self._start(level, start)
            else:
                matrices = level.select(use_fine).refine(matrices, self._type)
            if len(matrices) > 1:
                matrices = level.sort(matrices)[: _FOLLOWED if level.is_small(2) else 1]
            if matrices and level.is_small(1) and not all(use_fine):
                use_fine = level.find_wide_residuals(matrices[0])
                # Even if there is none: the best one may have been moving toward another one.
                matrices = level.select(use_fine).refine(matrices, self._type)
            if n:
                matrices = [rescale(matrix, 2) for matrix in matrices]
        return Alignment(matrices[0] if matrices else None)

    def _start(self, level: _Level, given: Matrix | None) -> list[Matrix]:
        """Find starting points and refine each one on the structure it was found from.

        :param given: an additional starting point, for the full images.
        """
        starts = [numpy.identity(3)]
        if given is not None:
            starts.append(rescale(given, 0.5 ** (self._number - 1)))
        fine = level.select([True] * len(level.images))
        found: list[Matrix] = []
        for some, finders, matrices in (
            (level, self._finders, starts),
            (fine, self._fine_finders, []),
        ):
            for finder, image in zip(finders, some.images, strict=True):
                matrices += finder.find(image)
            if self._type not in _STIFF:
                matrices = some.refine(matrices, TransformationType.rigid)
            found += some.refine(matrices, self._type)
        return level.remove_equal(found)


class CoarseSearch:
    """Searches for an image of one stack in the reference image, with small copies of both.

    :param reference: the last level of the pyramid of the reference image, see
        :func:`count_levels`.
    """

    def __init__(
        self, reference: Prepared, transformation_type: TransformationType, kernel: Kernel
    ) -> None:
        self._reference = reference
        self._type = transformation_type
        self._kernel = kernel
        self._finder = StartFinder(reference, transformation_type)
        self._fine_finder = StartFinder(fine_structure(reference), transformation_type)

    def find(self, image: Prepared, start: Matrix) -> Matrix:
        """Align the image from the starting points of :class:`StartFinder` and one more, and return
        the best matrix."""
        level = _Level([self._reference], [image], [1.0], self._kernel)
        fine = fine_structure(image)
        starts = [start, *self._finder.find(image), *self._fine_finder.find(fine)]
        found = [level.align(each, self._type) for each in level.remove_equal(starts)]
        matrices = level.remove_equal([each for each in found if each is not None])
        return level.sort(matrices)[0] if matrices else start


@dataclass(frozen=True)
class _Level:
    """One pyramid level of an image and its reference image, in each stack."""

    references: Sequence[Prepared]
    images: Sequence[Prepared]
    weights: Sequence[float]
    kernel: Kernel

    @property
    def shape(self) -> tuple[int, ...]:
        return self.images[0].pixels.shape

    def is_small(self, times: int) -> bool:
        """Whether the level, enlarged by a factor, is not larger than the size up to which several
        starting points are refined."""
        return times * max(self.shape) <= _DECISIVE_SIZE

    def select(self, use_fine: Sequence[bool]) -> _Level:
        """Use only the fine structure of some stacks."""
        if not any(use_fine):
            return self
        references, images = (
            [
                fine_structure(each) if fine else each
                for each, fine in zip(some, use_fine, strict=True)
            ]
            for some in (self.references, self.images)
        )
        return replace(self, references=references, images=images)

    def refine(
        self, starts: Sequence[Matrix], transformation_type: TransformationType
    ) -> list[Matrix]:
        """Refine each starting point; leave out those that fail or lead to the same result."""
        found: list[Matrix] = []
        for start in self.remove_equal(starts):
            matrix = self._refine_one(start, transformation_type)
            if matrix is not None:
                found.append(matrix)
        return self.remove_equal(found)

    def _refine_one(self, start: Matrix, transformation_type: TransformationType) -> Matrix | None:
        # Noise in the gradients of the reference image shortens the steps.
        for _ in range(_MOST_REPETITIONS):
            refined = self.align(start, transformation_type)
            if refined is None:
                return None
            distance = self._find_distance(refined, start)
            start = refined
            if distance < _SETTLED:
                break
        return start

    def align(self, start: Matrix, transformation_type: TransformationType) -> Matrix | None:
        references, images = ([[each] for each in some] for some in (self.references, self.images))
        return refine_image(
            references, images, start, transformation_type, self.weights, self.kernel
        )

    def remove_equal(self, matrices: Sequence[Matrix]) -> list[Matrix]:
        """Remove the matrices that are equal to an earlier one."""
        kept: list[Matrix] = []
        for matrix in matrices:
            if all(self._find_distance(matrix, other) > _SAME for other in kept):
                kept.append(matrix)
        return kept

    def _find_distance(self, matrix: Matrix, other: Matrix) -> float:
        """Compute the largest distance (px) between the image corners mapped by two matrices."""
        height, width = self.shape[0] - 1, self.shape[1] - 1
        corners = numpy.array([[0, 0, height, height], [0, width, 0, width], [1, 1, 1, 1]])
        return float(numpy.abs((matrix - other) @ corners).max())

    def sort(self, matrices: Sequence[Matrix]) -> list[Matrix]:
        """Sort matrices by evidence, the largest first.

        The evidence is the logarithm of a likelihood ratio, ``- m log(1 - r^2) / 2``, summed over
        the images and their fine structure.
        """
        fine = self.select([True] * len(self.images))
        pairs = [
            (reference, image, weight / pixels)
            for level, pixels in ((self, _PIXELS_OF_ALL), (fine, _PIXELS_OF_FINE))
            for reference, image, weight in zip(
                level.references, level.images, self.weights, strict=True
            )
        ]

        def find_evidence(matrix: Matrix) -> float:
            total = 0.0
            for reference, image, weight in pairs:
                compared = self.kernel.compare(reference, image, matrix)
                r = 1 - compared.mse / 2
                if math.isfinite(r):
                    total -= weight * compared.overlap * math.log(max(1 - r**2, _LEAST_NOISE))
            return total

        return sorted(matrices, key=find_evidence, reverse=True)

    def find_wide_residuals(self, matrix: Matrix) -> list[bool]:
        """Find the stacks whose residual after the alignment is coarse structure.

        For noise, coarse structure makes up a tenth to a sixth of the mean square.
        """
        return [
            _find_wide_share(reference.pixels, resample_linear(image.pixels, matrix))
            > _LARGEST_SHARE
            for reference, image in zip(self.references, self.images, strict=True)
        ]


def _find_wide_share(reference: FloatImage, aligned: FloatImage) -> float:
    valid = numpy.isfinite(reference) & numpy.isfinite(aligned)
    if numpy.count_nonzero(valid) < 2:
        return 0.0
    a, b = reference[valid], aligned[valid]
    a, b = a - a.mean(), b - b.mean()
    residual = numpy.full(valid.shape, numpy.nan, dtype=a.dtype)
    residual[valid] = a - (a @ b) / max(b @ b, _TINY) * b
    wide = residual - fine_structure(Prepared.of(residual)).pixels
    # What interpolation leaves of smooth images is wide, too, but too small to pull them away.
    least = max(_LEAST_NOISE * (a @ a), _TINY)
    return float(numpy.nansum(wide**2) / max(numpy.nansum(residual**2), least))


def count_levels(shape: tuple[int, ...]) -> int:
    """Count the levels of the pyramid of an image, including the image itself."""
    halvings = max(0, math.ceil(math.log2(max(*shape, 1) / _COARSEST)))
    return 1 + min(halvings, max(0, int(math.log2(max(min(shape), 1) / _NARROWEST))))
