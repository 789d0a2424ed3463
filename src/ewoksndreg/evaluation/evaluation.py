"""Rank registrations.

:func:`evaluate_stacks` uses the modules of this package in this order:

- `_candidates`: what is known about the registrations before images are compared,
- `_unchanging`: which pixels to ignore,
- `_compare_stacks`: align each image, and compare it with the reference image (`_prepared_images`:
  how it is read, `_jobs`: in which thread or process),
- `_ranking`: scores from these comparisons, and their order,
- `_rivals`: how the registrations differ,
- `_remaining_motion`, `_bad_images`: images aligned with the best registration,
- `_verdict`: what follows from the last two, and `_result`: all of it.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import replace
from numbers import Integral
from typing import Any
from typing import Literal

import numpy
from numpy.typing import NDArray

from .._messages import check_type
from .._progress import Reporter
from ..transformation import Conventions
from ..transformation import TransformationSource
from ..transformation import as_registrations
from ._candidates import Candidates
from ._checks import check_registration_per_stack
from ._checks import check_stack_per_registration
from ._checks import check_transformation_per_image
from ._compare_stacks import compare_stacks
from ._jobs import Workers
from ._ranking import Comparisons
from ._ranking import rank_registrations
from ._remaining_motion import MEASURED_IMAGES
from ._result import Evaluation
from ._result import Limits
from ._unchanging import leave_out_unchanging
from ._verdict import add_verdict
from .eval_metrics import mse_eval
from .eval_metrics import smoothness_eval

# Parts of the error without alignment, and of the pixels; see `_find_lost_images`.
_LOST = 0.75
_LEAST_OVERLAP = 0.2


def post_evaluation(
    aligned_stacks: Mapping[str, Any],
    transformations: Mapping[str, TransformationSource],
) -> list[str]:
    """Rank stacks like ewoksndreg 0.5.0, for comparison with old results.

    Stacks are sorted by the sum of :func:`.mse_eval`, with image 0 as the reference image, and
    :func:`.smoothness_eval`. This sum depends on the units of the stacks and favors a small
    overlap: use :func:`.evaluate_stacks` for decisions.

    :param aligned_stacks: N aligned images for each name.
    :param transformations: N transformations for each name, in any form that
        :func:`.as_transformations` accepts.
    :returns: the names in the order of ascending sums; NaN last; ties in the order of
        `aligned_stacks`.
    :raises ValueError: if the names of stacks and registrations or the numbers of images and
        transformations differ, there are no images, or an object is not a transformation.
    :raises TypeError: if an object is not a transformation; names the stack.
    :raises OSError: if a file of transformations is missing or cannot be read.

    >>> import numpy
    >>> from ewoksndreg.evaluation import post_evaluation
    >>> aligned = {"Ca": numpy.zeros((2, 8, 8)), "Fe": numpy.arange(128.0).reshape(2, 8, 8)}
    >>> post_evaluation(aligned, {"Ca": [(0, 0), (1, 0)], "Fe": [(0, 0), (1, 0)]})
    ['Ca', 'Fe']
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
        return math.isnan(total), total

    return sorted(aligned_stacks, key=nan_last)


