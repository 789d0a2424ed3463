"""Decide whether the best registration can be trusted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace

import numpy
from numpy.typing import NDArray

from .._messages import join_names
from ..transformation import Transformation
from ._bad_images import find_bad_images
from ._bad_images import find_suspects
from ._comparisons import Comparisons
from ._inspection import Inspection
from ._motion_groups import find_motion_groups
from ._remaining_shift import describe_shift
from ._remaining_shift import find_remaining_shift
from ._remaining_shift import leave_out_bad_images
from ._result import Evaluation
from ._rivals import draw_scores
from ._rivals import find_distance
from ._rivals import find_rivals


@dataclass(frozen=True, kw_only=True)
class Limits:
    """The limits for the verdict "good" and its reasons.

    :param score: a registration is not good if its score is this large or larger.
    :param remaining_shift: a registration is not good if a shift of this many px or more remains.
    :param same: two registrations are the same if they are less than this many px apart.
    :param rival: a registration is a rival of the best one if it scores at least as well in more
        than this fraction of the draws.
    :param motion_distance: two stacks share the same motion if their best registrations are at most
        this many px apart,
    :param motion_conflict: or if the conflict between them is at most this.
    :param silent: a stack is silent if no registration from another stack improves its relative
        MSE R by more than this.
    :param bad_image: an image is bad if its correlation coefficient is lower than usual by this
        fraction.
    """

    score: float = 0.85
    remaining_shift: float = 0.3
    same: float = 0.25
    rival: float = 0.05
    motion_distance: float = 1.0
    motion_conflict: float = 0.2
    silent: float = 0.05
    bad_image: float = 0.25


def compare_registrations(
    evaluation: Evaluation,
    seen: Evaluation,
    comparisons: Comparisons,
    registrations: Mapping[str, Sequence[Transformation]],
    image_shape: tuple[int, int],
    limits: Limits,
) -> Evaluation:
    """Add what is known without inspecting the images again: rivals, motion groups and silent
    stacks.

    :param seen: the same evaluation, with the negatives of images with opposite contrast.
    :param comparisons: those of `seen`.
    """
    evaluation = replace(evaluation, improves=seen.improves)
    relative_mse, unaligned = seen.relative_error**2, seen.unaligned_error**2
    names = list(registrations)
    silent: tuple[str, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()
    if not comparisons.on_own:
        others = comparisons.scored & ~comparisons.own
        smallest = relative_mse.min(axis=0, where=others, initial=1)
        silent = tuple(
            name
            for name, each in zip(evaluation.stack_names, unaligned - smallest, strict=True)
            if each <= limits.silent
        )
    if not evaluation.registrations[evaluation.best].scored:
        return replace(evaluation, silent_stacks=silent)
    smoothness = [item.smoothness for item in evaluation.registrations.values()]
    scored = [item.scored for item in evaluation.registrations.values()]
    best = registrations[evaluation.best]
    scores = draw_scores(comparisons, numpy.array(smoothness))
    rivals = find_rivals(
        names,
        evaluation.best,
        numpy.where(scored, scores, numpy.nan),
        {name: find_distance(best, each, image_shape) for name, each in registrations.items()},
        least_distance=limits.same,
        least_share=limits.rival,
    )
    if not comparisons.on_own:
        usable = numpy.flatnonzero(scored)

        def distance(*pair: int) -> float:
            a, b = (registrations[names[usable[k]]] for k in pair)
            return find_distance(a, b, image_shape)

        found = find_motion_groups(
            relative_mse[usable],
            unaligned,
            int(numpy.flatnonzero(usable == names.index(evaluation.best))[0]),
            distance,
            least_distance=limits.motion_distance,
            least_conflict=limits.motion_conflict,
        )
        if found is not None:
            groups = tuple(tuple(evaluation.stack_names[j] for j in group) for group in found)
    return replace(evaluation, rivals=rivals, motion_groups=groups, silent_stacks=silent)


def find_all_suspects(
    evaluation: Evaluation, comparisons: Comparisons, limits: Limits
) -> dict[str, list[int]]:
    """Find images that may be bad, with the best registration."""
    largest = _find_largest_correlation(comparisons)
    failed = numpy.zeros(largest.shape[1], dtype=bool)
    failed[list(evaluation.failed_images.get(evaluation.best, ()))] = True
    if not evaluation.improves:  # without a good alignment, all images seem bad
        failed[:] = True
    references = evaluation.reference_images
    return {
        name: find_suspects(largest[j], failed, references, least_drop=limits.bad_image)
        for j, name in enumerate(evaluation.stack_names)
    }


def add_verdict(
    evaluation: Evaluation,
    seen: Evaluation,
    comparisons: Comparisons,
    suspects: Mapping[str, Sequence[int]],
    inspections: Mapping[str, Inspection],
    limits: Limits,
) -> Evaluation:
    """Add the results of inspecting images, and the verdict.

    :param seen: see :func:`compare_registrations`, as the next one.
    :param suspects: see :func:`find_all_suspects`.
    :param inspections: those of the stacks on which the best registration was scored; empty if no
        registration has a score.
    """
    shift = math.nan
    bad: dict[str, tuple[int, ...]] = {}
    if inspections:
        largest = _find_largest_correlation(comparisons)
        shifts = numpy.stack([each.shifts for each in inspections.values()])
        spoilt = numpy.zeros(shifts.shape[:2], dtype=bool)
        for j, (name, each) in enumerate(inspections.items()):
            images = find_bad_images(
                suspects[name],
                largest[evaluation.stack_names.index(name)],
                1 - each.neighbor_mse / 2,
                least_drop=limits.bad_image,
            )
            spoilt[j, list(images)] = True
            if images:
                bad[name] = images
        shift = find_remaining_shift(
            leave_out_bad_images(shifts, spoilt, evaluation.reference_images[0]),
            seen.stack_weights[[evaluation.stack_names.index(name) for name in inspections]],
        )
    evaluation = replace(evaluation, remaining_shift=shift, bad_images=bad)
    reasons = tuple(_find_reasons(evaluation, seen, limits))
    return replace(evaluation, verdict="check" if reasons else "good", reasons=reasons)


def _find_largest_correlation(comparisons: Comparisons) -> NDArray[numpy.float64]:
    """Find the largest correlation coefficient of each image with a reference image, over
    registrations and reference images, shape `(S, N)`; for a reference image, the largest one with
    any other image."""
    correlation = numpy.fmax.reduce(1 - comparisons.aligned_mse / 2, axis=1)  # Q, S, N
    for q, reference in enumerate(comparisons.references):
        correlation[q, :, reference] = numpy.fmax.reduce(correlation[q], axis=1)
    return numpy.asarray(numpy.fmax.reduce(correlation, axis=0))


def _find_reasons(evaluation: Evaluation, seen: Evaluation, limits: Limits) -> Iterator[str]:
    best = evaluation.best
    item = evaluation.registrations[best]
    if not item.scored:
        yield "No registration can be scored"
        return
    if evaluation.rivals:
        differ = "differs" if len(evaluation.rivals) == 1 else "differ"
        farthest = max(evaluation.rivals.values())
        apart = f", which {differ} from it by up to {farthest:.1f} px"
        yield (
            f"It cannot be distinguished from {join_names(evaluation.rivals)}"
            f"{apart if math.isfinite(farthest) else ''}"
        )
    shift = evaluation.remaining_shift
    if math.isnan(shift):
        yield "The shift that remains between the aligned images cannot be measured"
    elif shift >= limits.remaining_shift:
        yield f"A shift of {describe_shift(shift)} remains between the aligned images"
    if evaluation.motion_groups:
        yield evaluation.describe_motion_groups()
    if not evaluation.improves:
        yield "No registration is better than none"
    elif (score := seen.registrations[best].score) >= limits.score:
        yield f"Most of the differences between the images remain: its score is {score:.2f}"
    if best in evaluation.failed_images:
        yield evaluation.describe_failed_images(best)
