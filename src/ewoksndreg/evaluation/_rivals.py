"""Find the registrations that cannot be distinguished from the best one, and the stacks that do not
share its motion."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from collections.abc import Sequence

import numpy
from numpy.typing import NDArray

from ..transformation import Transformation
from ._ranking import Comparisons
from ._result import Limits
from .eval_metrics import move_corners

_DRAWS = 400
_AT_A_TIME = 40  # limits the memory
_SEED = 0

# The maximum number of images whose positions are compared in pairs.
_MOST_IMAGES = 64

# A registration does not fit a stack if it loses more than this fraction of what can be gained.
_LOST = 0.5


def draw_scores(comparisons: Comparisons) -> NDArray[numpy.float64]:
    """Compute the scores in a Bayesian bootstrap: in each draw, each image and each stack has a
    random weight that is exponentially distributed with mean 1 (Rubin, Ann. Statist. 9 (1981) 130).

    The distribution is that of the scores with other images and stacks of the same kind.

    :returns: scores in each draw, shape `(400, K)`.
    """
    names, number_of_images = comparisons.candidates.stack_names, comparisons.overlap.shape[-1]
    rng = numpy.random.default_rng(_SEED)
    image_weights = rng.exponential(size=(_DRAWS, number_of_images))
    stack_weights = numpy.ones((_DRAWS, len(names)))
    if not comparisons.candidates.on_own:
        stack_weights = rng.exponential(size=stack_weights.shape)
    # The draws of a stack do not depend on the order of the stacks.
    order = numpy.argsort(numpy.argsort(names))
    blocks = (slice(n, n + _AT_A_TIME) for n in range(0, _DRAWS, _AT_A_TIME))
    return numpy.concatenate(
        [
            comparisons.score(image_weights[some], stack_weights[some][:, order]).scores
            for some in blocks
        ]
    )


def find_rivals(
    scores: NDArray[numpy.float64],
    best: int,
    distance: Callable[[int, int], float],
    limits: Limits,
) -> dict[int, float]:
    """Find the registrations that score at least as well as the best one in enough of the draws and
    are not the same, the farthest first.

    :param scores: see :func:`draw_scores`; NaN for a registration without a score.
    :param best: index of the best registration.
    :param distance: computes the distance (px) of two registrations.
    :returns: distances from the best one.
    """
    shares = numpy.mean(scores <= scores[:, [best]], axis=0)
    close = [k for k in numpy.flatnonzero(shares > limits.rival).tolist() if k != best]
    distances = {k: distance(best, k) for k in close}
    rivals = {k: px for k, px in distances.items() if px >= limits.same}
    return dict(sorted(rivals.items(), key=lambda item: -item[1]))


def find_motion_groups(
    relative_mse: NDArray[numpy.float64],
    unaligned: NDArray[numpy.float64],
    best: int,
    distance: Callable[[int, int], float],
    limits: Limits,
) -> list[list[int]]:
    """Find out whether two stacks have different motions, so that no registration fits both.

    The loss of a registration on a stack is relative to the improvement by the best registration
    for that stack::

        lost[k, j] = (R[k, j] - min(R[:, j])) / (R0[j] - min(R[:, j]))

    For two stacks whose best registrations are far enough apart, the conflict is the minimum, over
    the registrations, of the larger loss on the two stacks, times the smaller of the two possible
    improvements.

    :param relative_mse: R of each registration on each stack, shape `(K, S)`.
    :param unaligned: R0, without alignment, shape `(S,)`.
    :returns: the stacks that the best registration fits, and those for which it loses more than
        half of the possible improvement; empty if there are none, or no conflict is large enough.
    """
    smallest = relative_mse.min(axis=0)
    removed = unaligned - smallest
    with numpy.errstate(invalid="ignore", divide="ignore"):
        lost = (relative_mse - smallest) / removed
    own_best = relative_mse.argmin(axis=0)

    def differ(i: int, j: int) -> bool:
        conflict = numpy.maximum(lost[:, i], lost[:, j]).min() * min(removed[i], removed[j])
        if conflict <= limits.motion_conflict:
            return False
        return distance(own_best[i], own_best[j]) > limits.motion_distance

    moving = numpy.flatnonzero(removed > limits.motion_conflict).tolist()
    served = [j for j in moving if lost[best, j] <= _LOST]
    others = [j for j in moving if lost[best, j] > _LOST]
    conflict = any(differ(i, j) for i, j in itertools.combinations(moving, 2))
    return [served, others] if others and conflict else []


def find_distance(
    a: Sequence[Transformation], b: Sequence[Transformation], image_shape: tuple[int, int]
) -> float:
    """Compute the distance (px) of two registrations: the mean difference between the positions of
    the four corners of one image relative to another image, over the corners and all pairs of
    images (at most 64 evenly spaced images).

    Pairs with a transformation that is singular or not finite are skipped. Transformations that do
    not compose are compared in the frame of the result.

    :returns: the distance; infinite if there is no pair.
    """
    number = len(a)
    chosen = sorted({round(n) for n in numpy.linspace(0, number - 1, min(number, _MOST_IMAGES))})
    a, b = ([each[n] for n in chosen] for each in (a, b))
    with numpy.errstate(all="ignore"):
        distances = numpy.hypot(*(_place_corners(a, image_shape) - _place_corners(b, image_shape)))
    pairs = distances[~numpy.eye(len(chosen), dtype=bool)]
    pairs = pairs[numpy.isfinite(pairs)]
    return float(pairs.mean()) if pairs.size else numpy.inf


def _place_corners(
    transformations: Sequence[Transformation], image_shape: tuple[int, int]
) -> NDArray[numpy.float64]:
    """Compute the positions of the corners of each image in each other image, shape
    `(2, N, N, 4)`."""
    corners = move_corners(transformations, image_shape)
    composable = all(each.between(transformations[0]) is not None for each in transformations)
    if not composable:
        return numpy.moveaxis(corners[:, numpy.newaxis] - corners, 2, 0)
    matrices = numpy.stack([each.passive_matrix for each in transformations])
    homogeneous = numpy.insert(corners, 2, 1, axis=1)
    placed = numpy.einsum("mij,njc->inmc", matrices, homogeneous)
    return numpy.asarray(placed[:2] / placed[2])
