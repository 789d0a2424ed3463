"""Passes over the images of all stacks, in this thread or by workers."""

from __future__ import annotations

import math
from collections.abc import Mapping
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from functools import partial

import numpy
from numpy.typing import NDArray

from .._progress import Reporter
from .._stacks import Stack
from ..kernels import select_kernel
from ..transformation import Transformation
from ..transformation import TransformationType
from ._inspection import Inspection
from ._inspection import inspect_images
from ._jobs import FEWEST_IMAGES_ELSEWHERE
from ._jobs import Job
from ._jobs import Workers
from ._jobs import choose_workers
from ._jobs import split_images
from ._prepared_images import PreparedImages
from ._prepared_images import ReferenceImage
from ._remaining_shift import choose_images
from ._score_stack import StackScores
from ._score_stack import score_images
from ._unchanging import Unchanging
from ._unchanging import choose_few
from ._unchanging import find_unchanging


class StackWork(ExitStack):
    """Passes over the images of S stacks, as a context that keeps the workers.

    :param registrations: N transformations for each of K registrations.
    :param scored: whether a registration is scored on a stack, shape `(K, S)`.
    :param repetitions: how often the images are compared for each registration.
    """

    def __init__(
        self,
        stacks: Mapping[str, Stack],
        registrations: Mapping[str, Sequence[Transformation]],
        scored: NDArray[numpy.bool_],
        reporter: Reporter,
        max_workers: int | None,
        executor: Executor | None,
        repetitions: int = 1,
    ) -> None:
        super().__init__()
        self._registrations = registrations
        self._scored = scored
        operations = _count_operations(stacks, registrations, repetitions * scored)
        kernel = select_kernel(operations).name
        fewest_images: int | None = FEWEST_IMAGES_ELSEWHERE
        if executor is None:
            executor, fewest_images = self.enter_context(
                choose_workers(stacks, registrations, operations, kernel, max_workers)
            )
        self._fewest_images = fewest_images
        self.workers = Workers(executor, reporter)
        self._images = {
            name: PreparedImages(name, stack, 0, kernel) for name, stack in stacks.items()
        }

    @property
    def images(self) -> list[PreparedImages]:
        """The images of each stack."""
        return list(self._images.values())

    def split(self) -> list[range]:
        """Split the images into chunks for all stacks, see :func:`.split_images`."""
        return split_images(self.images[0].stack, self._fewest_images)

    def leave_out_unchanging(self) -> dict[str, Unchanging]:
        """Find the pixels of each stack that never change, and mark them as invalid."""
        few = map(choose_few, self.images)
        jobs = [Job(images, (), partial(find_unchanging, images)) for images in few]
        found = self.workers.run(jobs, counted=False)
        for images, each in zip(self._images.values(), found, strict=True):
            images.unchanging = each.bits
        return dict(zip(self._images, found, strict=True))

    def score(self, reference: int) -> dict[str, StackScores]:
        """Compare all images with one of their stack, aligned with the registrations to score."""
        jobs = self.make_score_jobs(reference)
        parts: dict[str, list[StackScores]] = {name: [] for name in self._images}
        for job, part in zip(jobs, self.workers.run(jobs), strict=True):
            parts[job.images.name].append(part)
        return {name: StackScores.concatenate(each) for name, each in parts.items()}

    def make_score_jobs(self, reference: int) -> list[Job[StackScores]]:
        jobs = []
        for j, images in enumerate(self._images.values()):
            shared = ReferenceImage(images.part(range(reference, reference + 1)))
            for part in split_images(images.stack, self._fewest_images):
                registrations = [
                    (each[reference], each[part.start : part.stop]) if self._scored[k, j] else None
                    for k, each in enumerate(self._registrations.values())
                ]
                some = images.part(part)
                compare = partial(score_images, some, shared, registrations)
                jobs.append(Job(some, (shared,), compare))
        return jobs

    def inspect(
        self, registration: str, reference: int, suspects: Mapping[str, Sequence[int]]
    ) -> dict[str, Inspection]:
        """Inspect a few aligned images of the stacks on which a registration was scored.

        :param suspects: images of each stack to compare with their neighbors.
        """
        transformations = self._registrations[registration]
        scored = self._scored[list(self._registrations).index(registration)]
        number = len(transformations)
        measured = choose_images(number, reference)
        jobs, found = [], {}
        for images, wanted in zip(self._images.values(), scored, strict=True):
            if not wanted:
                continue
            found[images.name] = Inspection.empty(number)
            shared = ReferenceImage(images.part(range(reference, reference + 1)))
            before = {n - 1 for n in (*measured, *suspects.get(images.name, ()))}
            after = {n + 1 for n in suspects.get(images.name, ())}
            needed = {*measured, *suspects.get(images.name, ()), *before, *after}
            for run in _find_runs(needed & set(range(number))):
                pair = transformations[reference], transformations[run.start : run.stop]
                some = images.part(run)
                inspect = partial(inspect_images, some, shared, pair, measured)
                jobs.append(Job(some, (shared,), inspect))
        for job, part in zip(jobs, self.workers.run(jobs), strict=True):
            start = job.images.first_index
            found[job.images.name].fill(range(start, start + len(job.images)), part)
        return found


def _find_runs(numbers: set[int]) -> list[range]:
    """Find runs of consecutive numbers."""
    runs: list[range] = []
    for n in sorted(numbers):
        if runs and runs[-1].stop == n:
            runs[-1] = range(runs[-1].start, n + 1)
        else:
            runs.append(range(n, n + 1))
    return runs


def _count_operations(
    stacks: Mapping[str, Stack],
    registrations: Mapping[str, Sequence[Transformation]],
    comparisons: NDArray[numpy.int64],
) -> float:
    """Count the operations for :func:`.select_kernel`: each image is prepared, and compared with
    and without alignment.

    :param comparisons: how often each registration is compared with each stack, shape `(K, S)`.
    """
    pixels = [math.prod(stack.shape) for stack in stacks.values()]
    shifts = TransformationType.identity, TransformationType.translation
    costs = [
        1 if items[-1].transformation_type in shifts else 6 for items in registrations.values()
    ]
    return float(numpy.dot(pixels, 2 + numpy.dot(costs, comparisons)))
