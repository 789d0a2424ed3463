"""Rank lists of transformations."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from typing import Any
from typing import Literal

import numpy
from numpy.typing import NDArray

from .._messages import located
from .._messages import unknown_name
from .._stacks import Stack
from .._stacks import as_stack
from ..kernels import select_kernel
from ..transformation import Transformation
from ..transformation import TransformationSource
from ..transformation import TransformationType
from ..transformation import as_transformation_lists
from .checks import check_same_image_shapes
from .checks import check_same_number_of_images
from .checks import check_some_images
from .checks import check_stack_per_list
from .checks import check_transformation_per_image
from .eval_metrics import moved_corners
from .eval_metrics import mse_eval
from .eval_metrics import smoothness_eval
from .jobs import FEWEST_IMAGES_ELSEWHERE
from .jobs import Reporter
from .jobs import choose_workers
from .jobs import make_jobs
from .jobs import run_jobs
from .ranking import rank_lists
from .result import Evaluation
from .score_stack import StackScores


def post_evaluation(
    aligned_stacks: Mapping[str, Any],
    transformations: Mapping[str, TransformationSource],
) -> list[str]:
    """Stack names sorted by the sum of the two plain measures, best first.

    This is how ewoksndreg 0.5.0 ranks. The sum depends on the units of the stacks and rewards
    lost overlap; use :func:`evaluate_stacks` to decide.

    :param aligned_stacks: for each name N images, after their transformations were applied.
    :param transformations: for each name N transformations, in any form that
        :func:`.as_transformations` takes.
    :returns: ascending sum of :func:`mse_eval` with the first image as reference and
        :func:`smoothness_eval`; NaN last; ties in the order of `aligned_stacks`.
    :raises ValueError: when the names of stacks and lists or the numbers of images and
        transformations differ, there are no images, or these are no transformations.
    :raises TypeError: when these are no transformations; names the stack.
    :raises OSError: when a file of transformations is missing or cannot be read.
    """
    check_some_images(aligned_stacks)
    lists = as_transformation_lists(transformations)
    check_transformation_per_image(aligned_stacks, lists)
    check_stack_per_list(aligned_stacks, lists)

    def nan_last(name: str) -> tuple[bool, float]:
        stack = aligned_stacks[name]
        size = numpy.shape(stack[0])
        total = mse_eval(stack, 0) + smoothness_eval(lists[name], size)
        return math.isnan(total), 0.0 if math.isnan(total) else total

    return sorted(aligned_stacks, key=nan_last)


def evaluate_stacks(
    image_stacks: Mapping[str, Any],
    transformations: Mapping[str, TransformationSource],
    *,
    evaluate_on: Literal["all", "own"] = "all",
    progress: Callable[[float], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
    max_workers: int | None = None,
    executor: Executor | None = None,
) -> Evaluation:
    """Rank lists of transformations by how well they align stacks of images.

    Each stack is read once, image by image. Every image is brought to one scale and smoothed
    (:meth:`.Kernel.prepare`), resampled with each list's transformation of that image (linear
    interpolation) and compared with the first image (:meth:`.Kernel.compare`): in the frame of the
    first image, with the passive matrix ``M[n] inv(M[0])``, or, where transformations do not
    compose, in the frame of the result. The error that is left, as a fraction of the error without
    alignment, and the smoothness of the list make its score::

        R[k, j] = min(M[k, j] / (U[j] + 0.01), 1)
        w[j] = 0.01 + 1 - min(R[l, j] for l != j)
        score[k] = sum(w[j] R[k, j]) / sum(w[j]) + 0.3 smoothness[k]

    with the relative MSE R of list k on stack j, M the mean MSE of its images from the second on
    and U the same without alignment. The weights w let those stacks decide that show the motion;
    they are 1 for `"own"`.

    :param image_stacks: for each name N images of shape `(H, W)`; NaN and infinity are missing
        pixels.
    :param transformations: for each name the N transformations registered from that stack, in any
        form that :func:`.as_transformations` takes.
    :param evaluate_on: judge every list on `"all"` stacks or on its `"own"` stack only.
    :param progress: called with the fraction that is done, 0 to 1, never decreasing.
    :param should_stop: asked after each image, or some fifty times a second while workers work;
        the evaluation ends when it answers True and the images that have begun are done.
    :param max_workers: how many workers share the work: None or -1 for as many as this process may
        use, 0 for none, so that all is done in this thread. They are threads where numba does the
        work, and processes for HDF5 datasets where numpy does it or gzip has to be decompressed,
        which threads cannot share. Where there is little to do none is started. The numbers are
        the same to the last bit.
    :param executor: does the work instead, whatever `max_workers` says. Any executor will do. To
        processes go the addresses of stacks that :func:`.input_context` made from URLs, and the
        pixels of others. It is not shut down.
    :returns: names sorted by score, best first, ties in the order of `image_stacks`, and the
        numbers behind it. The order of the stacks changes no number. Last come lists that cannot
        be judged: those with a transformation that is singular or not finite, whose own stack
        shows nothing to compare, or that leave nothing to compare. They follow smoothness (not
        finite: last).
    :raises ValueError: when names or numbers of stacks and lists differ, there are no stacks or no
        images, `evaluate_on` is unknown, `max_workers` is less than -1, images have different
        shapes within a stack or, for `"all"`, between stacks.
    :raises TypeError: when pixels are not real numbers or these are no transformations.
    :raises OSError: when a file of transformations is missing or cannot be read.
    :raises concurrent.futures.CancelledError: when `should_stop` answered True.
    :raises RuntimeError: when a worker died.
    :warns RuntimeWarning: when lists cannot be judged; names them and says why. Once when there
        are infinite pixels; counts them per stack. The result has them as `warnings`.
    """
    if evaluate_on not in ("all", "own"):
        raise ValueError(unknown_name("evaluate_on", evaluate_on, ("all", "own")))
    if not image_stacks:
        raise ValueError("There are no image stacks to rank")
    check_some_images(image_stacks)
    lists = as_transformation_lists(transformations)
    check_transformation_per_image(image_stacks, lists)
    check_stack_per_list(image_stacks, lists)
    check_same_number_of_images(image_stacks)
    stacks = {name: _as_named_stack(name, images) for name, images in image_stacks.items()}
    shapes = {name: stack.shape[1:] for name, stack in stacks.items()}
    scored = numpy.identity(len(stacks), dtype=bool)
    if evaluate_on == "all":
        check_same_image_shapes(shapes)
        scored[:] = True

    registrations = {name: lists[name] for name in stacks}
    scores = _score_stacks(
        stacks,
        registrations,
        scored,
        Reporter(sum(len(stack) for stack in stacks.values()), progress, should_stop),
        max_workers,
        executor,
    )
    result = rank_lists(
        scores,
        scored,
        {name: smoothness_eval(registrations[name], shapes[name]) for name in stacks},
        _first_diverged(registrations, shapes),
    )
    for message in result.warnings:
        warnings.warn(message, RuntimeWarning, stacklevel=2)
    return result


def _as_named_stack(name: str, images: Any) -> Stack:
    try:
        return as_stack(images)
    except (OSError, TypeError, ValueError) as error:
        raise located(error, f"Stack {name!r}") from error


def _score_stacks(
    stacks: Mapping[str, Stack],
    registrations: Mapping[str, Sequence[Transformation]],
    scored: NDArray[numpy.bool_],
    reporter: Reporter,
    max_workers: int | None,
    executor: Executor | None,
) -> dict[str, StackScores]:
    """Score the registrations on the stacks where they are to be scored, shape `(K, stacks)`."""
    operations = _count_operations(stacks, registrations, scored)
    kernel = select_kernel(operations).name
    with ExitStack() as context:
        fewest_images: int | None = FEWEST_IMAGES_ELSEWHERE
        if executor is None:
            workers = choose_workers(stacks, registrations, operations, kernel, max_workers)
            executor, fewest_images = context.enter_context(workers)
        jobs = make_jobs(stacks, registrations, scored, kernel, fewest_images)
        found = run_jobs(jobs, reporter, executor)
    parts: dict[str, list[StackScores]] = {name: [] for name in stacks}
    for job, part in zip(jobs, found, strict=True):
        parts[job.reference.name].append(part)
    return {name: StackScores.concatenate(each) for name, each in parts.items()}


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


def _first_diverged(
    transformations: Mapping[str, Sequence[Transformation]],
    shapes: Mapping[str, tuple[int, ...]],
) -> dict[str, int]:
    """For each list in which a transformation is singular or not finite, the first such image."""
    diverged = {}
    for name, shape in shapes.items():
        for n, transformation in enumerate(transformations[name]):
            if not numpy.isfinite(moved_corners(transformation, shape)).all():
                diverged[name] = n
                break
    return diverged
