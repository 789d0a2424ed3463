"""From comparisons of images to a ranking of registrations."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy
from numpy.typing import NDArray

from ..kernels import UNRELATED
from ._result import Evaluation
from ._result import RegistrationScore
from ._score_stack import StackScores

# Keeps a stack that needs no alignment from dividing by nothing: the standardized MSE of two
# images with a correlation coefficient of 0.995.
_MSE_FLOOR = 0.01

# Weight of a stack on which no registration from elsewhere improves anything. Small against the
# weight of a stack that shows the motion, so that noise and fixed patterns have no say where others
# have.
_WEIGHT_FLOOR = 0.01

# A step of 1 % of the image costs as much as 0.3 % of the error that there is to remove.
SMOOTHNESS_WEIGHT = 0.3


def rank_registrations(
    scores: Mapping[str, StackScores],
    scored: NDArray[numpy.bool_],
    registered_from: Mapping[str, str | None],
    smoothness: Mapping[str, float],
    diverged: Mapping[str, int],
) -> Evaluation:
    """Score every registration on the stacks where it was compared, and sort.

    :param scores: for each of S stacks how its images compare under the K registrations.
    :param scored: which registration was compared on which stack, shape `(K, S)`.
    :param registered_from: for each of the K registrations the stack it was found from, or None.
    :param smoothness: of each registration.
    :param diverged: for registrations with an unusable transformation, the first image that has
        one.
    """
    stack_names = tuple(scores)
    aligned = numpy.stack([each.aligned_mse for each in scores.values()], axis=1)
    unaligned = numpy.stack([each.unaligned_mse for each in scores.values()])
    overlap = numpy.stack([each.overlap for each in scores.values()], axis=1)

    comparable = numpy.isfinite(aligned[:, :, 1:]).any(axis=2) & scored
    stack_comparable = numpy.any(numpy.isfinite(unaligned[:, 1:]), axis=1)
    per_image, relative_error = _find_relative_errors(aligned, unaligned)
    own = numpy.array(
        [[source == name for name in stack_names] for source in registered_from.values()]
    )
    weights = _find_stack_weights(relative_error, scored, own)
    for array in (per_image, relative_error, overlap):
        array[~scored] = numpy.nan

    registrations = {}
    for k, name in enumerate(registered_from):
        if name in diverged:
            reason = f"the transformation of image {diverged[name]} is singular or not finite"
        elif unaligned.shape[1] == 1:
            reason = "there is only one image"
        elif (own[k] & ~stack_comparable).any():
            reason = "its stack shows nothing to compare: it is empty or constant"
        elif not comparable[k].any():
            reason = "its transformations leave no images to compare"
        else:
            reason = None
        mean_error = _weighted_mean(relative_error[k, scored[k]], weights[scored[k]])
        registrations[name] = RegistrationScore(
            score=(
                mean_error + SMOOTHNESS_WEIGHT * smoothness[name] if reason is None else math.nan
            ),
            relative_error=mean_error,
            own_relative_error=float(relative_error[k, own[k]][0]) if own[k].any() else math.nan,
            smoothness=smoothness[name],
            min_overlap=float(overlap[k, scored[k]].min()),
            reason=reason,
        )
    return Evaluation(
        stack_names=stack_names,
        ranked_names=tuple(sorted(registrations, key=lambda name: _sort_key(registrations[name]))),
        registrations=registrations,
        registered_from=dict(registered_from),
        relative_error=relative_error,
        relative_error_per_image=per_image,
        overlap=overlap,
        stack_weights=weights,
        infinite_pixels={name: each.infinite_pixels for name, each in scores.items()},
        aligned_mse=aligned,
        unaligned_mse=unaligned,
    )


def _find_relative_errors(
    aligned: NDArray[numpy.float64], unaligned: NDArray[numpy.float64]
) -> tuple[NDArray[numpy.float64], NDArray[numpy.float64]]:
    """The error that is left, as a fraction of the error without alignment.

    :param aligned: MSEs, shape `(K, S, N)`.
    :param unaligned: MSEs, shape `(S, N)`.
    :returns: per image, shape `(K, S, N)`, and per stack, shape `(K, S)`, NaN for one image.
    """
    unaligned = numpy.nan_to_num(unaligned, nan=UNRELATED)
    aligned = numpy.nan_to_num(aligned, nan=UNRELATED)
    aligned[:, :, 0] = 0
    if unaligned.shape[1] == 1:
        return aligned, numpy.full(aligned.shape[:2], numpy.nan)
    before = unaligned[:, 1:].mean(axis=1) + _MSE_FLOOR
    per_image = aligned / before[:, numpy.newaxis]
    return per_image, numpy.minimum(per_image[:, :, 1:].mean(axis=2), 1)


def _find_stack_weights(
    relative_error: NDArray[numpy.float64],
    scored: NDArray[numpy.bool_],
    own: NDArray[numpy.bool_],
) -> NDArray[numpy.float64]:
    """How much each stack counts: as much as the best registration from *elsewhere* improves it.

    A stack that shows the motion is improved by a good registration from elsewhere. Noise and a
    pattern that does not move are improved by their own registration at most, which says nothing
    about the motion.

    :param relative_error: of each registration on each stack, shape `(K, S)`.
    :param scored: which registration was scored on which stack, shape `(K, S)`.
    :param own: which registration is known to come from which stack, shape `(K, S)`.
    :returns: shape `(S,)`; all 1 for one stack, or where each registration was scored on its own.
    """
    others = scored & ~own
    if scored.shape[1] == 1 or not others.any():
        return numpy.ones(scored.shape[1])
    smallest = numpy.min(relative_error, axis=0, where=others, initial=1)
    return numpy.asarray(_WEIGHT_FLOOR + 1 - smallest)


def _weighted_mean(values: NDArray[numpy.float64], weights: NDArray[numpy.float64]) -> float:
    # fsum is exact, so that the order of the stacks does not change the mean.
    return math.fsum(values * weights) / math.fsum(weights)


def _sort_key(item: RegistrationScore) -> tuple[bool, bool, float]:
    value = item.score if item.scored else item.smoothness
    finite = math.isfinite(value)
    return not item.scored, not finite, value if finite else 0.0