def evaluate_stacks(
    image_stacks: Any,
    transformations: Mapping[str, TransformationSource],
    *,
    registered_from: Mapping[str, str | None] | None = None,
    evaluate_on: Literal["all", "own"] = "all",
    convention: Conventions = None,
    reference_image: int | Literal["auto"] = "auto",
    trust: bool = True,
    limits: Limits = Limits(),  # noqa: B008  # frozen
    progress: Callable[[float], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
    max_workers: int | None = None,
    executor: Executor | None = None,
) -> Evaluation:
    """Rank registrations by how well they align stacks of images, and decide how good and how
    reliable the best one is.

    Each image is normalized and smoothed (:meth:`.Kernel.prepare`), resampled with its
    transformation in each registration (linear interpolation), and compared with the reference
    image (:meth:`.Kernel.compare`): in the frame of the reference image q, with the passive matrix
    ``M[n] inv(M[q])``, or in the frame of the result if the transformations do not compose. The
    score of a registration consists of the error of the aligned images, relative to the error
    without alignment, and its smoothness::

        d = min(2 (1 - r), 2)
        R[k, j] = min(mean of d aligned / (mean of d unaligned + 0.01), 1)
        R0[j] = mean of d unaligned / (mean of d unaligned + 0.01)
        w[j] = 0.01 + max(R0[j] - min(R[l, j] for l not found from stack j), 0)
        score[k] = sum(w[j] sqrt(R[k, j])) / sum(w[j]) + 0.6 smoothness[k]

    where r is the Pearson correlation coefficient over the pixels that are valid in both images, d
    is 2 if they cannot be compared, and the means are over all images except the reference image.
    The weights w are large for stacks that show the motion; they are 1 for a single stack and for
    `"own"`.

    Before that, pixels that never change (the gap between two modules of a detector, a frame, the
    area outside an aperture) are found in about five images of each stack, and ignored.

    After that, some images are inspected with the best registration only, to measure the remaining
    shift, in at most 12 images of each stack, and to find images that resemble no other image.

    :param image_stacks: S stacks of N images of shape `(H, W)`, in any form that
        :func:`.open_stacks` accepts. NaN, infinity and the largest value of an unsigned integer
        type (of 16 bits or more) are invalid pixels.
    :param transformations: K registrations: N transformations for each name, in any form that
        :func:`.as_transformations` accepts. Images whose transformation is singular or not finite
        count as unrelated.
    :param registered_from: the name of the stack each registration was found from, or None if that
        is unknown. By default, a registration was found from the stack with the same name.
    :param evaluate_on: score each registration on `"all"` stacks or on its `"own"` stack only.
    :param convention: what the numbers of the registrations mean, of all or by name, see
        :func:`.as_transformations`.
    :param reference_image: index of the image with which the others are compared. `"auto"` is image
        0. If no registration removes half of the error of any stack, or one has nothing to compare,
        image 0 may be the reason, and the middle and the last image are reference images as well:
        each stack counts once for each reference image. This takes two more passes.
    :param trust: inspect images again, and decide on a verdict.
    :param limits: the limits for the verdict "good".
    :param progress: called with the completed fraction, from 0 to 1, never decreasing.
    :param should_stop: called after each image, or about fifty times a second if there are workers.
        The evaluation is cancelled if it returns True, once the running jobs are finished.
    :param max_workers: number of workers. None or -1: one per available processor; 0: this thread
        only. The workers are threads if numba is used, and processes for HDF5 datasets with numpy
        or with gzip compression, which threads cannot share. A small computation starts
        no workers. The result is the same bit for bit.
    :param executor: any executor to use instead, regardless of `max_workers`. For stacks in HDF5
        files, URLs are sent to other processes, and for other stacks pixels. It is not shut down.
    :returns: the names sorted by score, best first, ties in the order of `transformations`, and all
        results. The order of stacks and registrations does not change any number. Registrations
        that cannot be scored are last, sorted by smoothness (NaN last): those with more than half
        of the transformations singular or not finite, and those with nothing to compare.
    :raises ValueError: if there are no stacks, images or registrations, a registration does not
        have one transformation per image, a name or `evaluate_on` is unknown, the reference image
        does not exist, `max_workers` is less than -1, images differ in shape within a stack or, for
        `"all"`, between stacks, or a registration to score on its own stack has none.
    :raises TypeError: if pixels are not real numbers, an object is not a transformation, or
        `registered_from` or `limits` has another type.
    :raises OSError: if a file is missing or cannot be read.
    :raises concurrent.futures.CancelledError: if `should_stop` returned True.
    :raises RuntimeError: if a worker died.
    :warns RuntimeWarning: for each of the `warnings` of the result.

    Three registrations of one stack:

    >>> import numpy
    >>> from ewoksndreg import evaluate_stacks
    >>> scene = numpy.random.default_rng(0).normal(size=(60, 60)).cumsum(0).cumsum(1)
    >>> stack = numpy.stack([scene[10 - n : 50 - n, 10:50] for n in range(4)])
    >>> tools = {f"{step} px": [(step * n, 0) for n in range(4)] for step in (0, 1, 2)}
    >>> sources = dict.fromkeys(tools, "Ca-K")
    >>> result = evaluate_stacks({"Ca-K": stack}, tools, registered_from=sources)
    >>> result.best, result.verdict
    ('1 px', 'good')
    """
    check_type("limits", limits, Limits, "ewoksndreg.evaluation.Limits")
    with ExitStack() as context:
        from ..io import open_stacks  # not needed without stacks in HDF5

        stacks = context.enter_context(open_stacks(image_stacks))
        candidates = Candidates.of(
            stacks, transformations, convention, registered_from, evaluate_on
        )
        registrations = candidates.registrations
        references = _choose_references(reference_image, candidates.failed)
        number = candidates.failed.shape[1]
        inspected = min(number, 2 * MEASURED_IMAGES) * candidates.scored.sum(axis=1).max()
        total = number * len(stacks) + (int(inspected) if trust else 0)
        reporter = Reporter("evaluation", total, progress, should_stop)
        workers = context.enter_context(
            Workers(stacks, registrations, candidates.scored, reporter, max_workers, executor)
        )
        unchanging, marked = leave_out_unchanging(workers)
        comparisons, evaluation = _rank(workers, candidates, references, reporter)
        evaluation = replace(evaluation, unchanging_pixels=unchanging, marked_pixels=marked)
        evaluation = add_verdict(evaluation, comparisons, workers if trust else None, limits)
        reporter.finish()
    for message in evaluation.warnings:
        warnings.warn(message, RuntimeWarning, stacklevel=2)
    return evaluation


def _rank(
    workers: Workers, candidates: Candidates, references: Sequence[int], reporter: Reporter
) -> tuple[Comparisons, Evaluation]:
    """Compare all images with the first reference image and, if that may be bad, with all."""
    first, *others = references
    comparisons = compare_stacks(workers, candidates, first)
    evaluation = rank_registrations(comparisons)
    if others and _may_be_spoilt(evaluation, candidates.failed):
        reporter.extend(comparisons.unaligned_mse.size * len(others))
        comparisons = comparisons.join(
            [compare_stacks(workers, candidates, each) for each in others]
        )
        evaluation = rank_registrations(comparisons)
    return comparisons, evaluation


def _may_be_spoilt(evaluation: Evaluation, failed: NDArray[numpy.bool_]) -> bool:
    """Whether a bad reference image may be the reason for a poor result."""
    dismissed = numpy.array([not item.scored for item in evaluation.registrations.values()])
    mostly_failed = failed.mean(axis=1) > 0.5
    improved = bool((evaluation.relative_error**2 <= 0.5).any())
    return (
        not improved
        or bool((dismissed & ~mostly_failed).any())
        or bool(_find_lost_images(evaluation).any())
    )


def _find_lost_images(evaluation: Evaluation) -> NDArray[numpy.bool_]:
    """Find the images that no registration aligns with the reference image in any stack, and that
    lie beyond its field of view according to some registration, shape `(N,)`."""
    error = evaluation.relative_error_per_image**2
    known = numpy.isfinite(error)  # not the reference image, nor stacks that show nothing
    seen = evaluation.overlap >= _LEAST_OVERLAP  # few pixels may agree by chance
    smallest = error.min(axis=(0, 1), where=known & seen, initial=1)
    return numpy.asarray((smallest > _LOST) & (known & ~seen).any(axis=(0, 1)))


def _choose_references(
    reference_image: int | Literal["auto"], failed: NDArray[numpy.bool_]
) -> list[int]:
    """Choose the reference image, and those to use as well if it may be bad.

    :param failed: mask of the transformations that are singular or not finite, shape `(K, N)`. An
        image for which registrations failed is replaced with the nearest one for which fewest did.
    """
    number = failed.shape[1]
    if not isinstance(reference_image, str) or reference_image != "auto":
        is_index = isinstance(reference_image, Integral) and not isinstance(reference_image, bool)
        if not is_index or reference_image not in range(number):
            raise ValueError(
                f"There is no reference image {reference_image!r}: give 'auto' or the index of an"
                f" image, 0 to {number - 1}"
            )
        return [int(reference_image)]
    failures = failed.sum(axis=0)
    wanted = dict.fromkeys((0, (number - 1) // 2, number - 1))
    nearest = [min(range(number), key=lambda n: (failures[n], abs(n - each))) for each in wanted]
    return list(dict.fromkeys(nearest))
