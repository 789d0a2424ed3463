"""Refine a registration with all stacks together."""

from __future__ import annotations

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
from typing import NamedTuple

import numpy
from numpy.typing import NDArray

from ._messages import unknown_name
from ._progress import Reporter
from ._stacks import Stack
from ._typing import Matrix
from .evaluation import Evaluation
from .evaluation import PreparedImages
from .evaluation import ReferenceImage
from .evaluation import RegistrationScore
from .evaluation import StackWork
from .evaluation import check_same_image_shapes
from .evaluation import check_same_number_of_images
from .evaluation import evaluate_stacks
from .io import open_stacks
from .kernels import Kernel
from .kernels import Prepared
from .transformation import Homography
from .transformation import Transformation
from .transformation import TransformationSource
from .transformation import TransformationType
from .transformation import as_transformations

# Parameters of an affine motion, see `Linearization`: two shifts, and four displacements (all px)
# at the edge of the image, half of its longer side away from the center.
_SHIFTS = numpy.eye(6)[:, :2]
_TURN = numpy.array([[0, 0, 0, -1, 1, 0]]).T
_ZOOM = numpy.array([[0, 0, 1, 0, 0, 1]]).T

# The parameters of each type (columns), in terms of these.
_BASES = {
    TransformationType.translation: _SHIFTS,
    TransformationType.rigid: numpy.hstack([_SHIFTS, _TURN]),
    TransformationType.similarity: numpy.hstack([_SHIFTS, _TURN, _ZOOM]),
    TransformationType.affine: numpy.eye(6),
}

# The largest number of steps on the full images, and on downsampled ones. Most images take 3 or 4.
# At a twentieth of the usual dose, 8 steps were not enough for a quarter of the images: they left
# 0.034 px (median) instead of 0.029, and 30 steps leave 0.029 as well.
_STEPS = 16
_STEPS_ON_COARSE_LEVELS = 15

# px: a longer step is treated as divergence; after one this short, the next is about a tenth of it.
_LONGEST_STEP = 5.0
_SHORTEST_STEP = 0.01

# The number of terms of the exponential series, for a motion by at most the longest step.
_TERMS = 16

# The minimum of 1 - r^2, so that nearly identical images do not dominate.
_LEAST_NOISE = 0.02

# Stacks with less than this fraction of the largest weight are not used.
_LEAST_WEIGHT = 0.1

# px: if more shift than this remains, images are aligned on coarse levels first. A level has at
# least this many rows and columns.
_LARGE_SHIFT = 0.5
_LEVELS = 3
_SMALLEST_LEVEL = 32

# A relative error above this in all stacks is that of noise, which can always be aligned a little.
_UNRELATED = 0.95

# px: the remaining shift may increase by this much, its uncertainty.
_LARGER_SHIFT = 0.05

# Fractions of the progress: the registrations are scored before and after the refinement itself.
_FIRST_PART = 0.2
_LAST_PART = 0.75

_GIVEN, _REFINED = "given", "refined"


class RefinedImage(NamedTuple):
    """One image, aligned with its reference image in all stacks together.

    :param matrix: shape `(3, 3)`, passive: ``reference[p] = image[matrix p]``.
    :param agreement: weighted mean over the stacks of the absolute value of the correlation
        coefficient.
    """

    matrix: Matrix
    agreement: float


def make_pyramid(image: Prepared, levels: int, kernel: Kernel) -> list[Prepared]:
    """Make an image pyramid: each level has half as many rows and columns as the one before.

    >>> import numpy
    >>> from ewoksndreg.kernels import find_kernel
    >>> from ewoksndreg.refinement import make_pyramid
    >>> kernel = find_kernel("numpy")
    >>> image = kernel.prepare(numpy.random.default_rng(0).normal(size=(64, 48)))
    >>> [level.pixels.shape for level in make_pyramid(image, 3, kernel)]
    [(64, 48), (32, 24), (16, 12)]
    """
    pyramid = [image]
    for _ in range(levels - 1):
        pyramid.append(kernel.halve(pyramid[-1]))
    return pyramid


