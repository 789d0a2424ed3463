"""What is done with the images of all stacks, here or by workers."""

from __future__ import annotations

import math
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from typing import TypeVar

import numpy
from numpy.typing import NDArray

from .._stacks import Stack
from ..kernels import select_kernel
from ..transformation import Transformation
from ..transformation import TransformationType
from ._inspection import Inspection
from ._inspection import InspectionJob
from ._inspection import inspect_images
from ._jobs import FEWEST_IMAGES_ELSEWHERE
from ._jobs import Job
from ._jobs import Reporter
from ._jobs import Workers
from ._jobs import choose_workers
from ._jobs import split_images
from ._prepared_images import PreparedImages
from ._prepared_images import ReferenceImage
from ._remaining_shift import choose_images
from ._score_stack import ScoreJob
from ._score_stack import StackScores
from ._score_stack import score_images
from ._unchanging import LookJob
from ._unchanging import Unchanging
from ._unchanging import find_unchanging
from ._unchanging import images_to_look_at

_J = TypeVar("_J", bound=Job)
_R = TypeVar("_R")


class StackWork(ExitStack):
    """Passes over the images of S stacks. As a context it keeps the workers.

    :param registrations: N transformations for each of K registrations.
    :param scored: which registration is scored on which stack, shape `(K, S)`.
    """

    def __init__(
        self,
        stacks: Mapping[str, Stack],
        registrations: Mapping[str, Sequence[Transformation]],
        scored: NDArray[numpy.bool_],
        reporter: Reporter,
        max_workers: int | None,
        executor: Executor | None,
    ) -> None:
        super().__init__()
        self._registrations = registrations
        self._scored = scored
        operations = _count_operations(stacks, registrations, scored)
        kernel = select_kernel(operations).name
        fewest_images: int | None = FEWEST_IMAGES_ELSEWHERE
        if executor is None:
            executor, fewest_images = self.enter_context(
                choose_workers(stacks, registrations, operations, kernel, max_workers)
            )
        self._fewest_images = fewest_images
        self._workers = Workers(executor, reporter)
        self._images = {
            name: PreparedImages(name, stack, 0, kernel) for name, stack in stacks.items()
        }

    def leave_out_unchanging(self) -> dict[str, Unchanging]:
        """Find the pixels of each stack that never change; from now on they are invalid."""
        jobs = [
            LookJob(images.with_stack(images_to_look_at(images.stack)))
            for images in self._images.values()
        ]
        found = self._workers.run(find_unchanging, jobs, counted=False)
        for images, each in zip(self._images.values(), found, strict=True):
            images.unchanging = each.bits
        return dict(zip(self._images, found, strict=True))

    def score(self, reference: int) -> dict[str, StackScores]:
        """Compare all images with one of their stack under the registrations that are scored."""
        parts = self._run(score_images, self.make_score_jobs(reference))
        return {name: StackScores.concatenate(each) for name, each in parts.items()}

    def make_score_jobs(self, reference: int) -> list[ScoreJob]:
        jobs = []
        for j, images in enumerate(self._images.values()):
            shared = ReferenceImage(images.part(range(reference, reference + 1)))
            for part in split_images(images.stack, self._fewest_images):
                registrations = [
                    (each[reference], each[part.start : part.stop]) if self._scored[k, j] else None
                    for k, each in enumerate(self._registrations.values())
                ]
                jobs.append(ScoreJob(shared, images.part(part), registrations))
        return jobs

    def inspect(self, registration: str, reference: int) -> dict[str, Inspection]:
        """Look at what a registration makes of the stacks on which it was scored."""
        transformations = self._registrations[registration]
        scored = self._scored[list(self._registrations).index(registration)]
        fewest = self._fewest_images and max(self._fewest_images, FEWEST_IMAGES_ELSEWHERE)
        measured = choose_images(len(transformations), reference)
        jobs = []
        for images, wanted in zip(self._images.values(), scored, strict=True):
            if not wanted:
                continue
            shared = ReferenceImage(images.part(range(reference, reference + 1)))
            for part in split_images(images.stack, fewest):
                start = max(0, part.start - 1)
                jobs.append(
                    InspectionJob(
                        shared,
                        images.part(range(start, part.stop)),
                        (transformations[reference], transformations[start : part.stop]),
                        [n for n in measured if n in part],
                    )
                )
        parts = self._run(inspect_images, jobs)
        return {name: Inspection.concatenate(each) for name, each in parts.items()}

    def _run(self, function: Callable[..., _R], jobs: Sequence[_J]) -> dict[str, list[_R]]:
        """The results by stack, in the order of the images."""
        results: dict[str, list[_R]] = {}
        for job, result in zip(jobs, self._workers.run(function, jobs), strict=True):
            results.setdefault(job.images.name, []).append(result)
        return results


def _count_operations(
    stacks: Mapping[str, Stack],
    registrations: Mapping[str, Sequence[Transformation]],
    scored: NDArray[numpy.bool_],
) -> float:
    """See :func:`.select_kernel`: each image is prepared, compared as it is and aligned."""
    pixels = [math.prod(stack.shape) for stack in stacks.values()]
    shifts = TransformationType.identity, TransformationType.translation
    costs = [
        1 if items[-1].transformation_type in shifts else 6 for items in registrations.values()
    ]
    return float(numpy.dot(pixels, 2 + numpy.dot(costs, scored)))
