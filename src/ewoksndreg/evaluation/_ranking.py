"""Score registrations from comparisons of images, and sort them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace
from typing import NamedTuple

import numpy
from numpy.typing import NDArray

from ..kernels import UNRELATED
from ._candidates import Candidates
from ._result import Evaluation
from ._result import RegistrationScore
from ._result import find_images

# Avoids a division by zero for a stack that needs no alignment: the standardized MSE of two images
# with a correlation coefficient of 0.995.
MSE_FLOOR = 0.01

# Fractions of the error of its own stack. A registration that removes less than the first contains
# no information on the motion, and one that removes more than the second does not fit noise. (For
# images that do not move, real algorithms removed at most 7 %.)
IMPROVES = 0.05
_SHOWS_MOTION = 0.1

# Standardized MSE of images with opposite contrast: their correlation coefficient is below -0.5.
OPPOSITE = 3.0

# The weight of a stack on which no registration from another stack improves anything. Small
# compared to that of a stack that shows the motion, so that noise and static patterns do not matter
# if there are better stacks.
WEIGHT_FLOOR = 0.01

# A step of 1 % of the image size is as bad as 0.6 % of the error of the unaligned images.
SMOOTHNESS_WEIGHT = 0.6


class Scores(NamedTuple):
    """The scores in D draws; see :class:`Comparisons`.

    :param relative_mse: R, shape `(D, K, P)`.
    :param unaligned_mse: R without alignment, shape `(D, P)`.
    :param weights: the weights of the series, shape `(D, P)`.
    :param relative_errors: weighted mean of the square root of R, shape `(D, K)`.
    :param scores: shape `(D, K)`.
    """

    relative_mse: NDArray[numpy.float64]
    unaligned_mse: NDArray[numpy.float64]
    weights: NDArray[numpy.float64]
    relative_errors: NDArray[numpy.float64]
    scores: NDArray[numpy.float64]


@dataclass(frozen=True, eq=False)
class Comparisons:
    """Comparisons of the N images of S stacks with one reference image or several, aligned with K
    registrations: P series, one for each stack with the first reference image, then with the next.

    :param references: the indices of the reference images.
    :param aligned_mse: standardized MSEs, shape `(K, P, N)`; NaN if images cannot be compared, for
        the reference image, and for registrations that are not scored on a stack.
    :param unaligned_mse: the same without alignment, shape `(P, N)`.
    :param overlap: fraction of the pixels that were compared, shape `(K, P, N)`.
    :param infinite_pixels: number of infinite pixels in all images of each stack.
    """

    candidates: Candidates
    references: tuple[int, ...]
    aligned_mse: NDArray[numpy.float64]
    unaligned_mse: NDArray[numpy.float64]
    overlap: NDArray[numpy.float64]
    infinite_pixels: Mapping[str, int]

    def join(self, others: Sequence[Comparisons]) -> Comparisons:
        """Join the comparisons with several reference images."""
        several = [self, *others]
        return replace(
            self,
            references=tuple(each.references[0] for each in several),
            aligned_mse=numpy.concatenate([each.aligned_mse for each in several], axis=1),
            unaligned_mse=numpy.concatenate([each.unaligned_mse for each in several]),
            overlap=numpy.concatenate([each.overlap for each in several], axis=1),
        )

    def invert_opposite(self, registration: int) -> Comparisons:
        """Compare the negatives, ``2 (1 + r)``, of the images whose contrast, once aligned, is
        opposite to that of the reference image: an absorption edge lies between them."""
        opposite = self.aligned_mse[registration] > OPPOSITE
        return replace(
            self,
            aligned_mse=numpy.where(opposite, 4 - self.aligned_mse, self.aligned_mse),
            unaligned_mse=numpy.where(opposite, 4 - self.unaligned_mse, self.unaligned_mse),
        )

    @property
    def scored(self) -> NDArray[numpy.bool_]:
        """Whether a registration is scored on the stack of a series, shape `(K, P)`."""
        return numpy.tile(self.candidates.scored, len(self.references))

    @property
    def known(self) -> NDArray[numpy.bool_]:
        """Mask of the images that can be compared with the reference image, with any registration
        or without alignment, shape `(P, N)`."""
        finite = numpy.isfinite([*self.aligned_mse, self.unaligned_mse])
        return numpy.asarray(finite.any(axis=0))

    def score(
        self,
        image_weights: NDArray[numpy.float64] | None = None,
        stack_weights: NDArray[numpy.float64] | None = None,
    ) -> Scores:
        """Score each registration on the stacks on which it was compared, with the formula of
        :func:`.evaluate_stacks`. Each stack counts once for each reference image.

        The means are over all images except the reference image and those that cannot be compared
        with it for any registration, because one of the two is empty or constant. R is 1 if there
        are none.

        The weight of a stack that shows the motion is large, because registrations from other
        stacks improve it. Noise and a static pattern are only improved by their own registration,
        which contains no information on the motion. R0 is the error without alignment: a static
        pattern gets no weight from a registration that does not move the images. If each
        registration was scored on its own stack, or there is only one stack, the weights are 1, or
        0.01 if no image can be compared with the reference image.

        A registration that was scored on its own stack only and improves nothing there may seem
        good, because the stack is a static pattern. If another one removes more than a tenth of the
        error of its own stack, so that there is a motion, its relative error is 1.

        :param image_weights: additional weights of the images in each of D draws, shape `(D, N)`.
        :param stack_weights: additional weights of the stacks in each draw, shape `(D, S)`.
        """
        candidates, number_of_images = self.candidates, self.aligned_mse.shape[-1]
        if image_weights is None:
            image_weights = numpy.ones((1, number_of_images))
        known = self.known
        aligned, unaligned = (_limit(each) for each in (self.aligned_mse, self.unaligned_mse))
        number = numpy.einsum("dn,pn->dp", image_weights, known.astype(float))
        with numpy.errstate(invalid="ignore"):  # 0 / 0 if nothing can be compared
            before = numpy.einsum("dn,pn->dp", image_weights, known * unaligned) / number
            after = numpy.einsum("dn,kpn->dkp", image_weights, known * aligned)
            after /= number[:, numpy.newaxis]
        unaligned_mse = before / (before + MSE_FLOOR)
        relative_mse = numpy.minimum(after / (before + MSE_FLOOR)[:, numpy.newaxis], 1)
        if number_of_images > 1:
            relative_mse = numpy.nan_to_num(relative_mse, nan=1)
            unaligned_mse = numpy.nan_to_num(unaligned_mse, nan=1)
        if candidates.on_own:
            weights = numpy.where(known.any(axis=1), 1, WEIGHT_FLOOR)[numpy.newaxis]
        else:
            others = numpy.tile(candidates.scored_on_others, len(self.references))
            smallest = relative_mse.min(axis=1, where=others, initial=1)
            weights = WEIGHT_FLOOR + numpy.maximum(unaligned_mse - smallest, 0)
        if stack_weights is not None:
            weights = weights * numpy.tile(stack_weights, len(self.references))
        shared = numpy.where(self.scored, weights[:, numpy.newaxis], 0.0)
        errors = sum_stacks(shared * numpy.sqrt(relative_mse), -1) / sum_stacks(shared, -1)
        if candidates.on_own and len(candidates.stack_names) > 1:
            removed = numpy.where(self.scored, unaligned_mse[:, numpy.newaxis] - relative_mse, 0)
            removed = removed.max(axis=2)
            motion = removed.max(axis=1, keepdims=True) > _SHOWS_MOTION
            errors[motion & (removed <= IMPROVES)] = 1
        scores = errors + SMOOTHNESS_WEIGHT * candidates.smoothness
        return Scores(relative_mse, unaligned_mse, weights, errors, scores)


def _limit(mse: NDArray[numpy.float64]) -> NDArray[numpy.float64]:
    """Limit the MSE to that of unrelated images. Images that cannot be compared count as unrelated,
    and so do images with opposite contrast, as below and above an absorption edge."""
    return numpy.minimum(numpy.nan_to_num(mse, nan=UNRELATED), UNRELATED)


def sum_stacks(values: NDArray[numpy.float64], axis: int = 0) -> NDArray[numpy.float64]:
    """Sum over the axis of the stacks, with the same result, bit for bit, for any order of them."""
    return numpy.asarray(numpy.sort(values, axis=axis).sum(axis=axis))


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
    aligned = _limit(comparisons.aligned_mse[:, shown])
    unaligned = _limit(comparisons.unaligned_mse[shown])
    aligned[~candidates.scored] = numpy.nan
    aligned[..., references[order[0]]] = unaligned[..., references[order[0]]] = numpy.nan
    with numpy.errstate(invalid="ignore"):  # 0 / 0 if nothing can be compared
        before = numpy.where(known, unaligned, 0).sum(axis=1) / known.sum(axis=1) + MSE_FLOOR
    registrations = {
        name: _describe_registration(comparisons, found, k, relative_error[k], overlap[k])
        for k, name in enumerate(candidates.sources)
    }
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


def _describe_registration(
    comparisons: Comparisons,
    found: Scores,
    k: int,
    relative_error: NDArray[numpy.float64],
    overlap: NDArray[numpy.float64],
) -> RegistrationScore:
    """Collect the results of a registration, given its errors `(S,)` and overlaps `(S, N)`."""
    candidates, reason = comparisons.candidates, _find_reason(comparisons, k)
    own, scored, failed = candidates.own[k], candidates.scored[k], candidates.failed[k]
    return RegistrationScore(
        score=float(found.scores[0, k]) if reason is None else math.nan,
        relative_error=float(found.relative_errors[0, k]),
        own_relative_error=float(relative_error[own][0]) if own.any() else math.nan,
        smoothness=float(candidates.smoothness[k]),
        min_overlap=0.0 if failed.all() else float(overlap[scored][:, ~failed].min()),
        reason=reason,
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


def _sort_key(item: RegistrationScore) -> tuple[bool, bool, float]:
    value = item.score if item.scored else item.smoothness
    finite = math.isfinite(value)
    return not item.scored, not finite, value if finite else 0.0