def refine_image(
    references: Sequence[Sequence[Prepared]],
    images: Sequence[Sequence[Prepared]],
    start: Matrix,
    transformation_type: TransformationType,
    weights: Sequence[float],
    kernel: Kernel,
) -> RefinedImage | None:
    """Align one image with the reference image, in all stacks together.

    This is the inverse compositional Gauss-Newton method: each step linearizes a small displacement
    of the reference image with its gradients, and applies the inverse to the image. Each stack has
    its own gain and offset. The contribution of a stack is proportional to its weight times
    ``r^2 / (1 - r^2)``, the ratio of signal to noise.

    :param references: the levels of :func:`make_pyramid` of the reference image, for each stack.
    :param images: the levels of the image, for each stack.
    :param start: initial passive matrix, shape `(3, 3)`.
    :param transformation_type: type of the motion relative to `start`: translation, rigid,
        similarity or affine.
    :param weights: the weights of the stacks, all positive.
    :returns: the result once a step is shorter than 0.01 px, otherwise the best one of the last
        level; None if the images cannot be compared.

    >>> import numpy
    >>> from ewoksndreg.kernels import find_kernel
    >>> from ewoksndreg.refinement import refine_image
    >>> from ewoksndreg.transformation import TransformationType
    >>> scene = numpy.random.default_rng(0).normal(size=(80, 80)).cumsum(0).cumsum(1)
    >>> kernel = find_kernel("numpy")
    >>> reference, image = kernel.prepare(scene[10:74, 10:74]), kernel.prepare(scene[9:73, 10:74])
    >>> translation, start = TransformationType.translation, numpy.identity(3)
    >>> found = refine_image([[reference]], [[image]], start, translation, [1], kernel)
    >>> float(found.matrix[0, 2].round(1))
    1.0
    """
    descend = partial(_descend, references, images, transformation_type, weights, kernel)
    found = descend(start, 0)
    matrix = start
    for level in reversed(range(len(references[0]))):
        if level:
            coarse = descend(matrix, level)
            matrix = matrix if coarse is None else coarse.matrix
        elif matrix is not start:
            again = descend(matrix, 0)
            if again is not None and (found is None or again.agreement > found.agreement):
                found = again
    return found


def _descend(
    references: Sequence[Sequence[Prepared]],
    images: Sequence[Sequence[Prepared]],
    transformation_type: TransformationType,
    weights: Sequence[float],
    kernel: Kernel,
    start: Matrix,
    level: int,
) -> RefinedImage | None:
    """Align on one level of the pyramid."""
    basis = _BASES[transformation_type]
    shape = references[0][level].pixels.shape
    smaller = numpy.diag([0.5**level, 0.5**level, 1.0])
    from_center = numpy.identity(3)
    from_center[:2, 2] = (numpy.array(shape) - 1) / 2
    larger, to_center = numpy.linalg.inv(smaller), numpy.linalg.inv(from_center)
    matrix = smaller @ start @ larger
    best: RefinedImage | None = None
    for _ in range((_STEPS_ON_COARSE_LEVELS if level else _STEPS) + 1):
        normal = numpy.zeros((basis.shape[1], basis.shape[1]))
        right = numpy.zeros(basis.shape[1])
        agreement = 0.0
        for reference, image, weight in zip(references, images, weights, strict=True):
            found = kernel.linearize(
                reference[level], image[level], matrix, 2 if len(right) == 2 else 6
            )
            if found.number and numpy.isfinite(found.r):
                some = basis[: len(found.right)]
                signal = found.r**2 / max(1 - found.r**2, _LEAST_NOISE)
                information = weight * signal * found.number
                normal += information * (some.T @ found.normal @ some)
                right += information * (some.T @ found.right)
                agreement += weight * abs(found.r) / sum(weights)
        if agreement == 0:
            break
        if best is None or agreement > best.agreement:
            best = RefinedImage(larger @ matrix @ smaller, agreement)
        step = numpy.linalg.lstsq(normal, right, rcond=1e-9)[0]
        length = numpy.abs(step).max()
        if not length <= _LONGEST_STEP:
            break
        matrix = matrix @ from_center @ _make_motion(basis @ -step, shape) @ to_center
        if length < _SHORTEST_STEP:
            best = RefinedImage(larger @ matrix @ smaller, agreement)
            break
    return best


