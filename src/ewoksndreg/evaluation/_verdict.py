"""Decide whether the best registration can be trusted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace
from itertools import compress

import numpy
from numpy.typing import NDArray

from .._messages import join_names
from ._bad_images import find_bad_images
from ._bad_images import find_suspects
from ._inspection import inspect_stacks
from ._jobs import Workers
from ._motion_groups import find_motion_groups
from ._ranking import Comparisons
from ._ranking import rank_registrations
from ._remaining_distortion import find_remaining_distortion
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
    :param remaining_shift: a registration is not good if a shift of this many px or more remains,
        or a rotation or distortion of as much.
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


# What is about the negatives of images with opposite contrast, unlike the scores.
_ABOUT_NEGATIVES = (
    "improves",
    "silent_stacks",
    "rivals",
    "motion_groups",
    "bad_images",
    "remaining_shift",
    "remaining_distortion",
    "verdict",
    "reasons",
)


def add_verdict(
    evaluation: Evaluation, comparisons: Comparisons, workers: Workers | None, limits: Limits
) -> Evaluation:
    """Add how reliable the best registration is. The score counts images with opposite contrast as
    errors, but all this is about their negatives.

    :param workers: they inspect images again, for a verdict; None for no verdict.
    """
    comparisons = comparisons.invert_opposite(evaluation.ranked_rows[0])
    seen = replace(
        rank_registrations(comparisons),
        ranked_names=evaluation.ranked_names,
        reference_images=evaluation.reference_images,
    )
    seen = _compare_registrations(seen, comparisons, limits)
    if workers is not None:
        if seen.registrations[seen.best].scored:
            seen = _inspect_best(seen, comparisons, workers, limits)
        reasons = tuple(_find_reasons(seen, limits))
        seen = replace(seen, verdict="check" if reasons else "good", reasons=reasons)
    return replace(evaluation, **{name: getattr(seen, name) for name in _ABOUT_NEGATIVES})


def _compare_registrations(
    evaluation: Evaluation, comparisons: Comparisons, limits: Limits
) -> Evaluation:
    """Add what is known without inspecting the images again: rivals, motion groups and silent
    stacks."""
    best, candidates = evaluation.best, comparisons.candidates
    relative_mse, unaligned = evaluation.relative_error**2, evaluation.unaligned_error**2
    if not candidates.on_own:
        smallest = relative_mse.min(axis=0, where=candidates.scored_on_others, initial=1)
        silent = compress(evaluation.stack_names, unaligned - smallest <= limits.silent)
        evaluation = replace(evaluation, silent_stacks=tuple(silent))
    if not evaluation.registrations[best].scored:
        return evaluation
    moves, shape = list(candidates.registrations.values()), candidates.image_shapes[best]

    def distance(a: int, b: int) -> float:
        return find_distance(moves[a], moves[b], shape)

    names = list(candidates.registrations)
    chosen = evaluation.ranked_rows[0]
    scored = numpy.array([item.scored for item in evaluation.registrations.values()])
    scores = draw_scores(comparisons)
    rivals = find_rivals(
        names,
        best,
        numpy.where(scored, scores, numpy.nan),
        {name: distance(chosen, k) for k, name in enumerate(names)},
        least_distance=limits.same,
        least_share=limits.rival,
    )
    evaluation = replace(evaluation, rivals=rivals)
    if candidates.on_own:
        return evaluation
    groups = find_motion_groups(
        numpy.where(scored[:, numpy.newaxis], relative_mse, numpy.inf),
        unaligned,
        chosen,
        distance,
        least_distance=limits.motion_distance,
        least_conflict=limits.motion_conflict,
    )
    return replace(
        evaluation,
        motion_groups=tuple(
            tuple(evaluation.stack_names[j] for j in group) for group in groups or ()
        ),
    )


def _inspect_best(
    evaluation: Evaluation, comparisons: Comparisons, workers: Workers, limits: Limits
) -> Evaluation:
    """Inspect images that are aligned with the best registration, and add what remains of the
    motion, and the bad images."""
    best, names, references = evaluation.best, evaluation.stack_names, evaluation.reference_images
    correlation = dict(zip(names, _find_largest_correlation(comparisons), strict=True))
    candidates = comparisons.candidates
    scored = candidates.scored[evaluation.ranked_rows[0]]
    suspects = _find_all_suspects(evaluation, dict(compress(correlation.items(), scored)), limits)
    moves = candidates.registrations[best]
    inspections = inspect_stacks(workers, moves, references[0], suspects)
    bad = {
        name: find_bad_images(
            suspects[name],
            correlation[name],
            1 - each.neighbor_mse / 2,
            least_drop=limits.bad_image,
        )
        for name, each in inspections.items()
    }
    shifts = numpy.stack([each.shifts for each in inspections.values()])
    images = numpy.arange(shifts.shape[1])
    spoilt = numpy.array([numpy.isin(images, each) for each in bad.values()])
    shifts = leave_out_bad_images(shifts, spoilt, references[0])
    weights = evaluation.stack_weights[[names.index(name) for name in inspections]]
    measured = numpy.isfinite(shifts[:, :, 0, 2])
    linearizations = [
        {n: found for n, found in each.linearizations.items() if measured[j, n]}
        for j, each in enumerate(inspections.values())
    ]
    return replace(
        evaluation,
        bad_images={name: each for name, each in bad.items() if each},
        remaining_shift=find_remaining_shift(shifts, weights),
        remaining_distortion=find_remaining_distortion(linearizations, weights),
    )


def _find_all_suspects(
    evaluation: Evaluation, correlation: Mapping[str, NDArray[numpy.float64]], limits: Limits
) -> dict[str, list[int]]:
    failed = numpy.zeros(evaluation.overlap.shape[-1], dtype=bool)
    failed[list(evaluation.failed_images.get(evaluation.best, ()))] = True
    if not evaluation.improves:  # without a good alignment, all images seem bad
        failed[:] = True
    return {
        name: find_suspects(each, failed, evaluation.reference_images, least_drop=limits.bad_image)
        for name, each in correlation.items()
    }


def _find_largest_correlation(comparisons: Comparisons) -> NDArray[numpy.float64]:
    """Find the largest correlation coefficient of each image with a reference image, over
    registrations and reference images, shape `(S, N)`; for a reference image, the largest one with
    any other image."""
    references, names = comparisons.references, comparisons.candidates.stack_names
    correlation = numpy.fmax.reduce(1 - comparisons.aligned_mse / 2)
    correlation = correlation.reshape(len(references), len(names), -1)
    for q, reference in enumerate(references):
        correlation[q, :, reference] = numpy.fmax.reduce(correlation[q], axis=1)
    return numpy.asarray(numpy.fmax.reduce(correlation, axis=0))


def _find_reasons(evaluation: Evaluation, limits: Limits) -> Iterator[str]:
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
    elif (distortion := evaluation.remaining_distortion) >= limits.remaining_shift:
        yield (
            f"A rotation or distortion of {distortion:.2f} px remains between the aligned images:"
            " another type of transformation may fit better"
        )
    if evaluation.motion_groups:
        yield evaluation.describe_motion_groups()
    if not evaluation.improves:
        yield "No registration is better than none"
    elif (score := item.score) >= limits.score:
        yield f"Most of the differences between the images remain: its score is {score:.2f}"
    if best in evaluation.failed_images:
        yield evaluation.describe_failed_images(best)
