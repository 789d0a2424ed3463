"""Decide whether the best registration can be trusted."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from itertools import compress

import numpy

from .._messages import join_names
from ._bad_images import find_bad_images
from ._bad_images import find_largest_correlation
from ._bad_images import find_suspects
from ._candidates import Candidates
from ._jobs import Workers
from ._ranking import Comparisons
from ._ranking import rank_registrations
from ._remaining_motion import find_remaining_distortion
from ._remaining_motion import find_remaining_shift
from ._remaining_motion import inspect_stacks
from ._result import Evaluation
from ._result import Limits
from ._result import find_images
from ._rivals import draw_scores
from ._rivals import find_distance
from ._rivals import find_motion_groups
from ._rivals import find_rivals


def add_verdict(
    evaluation: Evaluation, comparisons: Comparisons, workers: Workers | None, limits: Limits
) -> Evaluation:
    """Add what is known about the best registration, and the verdict.

    :param workers: inspect images again. Without them, only what the comparisons show is added.
    """
    # The score counts images with opposite contrast as errors, but the verdict is that of their
    # negatives.
    comparisons = comparisons.invert_opposite(evaluation.ranked_rows[0])
    seen = rank_registrations(comparisons)
    evaluation = replace(
        evaluation,
        improves=seen.improves,
        silent_stacks=_find_silent_stacks(seen, comparisons.candidates, limits),
    )
    if evaluation.registrations[evaluation.best].scored:
        evaluation = _compare_registrations(evaluation, seen, comparisons, limits)
        if workers is not None:
            evaluation = _inspect_best(evaluation, seen, comparisons, workers, limits)
    if workers is None:
        return evaluation
    reasons = tuple(_find_reasons(evaluation, seen, limits))
    return replace(evaluation, verdict="check" if reasons else "good", reasons=reasons)


def _find_silent_stacks(
    seen: Evaluation, candidates: Candidates, limits: Limits
) -> tuple[str, ...]:
    if candidates.on_own:
        return ()
    relative_mse = seen.relative_error**2
    smallest = relative_mse.min(axis=0, where=candidates.scored_on_others, initial=1)
    silent = seen.unaligned_error**2 - smallest <= limits.silent
    return tuple(compress(seen.stack_names, silent))


def _compare_registrations(
    evaluation: Evaluation, seen: Evaluation, comparisons: Comparisons, limits: Limits
) -> Evaluation:
    """Add the rivals of the best registration and the motion groups."""
    candidates, best = comparisons.candidates, evaluation.ranked_rows[0]
    names, moves = zip(*candidates.registrations.items(), strict=True)

    def distance(a: int, b: int) -> float:
        return find_distance(moves[a], moves[b], candidates.image_shapes[evaluation.best])

    scored = numpy.array([item.scored for item in evaluation.registrations.values()])
    scores = numpy.where(scored, draw_scores(comparisons), numpy.nan)
    rivals = find_rivals(scores, best, distance, limits)
    groups: list[list[int]] = []
    if not candidates.on_own:
        relative_mse = numpy.where(scored[:, numpy.newaxis], seen.relative_error**2, numpy.inf)
        unaligned_mse = seen.unaligned_error**2
        groups = find_motion_groups(relative_mse, unaligned_mse, best, distance, limits)
    return replace(
        evaluation,
        rivals={names[k]: px for k, px in rivals.items()},
        motion_groups=tuple(tuple(seen.stack_names[j] for j in group) for group in groups),
    )


def _inspect_best(
    evaluation: Evaluation,
    seen: Evaluation,
    comparisons: Comparisons,
    workers: Workers,
    limits: Limits,
) -> Evaluation:
    """Inspect images that are aligned with the best registration, and add what remains of the
    motion, and the bad images."""
    candidates, best = comparisons.candidates, evaluation.ranked_rows[0]
    references, scored = evaluation.reference_images, candidates.scored[best]
    names = list(compress(evaluation.stack_names, scored))
    correlation = find_largest_correlation(comparisons)[scored]
    # Without a good alignment, all images seem bad.
    excluded = candidates.failed[best] | (not evaluation.improves)
    suspects = [find_suspects(each, excluded, references, limits) for each in correlation]
    found = inspect_stacks(
        workers,
        candidates.registrations[evaluation.best],
        references[0],
        dict(zip(names, suspects, strict=True)),
    )
    neighbor = 1 - found.neighbor_mse / 2
    each_stack = zip(suspects, correlation, neighbor, strict=True)
    bad = numpy.array([find_bad_images(*each, limits) for each in each_stack])
    found = found.leave_out(bad, references[0])
    weights = seen.stack_weights[scored]
    return replace(
        evaluation,
        bad_images=find_images(names, bad),
        remaining_shift=find_remaining_shift(found.shifts, weights),
        remaining_distortion=find_remaining_distortion(found.linearizations, weights),
    )


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
        px = evaluation.describe_remaining_shift()
        yield f"A shift of {px} remains between the aligned images"
    elif (distortion := evaluation.remaining_distortion) >= limits.remaining_shift:
        yield (
            f"A rotation or distortion of {distortion:.2f} px remains between the aligned images:"
            " another type of transformation may fit better"
        )
    if evaluation.motion_groups:
        yield evaluation.describe_motion_groups()
    if not evaluation.improves:
        yield "No registration is better than none"
    elif (score := seen.registrations[best].score) >= limits.score:
        yield f"Most of the differences between the images remain: its score is {score:.2f}"
    if best in evaluation.failed_images:
        yield evaluation.describe_failed_images(best)