def _make_motion(parameters: NDArray[numpy.float64], shape: tuple[int, ...]) -> Matrix:
    """Compute the exponential of a small motion, which preserves the type: a rotation stays one."""
    generator = numpy.zeros((3, 3))
    generator[:2, 2] = parameters[:2]
    generator[:2, :2] = parameters[2:].reshape(2, 2) / (max(*shape, 2) / 2)
    # A series, since `scipy.linalg.expm` takes a hundred times longer.
    motion = term = numpy.identity(3)
    for k in range(1, _TERMS):
        term = term @ generator / k
        motion = motion + term
    return motion


@dataclass(frozen=True, eq=False)
class _Job:
    """Images to align with the reference image, possibly in another process.

    :param references: the reference image of each stack.
    :param stacks: the same images of each stack.
    :param starts: for each image, its passive matrix in the frame of the reference image; None if
        its transformation is kept.
    :param weights: the weights of the stacks.
    :param levels: number of levels of the pyramids.
    """

    references: list[ReferenceImage]
    stacks: list[PreparedImages]
    starts: list[Matrix | None]
    transformation_type: TransformationType
    weights: list[float]
    levels: int

    @property
    def images(self) -> PreparedImages:
        """The images of the first stack, to count them and to name them in errors."""
        return self.stacks[0]

    @property
    def reference(self) -> ReferenceImage:
        return self.references[0]


def _refine_images(
    job: _Job, on_image: Callable[[], object] = lambda: None
) -> list[RefinedImage | None]:
    kernel = job.images.kernel
    references = [make_pyramid(each.prepare(), job.levels, kernel) for each in job.references]
    buffers = [numpy.empty_like(reference[0].pixels) for reference in references]
    refined: list[RefinedImage | None] = []
    with ExitStack() as stack:
        for images in job.stacks:
            stack.enter_context(images.open())
        for n, start in enumerate(job.starts):
            found = None
            if start is not None:
                prepared = [
                    make_pyramid(images.prepare(n, out=buffer), job.levels, kernel)
                    for images, buffer in zip(job.stacks, buffers, strict=True)
                ]
                found = refine_image(
                    references, prepared, start, job.transformation_type, job.weights, kernel
                )
            refined.append(found)
            on_image()
    return refined


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
    if it cannot be compared, image q does. If a shift of 0.5 px or more remains, images of a
    quarter and of half the size are aligned first. The refined registration is scored together with
    the given one, and rejected if it is not better.

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
            for name in stacks:
                if name not in evaluation.stack_names:
                    names = evaluation.stack_names
                    raise ValueError(unknown_name("evaluation of stack", name, names))
        obstacle = _find_obstacle(given, wanted)
        if obstacle is not None:
            return _refuse(given, obstacle)
        options: dict[str, Any] = {
            "should_stop": should_stop,
            "max_workers": max_workers,
            "executor": executor,
        }
        if evaluation is None or numpy.isnan(evaluation.relative_error).any():
            evaluation = before = _evaluate(
                stacks, {_GIVEN: given}, "auto", _part(progress, 0, _FIRST_PART), options
            )
            weights, used = _choose_stacks(stacks, evaluation)
        else:
            weights, used = _choose_stacks(stacks, evaluation)
            if not used:
                return _refuse(given, "none of the stacks has the motion of the best registration")
            q = evaluation.reference_images[0]
            before = _evaluate(used, {_GIVEN: given}, q, _part(progress, 0, _FIRST_PART), options)
        q = evaluation.reference_images[0]
        if not numpy.isfinite(given[q].active_matrix).all():
            return _refuse(
                given, f"the transformation of reference image {q} is singular or not finite"
            )
        unusable = before.registrations[_GIVEN].reason
        if unusable is not None:
            return _refuse(given, unusable)
        shape = next(iter(stacks.values())).shape[1:]
        refined, unrefined = _refine(
            used,
            given,
            q,
            wanted or _find_type(given),
            weights,
            _count_levels(shape) if before.remaining_shift >= _LARGE_SHIFT else 1,
            Reporter(
                "refinement", len(given), _part(progress, _FIRST_PART, _LAST_PART), should_stop
            ),
            max_workers,
            executor,
        )
        both = {_GIVEN: given, _REFINED: refined}
        after = _evaluate(used, both, q, _part(progress, _LAST_PART, 1), options)
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
        moved=_find_distances(given, chosen, shape),
        unrefined=unrefined,
        stack_weights=weights,
        reference_image=q,
    )


