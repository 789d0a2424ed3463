"""Align the images of all stacks together with a reference image."""

from __future__ import annotations

import math
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from functools import partial
from typing import NamedTuple
from typing import TypeVar

import numpy
from numpy.typing import NDArray

from ._progress import Reporter
from ._stacks import Stack
from ._typing import Matrix
from .evaluation import MSE_FLOOR
from .evaluation import OPPOSITE
from .evaluation import WEIGHT_FLOOR
from .evaluation import Job
from .evaluation import PreparedImages
from .evaluation import ReferenceImage
from .evaluation import Workers
from .evaluation import leave_out_unchanging
from .kernels import UNRELATED
from .registration import CoarseSearch
from .registration import count_levels
from .registration import make_pyramid
from .registration import refine_image
from .registration import rescale
from .transformation import Transformation
from .transformation import TransformationType

# Comparisons of an image: hardly any alignment takes the largest number of steps.
_STEPS = 8

# The weight of a stack that shows the motion: less is what noise and static patterns have.
SHOWS_MOTION = 0.05

# In a pair of images with nothing but noise, what is found removes this part of the error by
# chance.
_FITS_NOISE = 0.34

_T = TypeVar("_T")


class JointAlignment(ExitStack):
    """Aligns the images of several stacks with a reference image, as a context that keeps the
    workers.

    :param registration: the transformations to start from. Images whose transformation is singular
        or not finite are not aligned.
    :param reference: index of the reference image.
    """

    def __init__(
        self,
        stacks: Mapping[str, Stack],
        registration: Sequence[Transformation],
        reference: int,
        transformation_type: TransformationType,
        reporter: Reporter,
        max_workers: int | None,
        executor: Executor | None,
    ) -> None:
        super().__init__()
        comparisons = numpy.full((1, len(stacks)), _STEPS)
        self._workers = self.enter_context(
            Workers(stacks, {"": registration}, comparisons, reporter, max_workers, executor)
        )
        leave_out_unchanging(self._workers)
        self._reference = reference
        self._type = transformation_type
        frame = registration[reference]
        self._starts = [each.between(frame) for each in registration]
        self._starts[reference] = None
        self._levels = 1

    def align(self, weights: Mapping[str, float]) -> list[Matrix | None]:
        """Align each image in all stacks together, see :func:`.refine_image`.

        :param weights: the weights of the stacks to use.
        :returns: the passive matrices in the frame of the reference image; None for images that are
            not aligned, or cannot be.
        """
        align = partial(_align_images, weights=list(weights.values()), levels=self._levels)
        return self._run(align, list(weights))

    def search(self) -> dict[str, float]:
        """Search for each image in small copies of the reference image, in each stack on its own,
        and compare what was found in all stacks. The best matrix of each image is the new start,
        and :meth:`align` aligns smaller copies of the images first.

        :returns: the weights of the stacks: what the new starts remove of their errors. Empty, and
            nothing changes, if they remove no more than they might from noise.
        """
        names = [images.name for images in self._workers.images]
        found = self._run(_search_images, names)
        searched = {n: each for n, each in enumerate(found) if each is not None}
        if not searched:
            return {}
        removed = _find_removed([each.errors for each in searched.values()])
        by_chance = _FITS_NOISE / math.sqrt(len(searched))
        # A registration counts for its own stack as far as it removes more than it would of noise:
        # so a single stack that shows the motion outweighs a pattern that does not move.
        own = numpy.eye(1 + len(names), len(names), -1)
        weights = (removed.mean(axis=0) - by_chance * own).max(axis=0)
        # A stack has no say where an image fits worse than without alignment, as a pattern does.
        best = (numpy.maximum(removed, 0) @ numpy.maximum(weights, WEIGHT_FLOOR)).argmax(axis=1)
        gained = removed[range(len(best)), best].mean(axis=0)
        if gained.max() < by_chance:
            return {}
        for (n, each), k in zip(searched.items(), best, strict=True):
            self._starts[n] = each.matrices[k]
        self._levels = count_levels(self._workers.images[0].stack.shape[1:])
        return dict(zip(names, numpy.maximum(gained, 0).tolist(), strict=True))

    def _run(self, function: Callable[..., list[_T]], names: Sequence[str]) -> list[_T]:
        """Run a function on chunks of the images of some stacks.

        :param function: called with the images and the reference image of each stack, the passive
            matrix to start from for each image (None: its transformation is kept), and the type.
        """
        stacks = [images for images in self._workers.images if images.name in names]

        def make_jobs() -> Iterator[Job[list[_T]]]:
            references = [ReferenceImage(images, self._reference) for images in stacks]
            for chunk in self._workers.split(self._workers.images[0]):
                some = [images[chunk] for images in stacks]
                starts = self._starts[chunk]
                yield some[0], partial(function, some, references, starts, self._type)

        # All jobs are counted for the first of the stacks.
        (parts,) = self._workers.run(make_jobs()).values()
        return [each for part in parts for each in part]


