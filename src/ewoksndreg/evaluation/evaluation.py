"""Rank registrations."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from collections.abc import Collection
from collections.abc import Mapping
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import replace
from typing import Any
from typing import Literal

import numpy
from numpy.typing import NDArray

from .._messages import unknown_name
from .._progress import Reporter
from ..transformation import Conventions
from ..transformation import TransformationSource
from ..transformation import as_registrations
from ._checks import check_reference_image
from ._checks import check_registration_per_stack
from ._checks import check_same_image_shapes
from ._checks import check_same_number_of_images
from ._checks import check_stack_per_registration
from ._checks import check_transformation_per_image
from ._comparisons import Comparisons
from ._corners import find_smoothness
from ._corners import move_all_corners
from ._inspection import Inspection
from ._ranking import rank_registrations
from ._remaining_shift import MEASURED_IMAGES
from ._result import Evaluation
from ._score_stack import StackScores
from ._stack_work import StackWork
from ._verdict import Limits
from ._verdict import add_verdict
from ._verdict import compare_registrations
from ._verdict import find_all_suspects
from .eval_metrics import mse_eval
from .eval_metrics import smoothness_eval


def post_evaluation(
    aligned_stacks: Mapping[str, Any],
    transformations: Mapping[str, TransformationSource],
) -> list[str]:
    """Stack names sorted by the sum of the two plain measures, best first.

    This is how ewoksndreg 0.5.0 ranks. The sum depends on the units of the stacks and rewards
    lost overlap; use :func:`.evaluate_stacks` to decide.

    :param aligned_stacks: for each name N images, after their transformations were applied.
    :param transformations: for each name N transformations, in any form that
        :func:`.as_transformations` takes.
    :returns: ascending sum of :func:`.mse_eval` with image 0 as the reference image and
        :func:`.smoothness_eval`; NaN last; ties in the order of `aligned_stacks`.
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
    reference_image: int | Literal["auto"] = "auto",
    trust: bool = True,
    limits: Limits = Limits(),  # noqa: B008  # frozen
    progress: Callable[[float], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
    max_workers: int | None = None,
    executor: Executor | None = None,
) -> Evaluation:
    """Rank registrations by how well they align stacks of images, and say how sure and how good
    the best one is.

    Every image is brought to one scale and smoothed (:meth:`.Kernel.prepare`), resampled with each
    registration's transformation of that image (linear interpolation) and compared with the
    reference image (:meth:`.Kernel.compare`): in the frame of the reference image q, with the
    passive matrix ``M[n] inv(M[q])``, or, where transformations do not compose, in the frame of
    the result. The error that is left, as a fraction of the error without alignment, and the
    smoothness of the registration make its score::

        d = min(2 (1 - r), 2)
        R[k, j] = min(mean of d aligned / (mean of d unaligned + 0.01), 1)
        R0[j] = mean of d unaligned / (mean of d unaligned + 0.01)
        w[j] = 0.01 + max(R0[j] - min(R[l, j] for l not found from stack j), 0)
        score[k] = sum(w[j] sqrt(R[k, j])) / sum(w[j]) + 0.6 smoothness[k]

    with Pearson's r over the pixels that are valid in both images, 2 where they cannot be compared,
    and the means over the images but the reference image. The weights w let those stacks decide
    that show the motion; they are 1 for one stack and for `"own"`.

    Pixels that never change (the gap between two modules of a detector, a frame, what is outside
    of an aperture) are found in about five images of each stack before, and left out.

    A second look at some images, with the best registration only, finds the shift that it leaves,
    in at most 12 images of each stack, and the images that resemble no other one.

    :param image_stacks: S stacks of N images of shape `(H, W)`, in any form that
        :func:`.open_stacks` takes; NaN, infinity and the largest value of an unsigned integer type
        (of 16 bits or more) are invalid pixels.
    :param transformations: K registrations: for each name N transformations, in any form that
        :func:`.as_transformations` takes. Images whose transformation is singular or not finite
        count as unrelated.
    :param registered_from: for each registration the name of the stack it was found from, or None
        where that is not known. Where not given, a registration was found from the stack that has
        its name.
    :param evaluate_on: score every registration on `"all"` stacks or on its `"own"` stack only.
    :param convention: what the numbers of the registrations mean, of all or by name, see
        :func:`.as_transformations`.
    :param reference_image: number of the image with which the others are compared. `"auto"` takes
        image 0; where no registration removes half of the error of any stack, or one leaves
        nothing to compare, it may be the problem, and the middle and the last image are taken as
        well: each stack counts once with each reference image. That needs two more passes.
    :param trust: look at images again, and give a verdict.
    :param limits: where "good" ends.
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
        registrations that cannot be scored: those of which more than half of the transformations
        are singular or not finite, or that leave nothing to compare. They follow smoothness (not
        finite: last).
    :raises ValueError: when there are no stacks, no images or no registrations, a registration
        does not have a transformation for each image, a name is unknown, `evaluate_on` is unknown,
        there is no image `reference_image`, `max_workers` is less than -1, images have different
        shapes within a stack or, for `"all"`, between stacks, or a registration that is scored on
        its own stack has none.
    :raises TypeError: when pixels are not real numbers or these are no transformations.
    :raises OSError: when a file is missing or cannot be read.
    :raises concurrent.futures.CancelledError: when `should_stop` answered True.
    :raises RuntimeError: when a worker died.
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
        number = len(next(iter(stacks.values())))
        check_reference_image(reference_image, number)
        scored = numpy.ones((len(registrations), len(stacks)), dtype=bool)
        if evaluate_on == "all":
            check_same_image_shapes({name: stack.shape[1:] for name, stack in stacks.items()})
        else:
            scored[:] = [[source == name for name in stacks] for source in sources.values()]
        shapes = {
            name: stacks[source or next(iter(stacks))].shape[1:] for name, source in sources.items()
        }
        corners = {
            name: move_all_corners(registrations[name], shape) for name, shape in shapes.items()
        }
        failed = numpy.array([numpy.isnan(each[:, 0, 0]) for each in corners.values()])
        total = number * len(stacks)
        measured = min(number, 2 * MEASURED_IMAGES)
        looked_at_again = measured * int(scored.sum(axis=1).max()) if trust else 0
        reporter = Reporter("evaluation", total + looked_at_again, progress, should_stop)
        work = context.enter_context(
            StackWork(stacks, registrations, scored, reporter, max_workers, executor)
        )

        def rank(scores: Mapping[int, Mapping[str, StackScores]]) -> tuple[Comparisons, Evaluation]:
            comparisons = Comparisons.of(scores, scored, sources)
            return comparisons, rank_registrations(
                comparisons,
                sources,
                {name: find_smoothness(corners[name], shape) for name, shape in shapes.items()},
                failed,
                {name: each.infinite_pixels for name, each in next(iter(scores.values())).items()},
            )

        unchanging = work.leave_out_unchanging()
        references = _find_references(reference_image, failed)
        scores = {references[0]: work.score(references[0])}
        comparisons, evaluation = rank(scores)
        if len(references) > 1 and _may_be_spoilt(evaluation, failed):
            reporter.extend(total * (len(references) - 1))
            scores |= {reference: work.score(reference) for reference in references[1:]}
            comparisons, evaluation = rank(scores)
        evaluation = replace(
            evaluation,
            unchanging_pixels={name: each.part for name, each in unchanging.items() if each.part},
            marked_pixels={name: each.marked for name, each in unchanging.items() if each.marked},
        )
        shape = shapes[evaluation.best]
        evaluation = compare_registrations(evaluation, comparisons, registrations, shape, limits)
        if trust:
            suspects: dict[str, list[int]] = {}
            inspections: dict[str, Inspection] = {}
            if evaluation.registrations[evaluation.best].scored:
                suspects = find_all_suspects(evaluation, comparisons, limits)
                reference = evaluation.reference_images[0]
                inspections = work.inspect(evaluation.best, reference, suspects)
            evaluation = add_verdict(evaluation, comparisons, suspects, inspections, limits)
        reporter.finish()
    for message in evaluation.warnings:
        warnings.warn(message, RuntimeWarning, stacklevel=2)
    return evaluation


def _may_be_spoilt(evaluation: Evaluation, failed: NDArray[numpy.bool_]) -> bool:
    """Whether the reference image may be the reason that there is nothing to see."""
    dismissed = numpy.array([not item.scored for item in evaluation.registrations.values()])
    mostly_failed = failed.mean(axis=1) > 0.5
    improved = bool((evaluation.relative_error**2 <= 0.5).any())
    return not improved or bool((dismissed & ~mostly_failed).any())


def _find_references(
    reference_image: int | Literal["auto"], failed: NDArray[numpy.bool_]
) -> list[int]:
    """The reference image, and those that are taken as well where it shows nothing.

    :param failed: which transformations are singular or not finite, shape `(K, N)`. In place of an
        image where registrations have failed the nearest one is taken where fewest have.
    """
    if reference_image != "auto":
        return [reference_image]
    number = failed.shape[1]
    failures = failed.sum(axis=0)
    wanted = dict.fromkeys((0, (number - 1) // 2, number - 1))
    nearest = [min(range(number), key=lambda n: (failures[n], abs(n - each))) for each in wanted]
    return list(dict.fromkeys(nearest))


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
