"""Refine a registration with all stacks together."""

from __future__ import annotations

import itertools
import math
import warnings
from collections.abc import Callable
from collections.abc import Mapping
from collections.abc import Sequence
from concurrent.futures import Executor
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any
from typing import Literal

import numpy
from numpy.typing import NDArray

from ._joint_alignment import SHOWS_MOTION
from ._joint_alignment import JointAlignment
from ._messages import check_type
from ._messages import unknown_name
from ._progress import Reporter
from ._stacks import Stack
from ._typing import Matrix
from .evaluation import Evaluation
from .evaluation import RegistrationScore
from .evaluation import check_same_image_shapes
from .evaluation import check_same_number_of_images
from .evaluation import evaluate_stacks
from .io import open_stacks
from .registration import BASES
from .registration import keep_informative
from .transformation import Homography
from .transformation import Transformation
from .transformation import TransformationSource
from .transformation import TransformationType
from .transformation import as_transformations

# px: if more shift than this remains, the images are searched on small copies.
_LARGE_SHIFT = 0.5

# A relative error above this in all stacks is that of noise, which can always be aligned a little.
_UNRELATED = 0.95

# px: the remaining shift may increase by this much, its uncertainty.
_LARGER_SHIFT = 0.05

# The registrations are scored before and after the refinement itself: fractions of the progress.
_PARTS = (0.0, 0.2, 0.75, 1.0)

_GIVEN, _REFINED = "given", "refined"


@dataclass(frozen=True, eq=False)
class Refinement:
    """A refined registration, or the reason why it was not refined.

    :param transformations: the N refined transformations if `accepted`, else the given ones.
    :param accepted: whether the refined registration is better.
    :param reason: why it was not refined; None if it was.
    :param before: the score of the given registration on the stacks that were used; None if
        refining was not tried.
    :param after: the score of the refined registration on the same stacks.
    :param remaining_shift_before: shift in px that remains with the given registration, see
        :class:`.Evaluation`.
    :param remaining_shift_after: shift in px that remains with the refined one; NaN if its score is
        not better.
    :param moved: by how many px each image was moved, mean over its four corners, shape `(N,)`,
        read-only.
    :param unrefined: indices of the images that keep their transformation because they cannot be
        compared with the reference image.
    :param stack_weights: the weight of each stack; 0 if it was not used.
    :param reference_image: index of the image with which all others were aligned.
    """

    transformations: tuple[Transformation, ...]
    accepted: bool
    reason: str | None
    before: RegistrationScore | None
    after: RegistrationScore | None
    remaining_shift_before: float
    remaining_shift_after: float
    moved: NDArray[numpy.float64]
    unrefined: tuple[int, ...]
    stack_weights: dict[str, float]
    reference_image: int

    def __str__(self) -> str:
        if not self.accepted or self.before is None or self.after is None:
            return f"not refined: {self.reason}"
        used = sum(weight > 0 for weight in self.stack_weights.values())
        before, after = (f"{100 * each.relative_error:.1f} %" for each in (self.before, self.after))
        return (
            f"refined on {used} of {len(self.stack_weights)} stacks: moved by"
            f" {self.moved.mean():.2f} px, error left {before} -> {after}"
        )

    def __post_init__(self) -> None:
        self.moved.flags.writeable = False

    def __setstate__(self, state: dict[str, object]) -> None:
        self.__dict__.update(state)
        self.__post_init__()  # unpickled arrays are writable


