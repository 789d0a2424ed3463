"""Rank registrations."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from typing import Any
from typing import Literal

import numpy
from numpy.typing import NDArray

from .._messages import unknown_name
from .._stacks import Stack
from ..kernels import select_kernel
from ..transformation import Conventions
from ..transformation import Transformation
from ..transformation import TransformationSource
from ..transformation import TransformationType
from ..transformation import as_registrations
from ._checks import check_registration_per_stack
from ._checks import check_same_image_shapes
from ._checks import check_same_number_of_images
from ._checks import check_stack_per_registration
from ._checks import check_transformation_per_image
from ._jobs import FEWEST_IMAGES_ELSEWHERE
from ._jobs import Reporter
from ._jobs import choose_workers
from ._jobs import make_jobs
from ._jobs import run_jobs
from ._ranking import rank_registrations
from ._result import Evaluation
from ._score_stack import StackScores
from .eval_metrics import moved_corners
from .eval_metrics import mse_eval
from .eval_metrics import smoothness_eval


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
    :raises ValueError: when the names of stacks and registrations or the numbers of images and
        transformations differ, there are no images, or these are no transformations.
    :raises TypeError: when these are no transformations; names the stack.
    :raises OSError: when a file of transformations is missing or cannot be read.
    """
    for name, stack in aligned_stacks.items():
        if len(stack) == 0:
            raise ValueError(f"Stack {name!r} has no images")
    registrations = as_registrations(transformations)
    check_registration_per_stack(aligned_stacks, registrations)
    check_stack_per_registration(aligned_stacks, registrations)
    check_transformation_per_image(aligned_stacks, registrations)

    def nan_last(name: str) -> tuple[bool, float]:
        stack = aligned_stacks[name]
        size = numpy.shape(stack[0])
        total = mse_eval(stack, 0) + smoothness_eval(registrations[name], size)
        return math.isnan(total), 0.0 if math.isnan(total) else total

    return sorted(aligned_stacks, key=nan_last)