def _check_type(transformation_type: TransformationType | str) -> TransformationType:
    if transformation_type not in _BASES:
        raise ValueError(
            unknown_name(
                "type to refine", str(transformation_type), [each.value for each in _BASES]
            )
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
    if found not in _BASES:
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


def _choose_stacks(
    stacks: Mapping[str, Stack], evaluation: Evaluation
) -> tuple[dict[str, float], dict[str, Stack]]:
    """Find the weights of the stacks, 0 for those without information or with another motion."""
    found = dict(zip(evaluation.stack_names, evaluation.stack_weights.tolist(), strict=True))
    groups = evaluation.motion_groups
    weights = {name: 0.0 if groups and name in groups[1] else found[name] for name in stacks}
    least = _LEAST_WEIGHT * max(weights.values())
    weights = {name: weight if weight >= least else 0.0 for name, weight in weights.items()}
    return weights, {name: stack for name, stack in stacks.items() if weights[name] > 0}


def _evaluate(
    stacks: Mapping[str, Stack],
    registrations: Mapping[str, Sequence[Transformation]],
    reference_image: int | Literal["auto"],
    progress: Callable[[float], object] | None,
    options: Mapping[str, Any],
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


def _refine(
    stacks: Mapping[str, Stack],
    given: Sequence[Transformation],
    q: int,
    transformation_type: TransformationType,
    weights: Mapping[str, float],
    levels: int,
    reporter: Reporter,
    max_workers: int | None,
    executor: Executor | None,
) -> tuple[list[Transformation], tuple[int, ...]]:
    """Refine the transformations; returns them, and the images that keep theirs because they cannot
    be compared with the reference image q."""
    starts = [None if n == q else each.between(given[q]) for n, each in enumerate(given)]
    # Each step compares all images once, as scoring a registration does; hardly any takes them all.
    steps = dict.fromkeys(map(str, range(_STEPS // 2)), given)
    everywhere = numpy.ones((len(steps), len(stacks)), dtype=bool)
    with StackWork(stacks, steps, everywhere, reporter, max_workers, executor) as work:
        work.leave_out_unchanging()
        references = [ReferenceImage(images.part(range(q, q + 1))) for images in work.images]
        jobs = [
            _Job(
                references,
                [images.part(part) for images in work.images],
                starts[part.start : part.stop],
                transformation_type,
                [weights[name] for name in stacks],
                levels,
            )
            for part in work.split()
        ]
        found = [each for part in work.workers.run(_refine_images, jobs) for each in part]
    matrices = {n: each.matrix for n, each in enumerate(found) if each is not None}
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


def _count_levels(shape: tuple[int, int]) -> int:
    levels = 1
    while levels < _LEVELS and min(shape) >> levels >= _SMALLEST_LEVEL:
        levels += 1
    return levels


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