def refine_registration(
    image_stacks: Any,
    transformations: TransformationSource,
    evaluation: Evaluation | None = None,
    *,
    convention: str | None = None,
    transformation_type: TransformationType | str | None = None,
    progress: Callable[[float], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
    max_workers: int | None = None,
    executor: Executor | None = None,
) -> Refinement:
    """Refine one registration with all stacks together.

    All stacks have the same motion, so together they determine it better than the stack from which
    the registration was found. Image n is aligned with reference image q in all stacks at once
    (:func:`.refine_image`), starting from ``M[n] inv(M[q])``. Image 0 keeps its transformation or,
    if it cannot be compared, image q does. If a shift of 0.5 px or more remains, or the
    registration improves none of the stacks, each image is first searched in small copies of each
    stack on its own; what improves most in all stacks is the start, and gives the weights of the
    stacks. The refined registration is scored together with the given one, and rejected if it is
    not better.

    :param image_stacks: S stacks of N images of shape `(H, W)`, in any form that
        :func:`.open_stacks` accepts. Only a few images of each stack are in memory at a time.
    :param transformations: the N transformations of one registration, in any form that
        :func:`.as_transformations` accepts.
    :param evaluation: an evaluation of registrations of these stacks. It defines the weights of the
        stacks, the reference image, and the stacks that do not share the motion of the others and
        are not used. Without it, or if each registration was scored on its own stack, the weight of
        a stack is the improvement by the given registration. Stacks with less than a tenth of the
        largest weight are not used.
    :param convention: what the numbers of the transformations mean, see
        :func:`.as_transformations`.
    :param transformation_type: type of the motion: translation, rigid, similarity or affine. By
        default that of the registration.
    :param progress: see :func:`.evaluate_stacks`, also for the following three.
    :returns: the refined registration, or the given one with the reason: its type cannot be
        refined, it fits none of the stacks, or the result is not better.
    :raises ValueError: if there are no stacks, the registration does not have a transformation for
        each image, the stacks differ in shape, the type is unknown, or a stack is not in the
        evaluation.
    :raises TypeError: see :func:`.evaluate_stacks`, also for other errors.

    Two stacks and a registration with an error of 0.4 px:

    >>> import numpy
    >>> from scipy.ndimage import gaussian_filter
    >>> from ewoksndreg import refine_registration
    >>> stacks = {}
    >>> for seed, name in enumerate(("Ca-K", "Fe-K")):
    ...     scene = gaussian_filter(numpy.random.default_rng(seed).normal(size=(90, 90)), 2)
    ...     stacks[name] = [scene[10 + n : 74 + n, 10 : 74] for n in range(4)]
    >>> result = refine_registration(stacks, [(0, 0), (-1.4, 0.3), (-2, 0.4), (-3.4, 0)])
    >>> result.accepted
    True
    >>> (result.transformations[3].passive_matrix[:2, 2].round(2) + 0).tolist()
    [-3.0, 0.0]
    """
    given = as_transformations(transformations, convention=convention)
    wanted = None if transformation_type is None else _check_type(transformation_type)
    with ExitStack() as context:
        stacks = context.enter_context(open_stacks(image_stacks))
        if not stacks:
            raise ValueError("There are no image stacks to refine on")
        check_same_image_shapes(stacks, "give stacks of the same shape")
        check_same_number_of_images(stacks, {"to refine": given})
        if evaluation is not None:
            check_type("evaluation", evaluation, Evaluation, "the result of evaluate_stacks")
            for name in stacks:
                if name not in evaluation.stack_names:
                    names = evaluation.stack_names
                    raise ValueError(unknown_name("evaluation of stack", name, names))
        obstacle = _find_obstacle(given, wanted)
        if obstacle is not None:
            return _refuse(given, obstacle)
        evaluate = partial(
            _evaluate, should_stop=should_stop, max_workers=max_workers, executor=executor
        )
        first, second, third = (_part(progress, *each) for each in itertools.pairwise(_PARTS))
        before = None
        if evaluation is None or numpy.isnan(evaluation.relative_error).any():
            evaluation = before = evaluate(stacks, {_GIVEN: given}, "auto", first)
        q = evaluation.reference_images[0]
        if not numpy.isfinite(given[q].active_matrix).all():
            return _refuse(
                given, f"the transformation of reference image {q} is singular or not finite"
            )
        others = evaluation.motion_groups[1] if evaluation.motion_groups else ()
        found = dict(zip(evaluation.stack_names, evaluation.stack_weights.tolist(), strict=True))
        moving = {name: found[name] for name in stacks if name not in others}
        weights = keep_informative(moving)
        if not weights:
            return _refuse(given, "none of the stacks has the motion of the best registration")
        if before is None:
            before = evaluate(_select(stacks, weights), {_GIVEN: given}, q, first)
        unusable = before.registrations[_GIVEN].reason
        if unusable is not None:
            return _refuse(given, unusable)
        far = before.remaining_shift >= _LARGE_SHIFT or max(weights.values()) < SHOWS_MOTION
        joint = context.enter_context(
            JointAlignment(
                _select(stacks, moving if far else weights),
                given,
                q,
                wanted or _find_type(given),
                Reporter("refinement", (1 + far) * len(given), second, should_stop),
                max_workers,
                executor,
            )
        )
        if far:
            used = weights
            weights = keep_informative(joint.search()) or weights
            if weights.keys() != used.keys():
                before = evaluate(_select(stacks, weights), {_GIVEN: given}, q, None)
        refined, unrefined = _compose(given, joint.align(weights), q)
        both = {_GIVEN: given, _REFINED: refined}
        after = evaluate(_select(stacks, weights), both, q, third)
    reason = _find_fault(before, after, unrefined)
    chosen = refined if reason is None else given
    return Refinement(
        transformations=tuple(chosen),
        accepted=reason is None,
        reason=reason,
        before=after.registrations[_GIVEN],
        after=after.registrations[_REFINED],
        remaining_shift_before=before.remaining_shift,
        remaining_shift_after=after.remaining_shift if after.best == _REFINED else math.nan,
        moved=_find_distances(given, chosen, next(iter(stacks.values())).shape[1:]),
        unrefined=unrefined,
        stack_weights={name: weights.get(name, 0.0) for name in stacks},
        reference_image=q,
    )


def _check_type(transformation_type: TransformationType | str) -> TransformationType:
    if transformation_type not in BASES:
        raise ValueError(
            unknown_name("type to refine", str(transformation_type), [each.value for each in BASES])
        )
    return TransformationType(transformation_type)


def _find_type(transformations: Sequence[Transformation]) -> TransformationType:
    """Find the common type of all transformations, except those that are not finite."""
    order = list(TransformationType)
    types = [
        each.transformation_type
        for each in transformations
        if numpy.isfinite(each.active_matrix).all()
    ]
    return max([TransformationType.translation, *types], key=order.index)


def _find_obstacle(
    transformations: Sequence[Transformation], wanted: TransformationType | None
) -> str | None:
    """Explain in one sentence why a registration cannot be refined; None if it can."""
    if len(transformations) == 1:
        return "there is only one image"
    for each in transformations:
        if each.between(transformations[0]) is None:
            return (
                f"its transformations ({type(each).__name__}) are not applied as 3x3 matrices, as"
                " refining requires"
            )
    found = wanted or _find_type(transformations)
    if found not in BASES:
        return (
            f"its type is {found}: translation, rigid, similarity and affine registrations can be"
            " refined"
        )
    return None


def _find_fault(before: Evaluation, after: Evaluation, unrefined: tuple[int, ...]) -> str | None:
    """Explain in one sentence why the refined registration is rejected; None if it is better."""
    old, new = (after.registrations[name].score for name in (_GIVEN, _REFINED))
    if after.best != _REFINED:
        return f"no improvement (score {old:.4f} -> {new:.4f})"
    errors = numpy.delete(after.relative_error_per_image, unrefined, axis=2)
    least = numpy.sqrt(numpy.nanmean(errors**2, axis=2).min())
    if not after.improves and least > _UNRELATED:
        return f"the images have no more in common than noise (relative error {least:.2f})"
    left, leaves = before.remaining_shift, after.remaining_shift
    if leaves > left + _LARGER_SHIFT:
        return f"no improvement (remaining shift {left:.2f} -> {leaves:.2f} px)"
    return None


def _refuse(given: Sequence[Transformation], reason: str) -> Refinement:
    return Refinement(
        transformations=tuple(given),
        accepted=False,
        reason=reason,
        before=None,
        after=None,
        remaining_shift_before=math.nan,
        remaining_shift_after=math.nan,
        moved=numpy.zeros(len(given)),
        unrefined=(),
        stack_weights={},
        reference_image=0,
    )


def _select(stacks: Mapping[str, Stack], weights: Mapping[str, float]) -> dict[str, Stack]:
    return {name: stacks[name] for name in weights}


def _evaluate(
    stacks: Mapping[str, Stack],
    registrations: Mapping[str, Sequence[Transformation]],
    reference_image: int | Literal["auto"],
    progress: Callable[[float], object] | None,
    **options: Any,
) -> Evaluation:
    with warnings.catch_warnings():
        # Warnings about the stacks are issued when they are ranked.
        warnings.simplefilter("ignore", RuntimeWarning)
        return evaluate_stacks(
            stacks,
            registrations,
            registered_from=dict.fromkeys(registrations),
            reference_image=reference_image,
            progress=progress,
            **options,
        )


def _compose(
    given: Sequence[Transformation], found: Sequence[Matrix | None], q: int
) -> tuple[list[Transformation], tuple[int, ...]]:
    """Compose the transformations with the matrices in the frame of reference image q; returns
    them, and the images that have none and keep their transformations."""
    matrices = {n: matrix for n, matrix in enumerate(found) if matrix is not None}
    matrices[q] = numpy.identity(3)
    # Image 0 keeps its transformation, since it defines the frame of the result; if it is bad,
    # image q does.
    first = 0 if 0 in matrices else q
    frame = numpy.linalg.inv(matrices[first]) @ given[first].passive_matrix
    refined = [
        Homography(matrices[n] @ frame) if n in matrices and n != first else old
        for n, old in enumerate(given)
    ]
    return refined, tuple(n for n in range(len(given)) if n not in matrices)


def _find_distances(
    before: Sequence[Transformation],
    after: Sequence[Transformation],
    shape: tuple[int, int],
) -> NDArray[numpy.float64]:
    corners = numpy.array([[0, 0, shape[0], shape[0]], [0, shape[1], 0, shape[1]]])
    distances = numpy.zeros(len(before))
    for n, (old, new) in enumerate(zip(before, after, strict=True)):
        if new is not old:
            steps = new.apply_coordinates(corners) - old.apply_coordinates(corners)
            distances[n] = numpy.hypot(*steps).mean()
    return distances


def _part(
    progress: Callable[[float], object] | None, begin: float, end: float
) -> Callable[[float], object] | None:
    """Report the progress of one part of the computation."""
    if progress is None:
        return None
    return lambda fraction: progress(begin + (end - begin) * fraction)