def evaluate_stacks(
    image_stacks: Any,
    transformations: Mapping[str, TransformationSource],
    *,
    registered_from: Mapping[str, str | None] | None = None,
    evaluate_on: Literal["all", "own"] = "all",
    convention: Conventions = None,
    progress: Callable[[float], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
    max_workers: int | None = None,
    executor: Executor | None = None,
) -> Evaluation:
    """Rank registrations by how well they align stacks of images.

    Each stack is read once, image by image. Every image is brought to one scale and smoothed
    (:meth:`.Kernel.prepare`), resampled with each registration's transformation of that image
    (linear interpolation) and compared with the reference image, which is the first one
    (:meth:`.Kernel.compare`): in the frame of the reference image, with the passive matrix
    ``M[n] inv(M[0])``, or, where transformations do not compose, in the frame of the result. The
    error that is left, as a fraction of the error without alignment, and the smoothness of the
    registration make its score::

        R[k, j] = min(M[k, j] / (U[j] + 0.01), 1)
        w[j] = 0.01 + 1 - min(R[l, j] for registrations l that were not found from stack j)
        score[k] = sum(w[j] R[k, j]) / sum(w[j]) + 0.3 smoothness[k]

    with the relative error R of registration k on stack j, M the mean MSE of its images but the
    reference image and U the same without alignment. The weights w let those stacks decide that
    show the motion; they are 1 for one stack and for `"own"`.

    :param image_stacks: S stacks of N images of shape `(H, W)`, in any form that
        :func:`.open_stacks` takes; NaN and infinity are invalid pixels.
    :param transformations: K registrations: for each name N transformations, in any form that
        :func:`.as_transformations` takes.
    :param registered_from: for each registration the name of the stack it was found from, or None
        where that is not known. Where not given, a registration was found from the stack that has
        its name.
    :param evaluate_on: score every registration on `"all"` stacks or on its `"own"` stack only.
    :param convention: what the numbers of the registrations mean, of all or by name, see
        :func:`.as_transformations`.
    :param progress: called with the fraction that is done, 0 to 1, never decreasing.
    :param should_stop: asked after each image, or some fifty times a second while workers work;
        the evaluation ends when it answers True and the images that have begun are done.
    :param max_workers: how many workers share the work: None or -1 for as many as this process may
        use, 0 for none, so that all is done in this thread. They are threads where numba does the
        work, and processes for HDF5 datasets where numpy does it or gzip has to be decompressed,
        which threads cannot share. Where there is little to do none is started. The numbers are
        the same to the last bit.
    :param executor: does the work instead, whatever `max_workers` says. Any executor will do. To
        processes go the addresses of stacks that are in HDF5 files, and the pixels of others. It is
        not shut down.
    :returns: names sorted by score, best first, ties in the order of `transformations`, and the
        numbers behind it. The order of stacks and registrations changes no number. Last come
        registrations that cannot be scored: those with a transformation that is singular or not
        finite, whose own stack shows nothing to compare, or that leave nothing to compare. They
        follow smoothness (not finite: last).
    :raises ValueError: when there are no stacks, no images or no registrations, a registration
        does not have a transformation for each image, a name is unknown, `evaluate_on` is unknown,
        `max_workers` is less than -1, images have different shapes within a stack or, for `"all"`,
        between stacks, or a registration that is scored on its own stack has none.
    :raises TypeError: when pixels are not real numbers or these are no transformations.
    :raises OSError: when a file is missing or cannot be read.
    :raises concurrent.futures.CancelledError: when `should_stop` answered True.
    :raises RuntimeError: when a worker died.
    :warns RuntimeWarning: when registrations cannot be scored; names them and says why. Once when
        there are infinite pixels; counts them per stack. The result has them as `warnings`.

    Three registrations of one stack:

    >>> import numpy
    >>> from ewoksndreg import evaluate_stacks
    >>> scene = numpy.random.default_rng(0).normal(size=(60, 60)).cumsum(0).cumsum(1)
    >>> stack = numpy.stack([scene[10 - n : 50 - n, 10:50] for n in range(4)])
    >>> tools = {f"{step} px": [(step * n, 0) for n in range(4)] for step in (0, 1, 2)}
    >>> sources = dict.fromkeys(tools, "Ca-K")
    >>> result = evaluate_stacks({"Ca-K": stack}, tools, registered_from=sources)
    >>> result.best
    '1 px'
    """
    if evaluate_on not in ("all", "own"):
        raise ValueError(unknown_name("evaluate_on", evaluate_on, ("all", "own")))
    with ExitStack() as context:
        from ..io import open_stacks  # whoever imports this may have no use for HDF5

        stacks = context.enter_context(open_stacks(image_stacks))
        if not stacks:
            raise ValueError("There are no image stacks to rank")
        registrations = as_registrations(transformations, convention)
        sources = _find_sources(stacks, registrations, registered_from, evaluate_on)
        check_transformation_per_image(stacks, registrations)
        check_same_number_of_images(stacks, registrations)
        if not registrations:
            raise ValueError("There are no registrations to rank")
        scored = numpy.ones((len(registrations), len(stacks)), dtype=bool)
        if evaluate_on == "all":
            check_same_image_shapes({name: stack.shape[1:] for name, stack in stacks.items()})
        else:
            scored[:] = [[source == name for name in stacks] for source in sources.values()]
        scores = _score_stacks(
            stacks,
            registrations,
            scored,
            Reporter(sum(len(stack) for stack in stacks.values()), progress, should_stop),
            max_workers,
            executor,
        )
        shapes = {
            name: stacks[source or next(iter(stacks))].shape[1:] for name, source in sources.items()
        }
    result = rank_registrations(
        scores,
        scored,
        sources,
        {name: smoothness_eval(registrations[name], shape) for name, shape in shapes.items()},
        _find_diverged(registrations, shapes),
    )
    for message in result.warnings:
        warnings.warn(message, RuntimeWarning, stacklevel=2)
    return result


def _find_sources(
    stacks: Collection[str],
    registrations: Collection[str],
    registered_from: Mapping[str, str | None] | None,
    evaluate_on: str,
) -> dict[str, str | None]:
    """For each registration the stack it was found from."""
    if registered_from is None:
        registered_from = {name: name for name in registrations if name in stacks}
    for name, source in registered_from.items():
        if name not in registrations:
            raise ValueError(unknown_name("registration", name, registrations))
        if source is not None and source not in stacks:
            raise ValueError(unknown_name(f"stack of registration {name!r},", source, stacks))
    sources = {name: registered_from.get(name) for name in registrations}
    if evaluate_on == "own":
        check_stack_per_registration(stacks, [n for n, source in sources.items() if source is None])
    return sources


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


def _find_diverged(
    registrations: Mapping[str, Sequence[Transformation]], shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, int]:
    """For registrations with a transformation that is singular or not finite, the first one."""
    diverged = {}
    for name, shape in shapes.items():
        for n, transformation in enumerate(registrations[name]):
            if not numpy.isfinite(moved_corners(transformation, shape)).all():
                diverged[name] = n
                break
    return diverged
