"""From comparisons of images to a ranking of lists."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy
from numpy.typing import NDArray

from ..kernels import UNRELATED
from .result import Evaluation
from .result import ListEvaluation
from .score_stack import StackScores

# Keeps a stack that needs no alignment from dividing by nothing: the standardised MSE of two
# images with a correlation coefficient of 0.995.
_MSE_FLOOR = 0.01

# Weight of a stack on which no list of another stack improves anything. Small against the weight of
# a stack that shows the motion, so that noise and fixed patterns have no say where others have.
_WEIGHT_FLOOR = 0.01

# A step of 1 % of the image costs as much as 0.3 % of the error that there is to remove.
SMOOTHNESS_WEIGHT = 0.3


def rank_lists(
    judgements: Mapping[str, StackScores],
    judged: NDArray[numpy.bool_],
    smoothness: Mapping[str, float],
    diverged: Mapping[str, int],
) -> Evaluation:
    """Score every list on the stacks where it was judged and sort.

    :param judgements: for each of K stacks how its images compare under the K lists.
    :param judged: which list was judged on which stack, shape `(K, K)`.
    :param smoothness: of each list.
    :param diverged: for lists with an unusable transformation, the first image that has one.
    """
    names = tuple(judgements)
    aligned = numpy.stack([judgement.aligned_mse for judgement in judgements.values()], axis=1)
    unaligned = numpy.stack([judgement.unaligned_mse for judgement in judgements.values()])
    overlap = numpy.stack([judgement.overlap for judgement in judgements.values()], axis=1)

    comparable = numpy.isfinite(aligned[:, :, 1:]).any(axis=2) & judged
    own_stack_comparable = numpy.any(numpy.isfinite(unaligned[:, 1:]), axis=1)
    per_image, per_stack = _relative_mse(aligned, unaligned)
    weights = _stack_weights(per_stack, judged)
    per_image[~judged] = numpy.nan
    overlap[~judged] = numpy.nan

    lists = {}
    for k, name in enumerate(names):
        if name in diverged:
            remark = f"the transformation of image {diverged[name]} is singular or not finite"
        elif unaligned.shape[1] == 1:
            remark = "there is only one image"
        elif not own_stack_comparable[k]:
            remark = "its stack shows nothing to compare: it is empty or constant"
        elif not comparable[k].any():
            remark = "its transformations leave no images to compare"
        else:
            remark = None
        relative_mse = _weighted_mean(per_stack[k, judged[k]], weights[judged[k]])
        lists[name] = ListEvaluation(
            name=name,
            score=(
                relative_mse + SMOOTHNESS_WEIGHT * smoothness[name] if remark is None else math.nan
            ),
            relative_mse=relative_mse,
            own_relative_mse=float(per_stack[k, k]),
            smoothness=smoothness[name],
            smallest_overlap=float(overlap[k, judged[k]].min()),
            remark=remark,
        )
    return Evaluation(
        names=names,
        ranked_names=tuple(sorted(names, key=lambda name: _sort_key(lists[name]))),
        lists=lists,
        relative_mse=per_image,
        overlap=overlap,
        stack_weights=weights,
        infinite_pixels={name: item.infinite_pixels for name, item in judgements.items()},
    )


def _relative_mse(
    aligned: NDArray[numpy.float64], unaligned: NDArray[numpy.float64]
) -> tuple[NDArray[numpy.float64], NDArray[numpy.float64]]:
    """The error that is left, as a fraction of the error without alignment.

    :param aligned: MSE's, shape `(K, K, N)`.
    :param unaligned: MSE's, shape `(K, N)`.
    :returns: per image, shape `(K, K, N)`, and per stack, shape `(K, K)`, NaN for one image.
    """
    unaligned = numpy.nan_to_num(unaligned, nan=UNRELATED)
    aligned = numpy.nan_to_num(aligned, nan=UNRELATED)
    aligned[:, :, 0] = 0
    if unaligned.shape[1] == 1:
        return aligned, numpy.full(aligned.shape[:2], numpy.nan)
    before = unaligned[:, 1:].mean(axis=1) + _MSE_FLOOR
    per_image = aligned / before[:, numpy.newaxis]
    return per_image, numpy.minimum(per_image[:, :, 1:].mean(axis=2), 1)


def _stack_weights(
    relative_mse: NDArray[numpy.float64], judged: NDArray[numpy.bool_]
) -> NDArray[numpy.float64]:
    """How much each stack counts: as much as the best list of *another* stack improves it.

    A stack that shows the motion is improved by a good list from elsewhere. Noise and a pattern
    that does not move are improved by their own list at most, which says nothing about the motion.

    :param relative_mse: per list and stack, shape `(K, K)`.
    :param judged: which list was judged on which stack, shape `(K, K)`.
    :returns: shape `(K,)`; all 1 where each list was judged on its own stack only.
    """
    others = judged & ~numpy.identity(len(judged), dtype=bool)
    if not others.any():
        return numpy.ones(len(judged))
    smallest = numpy.min(relative_mse, axis=0, where=others, initial=1)
    return numpy.asarray(_WEIGHT_FLOOR + 1 - smallest)


def _weighted_mean(values: NDArray[numpy.float64], weights: NDArray[numpy.float64]) -> float:
    # fsum is exact, so that the order of the stacks does not change the mean.
    return math.fsum(values * weights) / math.fsum(weights)


def _sort_key(item: ListEvaluation) -> tuple[bool, bool, float]:
    value = item.score if item.judged else item.smoothness
    finite = math.isfinite(value)
    return not item.judged, not finite, value if finite else 0.0
