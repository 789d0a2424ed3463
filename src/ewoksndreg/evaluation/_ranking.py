"""Sort registrations by their scores."""

from __future__ import annotations

import math

import numpy
from numpy.typing import NDArray

from ._candidates import Candidates
from ._comparisons import IMPROVES
from ._comparisons import MSE_FLOOR
from ._comparisons import Comparisons
from ._result import Evaluation
from ._result import RegistrationScore
from ._result import find_images


def rank_registrations(comparisons: Comparisons, candidates: Candidates) -> Evaluation:
    """Score each registration on the stacks on which it was compared, and sort."""
    smoothness, failed = candidates.smoothness, candidates.failed
    found = comparisons.score(smoothness)
    weights, errors, scores = found.weights[0], found.relative_errors[0], found.scores[0]
    stack_weights = weights.mean(axis=0)
    relative_error, unaligned_error = (
        numpy.einsum("qs,q...s->...s", weights, numpy.sqrt(each[0])) / len(weights) / stack_weights
        for each in (found.relative_mse, found.unaligned_mse)
    )
    # The results per image are those with the reference image that has most information.
    order = numpy.argsort(-weights.sum(axis=1), kind="stable")
    aligned, unaligned, overlap = (
        each[order[0]].copy()
        for each in (comparisons.aligned, comparisons.unaligned, comparisons.overlap)
    )
    known = comparisons.known[order[0]]
    for array in (aligned, unaligned):
        array[..., comparisons.references[order[0]]] = numpy.nan
    for array in (relative_error, aligned, overlap):
        array[~comparisons.scored] = numpy.nan
    with numpy.errstate(invalid="ignore"):  # 0 / 0 if nothing can be compared
        before = numpy.where(known, unaligned, 0).sum(axis=1) / known.sum(axis=1) + MSE_FLOOR
    registrations = {}
    for k, name in enumerate(candidates.sources):
        own = comparisons.own[k]
        reason = _find_reason(comparisons, k, failed[k])
        registrations[name] = RegistrationScore(
            score=float(scores[k]) if reason is None else math.nan,
            relative_error=float(errors[k]),
            own_relative_error=float(relative_error[k, own][0]) if own.any() else math.nan,
            smoothness=float(smoothness[k]),
            min_overlap=_find_min_overlap(overlap[k, comparisons.scored[k]], failed[k]),
            reason=reason,
        )
    scored = [[item.scored] for item in registrations.values()]
    removed = unaligned_error**2 - relative_error**2
    return Evaluation(
        stack_names=comparisons.stack_names,
        ranked_names=tuple(sorted(registrations, key=lambda name: _sort_key(registrations[name]))),
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
        reference_images=tuple(comparisons.references[q] for q in order),
        failed_images=find_images(registrations, failed & scored),
    )


def _find_reason(comparisons: Comparisons, k: int, failed: NDArray[numpy.bool_]) -> str | None:
    """Explain why a registration cannot be scored; None if it can."""
    number, total = int(numpy.count_nonzero(failed)), failed.size
    if 2 * number > total:
        return f"{number} of its {total} transformations are singular or not finite"
    if total == 1:
        return "there is only one image"
    scored = comparisons.scored[k]
    if numpy.isfinite(comparisons.aligned_mse[:, k, scored]).any():
        return None
    if numpy.isfinite(comparisons.unaligned_mse[:, scored]).any():
        return "its transformations leave no images to compare"
    which = "its stack has" if numpy.count_nonzero(scored) == 1 else "the stacks have"
    return f"{which} no images to compare: they are empty or constant, or the reference image is"


def _find_min_overlap(overlap: NDArray[numpy.float64], failed: NDArray[numpy.bool_]) -> float:
    """Find the minimum overlap of the images that have a transformation."""
    return 0.0 if failed.all() else float(overlap[:, ~failed].min())


def _sort_key(item: RegistrationScore) -> tuple[bool, bool, float]:
    value = item.score if item.scored else item.smoothness
    finite = math.isfinite(value)
    return not item.scored, not finite, value if finite else 0.0
