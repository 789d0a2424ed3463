"""Sort registrations by their scores."""

from __future__ import annotations

import math

import numpy
from numpy.typing import NDArray

from ._comparisons import IMPROVES
from ._comparisons import MSE_FLOOR
from ._comparisons import OPPOSITE
from ._comparisons import Comparisons
from ._comparisons import limit
from ._result import Evaluation
from ._result import RegistrationScore
from ._result import find_images


def rank_registrations(comparisons: Comparisons) -> Evaluation:
    """Score each registration on the stacks on which it was compared, and sort."""
    candidates, references = comparisons.candidates, comparisons.references
    found = comparisons.score()
    series = len(references), len(candidates.stack_names)
    weights = found.weights.reshape(series)
    stack_weights = weights.mean(axis=0)
    errors = numpy.sqrt(found.relative_mse.reshape(-1, *series))
    relative_error = (weights * errors).mean(axis=1) / stack_weights
    unaligned_error = numpy.sqrt(found.unaligned_mse.reshape(series))
    unaligned_error = (weights * unaligned_error).mean(axis=0) / stack_weights
    relative_error[~candidates.scored] = numpy.nan
    # The results per image are those with the reference image that has most information.
    order = numpy.argsort(-weights.sum(axis=1), kind="stable")
    shown = numpy.arange(weights.size).reshape(series)[order[0]]
    known, overlap = comparisons.known[shown], comparisons.overlap[:, shown]
    aligned = limit(comparisons.aligned_mse[:, shown])
    unaligned = limit(comparisons.unaligned_mse[shown])
    aligned[~candidates.scored] = numpy.nan
    aligned[..., references[order[0]]] = unaligned[..., references[order[0]]] = numpy.nan
    with numpy.errstate(invalid="ignore"):  # 0 / 0 if nothing can be compared
        before = numpy.where(known, unaligned, 0).sum(axis=1) / known.sum(axis=1) + MSE_FLOOR
    registrations = {}
    for k, name in enumerate(candidates.sources):
        own, reason = candidates.own[k], _find_reason(comparisons, k)
        registrations[name] = RegistrationScore(
            score=float(found.scores[0, k]) if reason is None else math.nan,
            relative_error=float(found.relative_errors[0, k]),
            own_relative_error=float(relative_error[k, own][0]) if own.any() else math.nan,
            smoothness=float(candidates.smoothness[k]),
            min_overlap=_find_min_overlap(overlap[k, candidates.scored[k]], candidates.failed[k]),
            reason=reason,
        )
    ranked_names = sorted(registrations, key=lambda name: _sort_key(registrations[name]))
    best = list(registrations).index(ranked_names[0])
    opposite = comparisons.aligned_mse[best, shown] > OPPOSITE
    scored = [[item.scored] for item in registrations.values()]
    removed = unaligned_error**2 - relative_error**2
    return Evaluation(
        stack_names=candidates.stack_names,
        ranked_names=tuple(ranked_names),
        registrations=registrations,
        registered_from=dict(candidates.sources),
        conventions=dict(candidates.conventions),
        relative_error=relative_error,
        relative_error_per_image=numpy.sqrt(aligned / before[:, numpy.newaxis]),
        overlap=overlap,
        stack_weights=stack_weights,
        unaligned_error=unaligned_error,
        infinite_pixels=dict(comparisons.infinite_pixels),
        aligned_mse=aligned,
        unaligned_mse=unaligned,
        improves=bool((removed > IMPROVES).any()),
        reference_images=tuple(references[q] for q in order),
        failed_images=find_images(registrations, candidates.failed & scored),
        opposite_images=find_images(candidates.stack_names, opposite),
    )


def _find_reason(comparisons: Comparisons, k: int) -> str | None:
    """Explain why a registration cannot be scored; None if it can."""
    failed = comparisons.candidates.failed[k]
    number, total = int(numpy.count_nonzero(failed)), failed.size
    if 2 * number > total:
        return f"{number} of its {total} transformations are singular or not finite"
    if total == 1:
        return "there is only one image"
    if numpy.isfinite(comparisons.aligned_mse[k]).any():
        return None
    if numpy.isfinite(comparisons.unaligned_mse[comparisons.scored[k]]).any():
        return "its transformations leave no images to compare"
    which = "its stack has" if comparisons.candidates.scored[k].sum() == 1 else "the stacks have"
    return f"{which} no images to compare: they are empty or constant, or the reference image is"


def _find_min_overlap(overlap: NDArray[numpy.float64], failed: NDArray[numpy.bool_]) -> float:
    """Find the minimum overlap of the images that have a transformation."""
    return 0.0 if failed.all() else float(overlap[:, ~failed].min())


def _sort_key(item: RegistrationScore) -> tuple[bool, bool, float]:
    value = item.score if item.scored else item.smoothness
    finite = math.isfinite(value)
    return not item.scored, not finite, value if finite else 0.0
