"""Compute the scores of registrations from comparisons of images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import replace
from typing import NamedTuple

import numpy
from numpy.typing import NDArray

from ..kernels import UNRELATED
from ._score_stack import StackScores

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

    :param relative_mse: R, shape `(D, Q, K, S)`.
    :param unaligned_mse: R without alignment, shape `(D, Q, S)`.
    :param weights: the weights of the stacks, with each reference image, shape `(D, Q, S)`.
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
    """Comparisons of N images of S stacks with Q reference images, aligned with K registrations.

    :param references: the indices of the reference images.
    :param stack_names: the S names.
    :param infinite_pixels: number of infinite pixels in all images of each stack.
    :param aligned_mse: standardized MSEs, NaN if images cannot be compared and for the reference
        image, shape `(Q, K, S, N)`.
    :param unaligned_mse: the same without alignment, shape `(Q, S, N)`.
    :param overlap: fraction of the pixels that were compared, shape `(Q, K, S, N)`.
    :param scored: whether a registration was compared on a stack, shape `(K, S)`.
    :param own: whether a registration is known to come from a stack, shape `(K, S)`.
    """

    references: tuple[int, ...]
    stack_names: tuple[str, ...]
    infinite_pixels: Mapping[str, int]
    aligned_mse: NDArray[numpy.float64]
    unaligned_mse: NDArray[numpy.float64]
    overlap: NDArray[numpy.float64]
    scored: NDArray[numpy.bool_]
    own: NDArray[numpy.bool_]

    @classmethod
    def of(
        cls,
        scores: Mapping[int, Mapping[str, StackScores]],
        scored: NDArray[numpy.bool_],
        registered_from: Mapping[str, str | None],
    ) -> Comparisons:
        """Combine scores of stacks.

        :param scores: for each reference image, the scores of all stacks.
        """
        first = next(iter(scores.values()))
        names = tuple(first)
        found = [list(each.values()) for each in scores.values()]
        aligned = numpy.array([[each.aligned_mse for each in stacks] for stacks in found])
        overlap = numpy.array([[each.overlap for each in stacks] for stacks in found])
        unaligned = numpy.array([[each.unaligned_mse for each in stacks] for stacks in found])
        aligned, overlap = aligned.swapaxes(1, 2), overlap.swapaxes(1, 2)
        own = [[source == name for name in names] for source in registered_from.values()]
        return cls(
            references=tuple(scores),
            stack_names=names,
            infinite_pixels={name: each.infinite_pixels for name, each in first.items()},
            aligned_mse=aligned,
            unaligned_mse=unaligned,
            overlap=overlap,
            scored=scored,
            own=numpy.array(own),
        )

    def find_opposite(self, registration: int) -> NDArray[numpy.bool_]:
        """Find the images whose contrast, once aligned, is opposite to that of the reference image,
        shape `(Q, S, N)`: an absorption edge lies between them."""
        with numpy.errstate(invalid="ignore"):
            return numpy.asarray(self.aligned_mse[:, registration] > OPPOSITE)

    def invert(self, images: NDArray[numpy.bool_]) -> Comparisons:
        """Compare the negatives of some images, shape `(Q, S, N)`: ``2 (1 + r)``."""
        each = images[:, numpy.newaxis]
        return replace(
            self,
            aligned_mse=numpy.where(each, 4 - self.aligned_mse, self.aligned_mse),
            unaligned_mse=numpy.where(images, 4 - self.unaligned_mse, self.unaligned_mse),
        )

    @property
    def aligned(self) -> NDArray[numpy.float64]:
        """The MSE with alignment, limited to 0 to 2, shape `(Q, K, S, N)`."""
        return _limit(self.aligned_mse)

    @property
    def unaligned(self) -> NDArray[numpy.float64]:
        """The MSE without alignment, limited to 0 to 2, shape `(Q, S, N)`."""
        return _limit(self.unaligned_mse)

    @property
    def on_own(self) -> bool:
        """Whether registrations were scored on their own stacks only, or there is one stack."""
        return self.scored.shape[1] == 1 or not (self.scored & ~self.own).any()

    @property
    def others(self) -> NDArray[numpy.bool_]:
        """Mask of the images that are not the reference image, shape `(Q, N)`."""
        images = numpy.arange(self.aligned_mse.shape[-1])
        return numpy.not_equal.outer(self.references, images)

    @property
    def known(self) -> NDArray[numpy.bool_]:
        """Mask of the images that can be compared with the reference image, with any registration
        or without alignment, shape `(Q, S, N)`."""
        aligned = numpy.isfinite(self.aligned_mse).any(axis=1)
        known = aligned | numpy.isfinite(self.unaligned_mse)
        return numpy.asarray(known & self.others[:, numpy.newaxis])

    def score(
        self,
        smoothness: NDArray[numpy.float64],
        image_weights: NDArray[numpy.float64] | None = None,
        stack_weights: NDArray[numpy.float64] | None = None,
    ) -> Scores:
        """Score each registration on all stacks on which it was compared::

            R[k, j] = min(mean of aligned[k, j] / (mean of unaligned[j] + 0.01), 1)
            R0[j] = mean of unaligned[j] / (mean of unaligned[j] + 0.01)
            w[j] = 0.01 + max(R0[j] - min(R[l, j] for l not found from stack j), 0)
            score[k] = sum(w[j] sqrt(R[k, j])) / sum(w[j]) + 0.6 smoothness[k]

        The means are over all images except the reference image and those that cannot be compared
        with it for any registration, because one of the two is empty or constant. R is 1 if there
        are none. Each stack counts once for each reference image.

        The weight of a stack that shows the motion is large, because registrations from other
        stacks improve it. Noise and a static pattern are only improved by their own registration,
        which contains no information on the motion. R0 is the error without alignment: a static
        pattern gets no weight from a registration that does not move the images. If each
        registration was scored on its own stack, or there is only one stack, the weights are 1, or
        0.01 if no image can be compared with the reference image.

        A registration that was scored on its own stack only and improves nothing there may seem
        good, because the stack is a static pattern. If another one removes more than a tenth of the
        error of its own stack, so that there is a motion, its relative error is 1.

        :param smoothness: smoothness of each registration, shape `(K,)`.
        :param image_weights: additional weights of the images in each of D draws, shape `(D, N)`.
        :param stack_weights: additional weights of the stacks in each draw, shape `(D, S)`.
        """
        number_of_images = self.aligned_mse.shape[-1]
        if image_weights is None:
            image_weights = numpy.ones((1, number_of_images))
        known = self.known
        number = numpy.einsum("dn,qsn->dqs", image_weights, known.astype(float))
        before = numpy.einsum("dn,qsn->dqs", image_weights, known * self.unaligned)
        after = numpy.einsum("dn,qksn->dqks", image_weights, known[:, numpy.newaxis] * self.aligned)
        with numpy.errstate(invalid="ignore"):  # 0 / 0 if nothing can be compared
            before = before / number
            after = after / number[:, :, numpy.newaxis]
            unaligned = before / (before + MSE_FLOOR)
            relative_mse = numpy.minimum(after / (before + MSE_FLOOR)[:, :, numpy.newaxis], 1)
        if self.others.any():
            relative_mse = numpy.nan_to_num(relative_mse, nan=1)
            unaligned = numpy.nan_to_num(unaligned, nan=1)
        others = self.scored & ~self.own
        if self.on_own:
            weights = numpy.where(known.any(axis=2), 1, WEIGHT_FLOOR)[numpy.newaxis]
        else:
            smallest = relative_mse.min(axis=2, where=others, initial=1)
            weights = WEIGHT_FLOOR + numpy.maximum(unaligned - smallest, 0)
        if stack_weights is not None:
            weights = weights * stack_weights[:, numpy.newaxis]
        shared = numpy.where(self.scored, weights[:, :, numpy.newaxis], 0.0)
        errors = _sum(shared * numpy.sqrt(relative_mse)) / _sum(shared)
        if self.on_own and self.scored.shape[1] > 1:
            removed = numpy.where(self.scored, unaligned[:, :, numpy.newaxis] - relative_mse, 0)
            removed = removed.max(axis=(1, 3))
            motion = removed.max(axis=1, keepdims=True) > _SHOWS_MOTION
            errors[motion & (removed <= IMPROVES)] = 1
        return Scores(
            relative_mse, unaligned, weights, errors, errors + SMOOTHNESS_WEIGHT * smoothness
        )


def _limit(mse: NDArray[numpy.float64]) -> NDArray[numpy.float64]:
    """Limit the MSE to that of unrelated images. Images that cannot be compared count as unrelated,
    and so do images with opposite contrast, as below and above an absorption edge."""
    return numpy.minimum(numpy.nan_to_num(mse, nan=UNRELATED), UNRELATED)


def _sum(values: NDArray[numpy.float64]) -> NDArray[numpy.float64]:
    """Sum over stacks and reference images, shape `(D, Q, K, S)`, with the same result, bit for
    bit, for any order of the stacks."""
    flat = numpy.moveaxis(values, 1, 2).reshape(values.shape[0], values.shape[2], -1)
    return numpy.asarray(numpy.sort(flat, axis=2).sum(axis=2))