def _align_images(
    stacks: Sequence[PreparedImages],
    reference_images: Sequence[ReferenceImage],
    starts: Sequence[Matrix | None],
    transformation_type: TransformationType,
    on_image: Callable[[], object] = lambda: None,
    *,
    weights: Sequence[float],
    levels: int,
) -> list[Matrix | None]:
    kernel = stacks[0].kernel
    references = [make_pyramid(each.prepare(), levels, kernel) for each in reference_images]
    buffers = [numpy.empty_like(reference[0].pixels) for reference in references]

    def align(n: int, start: Matrix) -> Matrix | None:
        pyramids = [
            make_pyramid(images.prepare(n, out=buffer), levels, kernel)
            for images, buffer in zip(stacks, buffers, strict=True)
        ]
        return refine_image(references, pyramids, start, transformation_type, weights, kernel)

    return _apply(align, stacks, starts, on_image)


class _Candidates(NamedTuple):
    """Matrices of one image: the given one, and one that was found from each of the S stacks.

    :param errors: standardized MSE in each stack, without alignment and with each matrix, shape
        `(2 + S, S)`.
    """

    matrices: list[Matrix]
    errors: NDArray[numpy.float64]


def _find_removed(errors: Sequence[NDArray[numpy.float64]]) -> NDArray[numpy.float64]:
    """Compute which part of the error of a stack each matrix removes; see :class:`.Comparisons`.

    :param errors: of each image, see :class:`_Candidates`.
    :returns: shape `(N, 1 + S, S)`; negative if the error increases.
    """
    mse = numpy.nan_to_num(numpy.array(errors), nan=UNRELATED)
    # The contrast is opposite if the strongest correlation is negative, and strong.
    lowest, highest = mse.min(axis=1, keepdims=True), mse.max(axis=1, keepdims=True)
    opposite = (highest > OPPOSITE) & (lowest + highest > 4)
    mse = numpy.minimum(numpy.where(opposite, 4 - mse, mse), UNRELATED)
    before = mse[:, :1]
    return numpy.asarray((before - mse[:, 1:]) / (before.mean(axis=0) + MSE_FLOOR))


def _search_images(
    stacks: Sequence[PreparedImages],
    reference_images: Sequence[ReferenceImage],
    starts: Sequence[Matrix | None],
    transformation_type: TransformationType,
    on_image: Callable[[], object] = lambda: None,
) -> list[_Candidates | None]:
    kernel = stacks[0].kernel
    levels = count_levels(stacks[0].stack.shape[1:])
    factor = 0.5 ** (levels - 1)
    references = [make_pyramid(each.prepare(), levels, kernel)[-1] for each in reference_images]
    searches = [CoarseSearch(each, transformation_type, kernel) for each in references]

    def search(n: int, start: Matrix) -> _Candidates:
        small = [make_pyramid(images.prepare(n), levels, kernel)[-1] for images in stacks]
        start = rescale(start, factor)
        found = [each.find(image, start) for each, image in zip(searches, small, strict=True)]
        matrices = [start, *found]
        errors = [
            [kernel.compare(a, b, matrix).mse for a, b in zip(references, small, strict=True)]
            for matrix in (None, *matrices)
        ]
        return _Candidates([rescale(each, 1 / factor) for each in matrices], numpy.array(errors))

    return _apply(search, stacks, starts, on_image)


def _apply(
    function: Callable[[int, Matrix], _T],
    stacks: Sequence[PreparedImages],
    starts: Sequence[Matrix | None],
    on_image: Callable[[], object],
) -> list[_T | None]:
    """Call a function with the index of each image and its start; None where there is no start."""
    found = []
    with ExitStack() as context:
        for images in stacks:
            context.enter_context(images.open())
        for n, start in enumerate(starts):
            found.append(None if start is None else function(n, start))
            on_image()
    return found
