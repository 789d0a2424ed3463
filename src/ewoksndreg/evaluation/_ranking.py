"""Sort registrations by their scores."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy
from numpy.typing import NDArray

from ._comparisons import IMPROVES
from ._comparisons import MSE_FLOOR
from ._comparisons import Comparisons
from ._result import Evaluation
from ._result import RegistrationScore


def rank_registrations(
    comparisons: Comparisons,
    registered_from: Mapping[str, str | None],
    smoothness: Mapping[str, float],
    failed: NDArray[numpy.bool_],
    infinite_pixels: Mapping[str, int],
) -> Evaluation:
    """Score each registration on the stacks on which it was compared, and sort.

    :param registered_from: for each of the K registrations, the stack it was found from, or None.
    :param smoothness: smoothness of each registration.
    :param failed: mask of the transformations that are singular or not finite, shape `(K, N)`.
    :param infinite_pixels: number of infinite pixels of each stack.
    """
    found = comparisons.score(numpy.array(list(smoothness.values())))
    weights, errors, scores = found.weights[0], found.relative_errors[0], found.scores[0]
    stack_weights = weights.mean(axis=0)
    relative_error, unaligned_error = (
        numpy.einsum("qs,q...s->...s", weights, numpy.sqrt(each[0])) / len(weights) / stack_weights
        for each in (found.relative_mse, found.unaligned_mse)
    )
    # The results per image are those with the reference image that has most information.
    order = numpy.argsort(-weights.sum(axis=1), kind="stable")
    aligned, unaligned, overlap, others = (
        each[order[0]].copy()
        for each in (
            comparisons.aligned,
            comparisons.unaligned,
            comparisons.overlap,
            comparisons.others,
        )
    )
    for array in (aligned, unaligned):
        array[..., ~others] = numpy.nan
    for array in (relative_error, aligned, overlap):
        array[~comparisons.scored] = numpy.nan
    with numpy.errstate(invalid="ignore"):  # 0 / 0 if nothing can be compared
        known = comparisons.known[order[0]]
        before = numpy.where(known, unaligned, 0).sum(axis=1) / known.sum(axis=1) + MSE_FLOOR
    registrations = {}
    for k, name in enumerate(registered_from):
        own = comparisons.own[k]
        reason = _find_reason(comparisons, k, failed[k])
        registrations[name] = RegistrationScore(
            score=float(scores[k]) if reason is None else math.nan,
            relative_error=float(errors[k]),
            own_relative_error=float(relative_error[k, own][0]) if own.any() else math.nan,
            smoothness=smoothness[name],
            min_overlap=_find_min_overlap(overlap[k, comparisons.scored[k]], failed[k]),
            reason=reason,
        )
    removed = unaligned_error**2 - relative_error**2
    return Evaluation(
        stack_names=comparisons.stack_names,
        ranked_names=tuple(sorted(registrations, key=lambda name: _sort_key(registrations[name]))),
        registrations=registrations,
        registered_from=dict(registered_from),
        relative_error=relative_error,
        relative_error_per_image=numpy.sqrt(aligned / before[:, numpy.newaxis]),
        overlap=overlap,
        stack_weights=stack_weights,
        unaligned_error=unaligned_error,
        infinite_pixels=dict(infinite_pixels),
        aligned_mse=aligned,
        unaligned_mse=unaligned,
        improves=bool((removed > IMPROVES).any()),
        reference_images=tuple(comparisons.references[q] for q in order),
        failed_images={
            name: tuple(numpy.flatnonzero(each).tolist())
            for name, each in zip(registrations, failed, strict=True)
            if each.any() and registrations[name].scored
        },
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
