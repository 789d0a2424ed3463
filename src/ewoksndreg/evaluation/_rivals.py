"""Which registrations cannot be told from the best one."""

from __future__ import annotations

from collections.abc import Sequence

import numpy
from numpy.typing import NDArray

from ..transformation import Transformation
from ._comparisons import Comparisons
from ._corners import move_all_corners

_DRAWS = 400
_AT_A_TIME = 40  # so that their memory does not matter
_SEED = 0

# Images whose places are compared in pairs.
_MOST_IMAGES = 64


def draw_scores(
    comparisons: Comparisons, smoothness: NDArray[numpy.float64]
) -> NDArray[numpy.float64]:
    """The scores in a Bayesian bootstrap: in each draw every image and every stack has a random
    weight, which is exponentially distributed with mean 1 (Rubin, Ann. Statist. 9 (1981) 130).

    It says what would have come out with other images and other stacks of the same kind.

    :param smoothness: of each registration, shape `(K,)`.
    :returns: shape `(400, K)`.
    """
    number_of_stacks, number_of_images = comparisons.aligned_mse.shape[2:]
    rng = numpy.random.default_rng(_SEED)
    image_weights = rng.exponential(size=(_DRAWS, number_of_images))
    stack_weights = numpy.ones((_DRAWS, number_of_stacks))
    if not comparisons.on_own:
        stack_weights = rng.exponential(size=stack_weights.shape)
    # Each stack has the same draws wherever it stands.
    order = numpy.argsort(numpy.argsort(comparisons.stack_names))
    blocks = (slice(n, n + _AT_A_TIME) for n in range(0, _DRAWS, _AT_A_TIME))
    return numpy.concatenate(
        [
            comparisons.score(smoothness, image_weights[some], stack_weights[some][:, order]).scores
            for some in blocks
        ]
    )


def find_rivals(
    names: Sequence[str],
    best: str,
    scores: NDArray[numpy.float64],
    distances: dict[str, float],
    *,
    least_distance: float,
    least_share: float,
) -> dict[str, float]:
    """Registrations that score at least as well as the best one in more than `least_share` of the
    draws and differ from it by `least_distance` px or more; the farthest first.

    :param names: of the K registrations.
    :param scores: see :func:`draw_scores`; NaN for a registration without score.
    :param distances: from the best registration.
    """
    of_best = scores[:, list(names).index(best)]
    rivals = {}
    for k, name in enumerate(names):
        share = numpy.mean(scores[:, k] <= of_best)
        if name != best and distances[name] >= least_distance and share > least_share:
            rivals[name] = distances[name]
    return dict(sorted(rivals.items(), key=lambda item: -item[1]))


def find_distance(
    a: Sequence[Transformation], b: Sequence[Transformation], image_shape: tuple[int, int]
) -> float:
    """How far (px) two registrations are apart: where they put the four corners of one image
    relative to another image, mean over the corners and over all pairs of images (of 64 images
    spread evenly where there are more).

    Pairs that one of them cannot tell, because a transformation is singular or not finite, do not
    count. Transformations that do not compose are compared in the frame of the result.

    :returns: infinite where there is no pair.
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
    """Where the corners of each image are put in each other one, shape `(2, N, N, 4)`."""
    corners = move_all_corners(transformations, image_shape)
    composable = all(each.between(transformations[0]) is not None for each in transformations)
    if not composable:
        return numpy.moveaxis(corners[:, numpy.newaxis] - corners, 2, 0)
    matrices = numpy.stack([each.passive_matrix for each in transformations])
    homogeneous = numpy.insert(corners, 2, 1, axis=1)
    placed = numpy.einsum("mij,njc->inmc", matrices, homogeneous)
    return numpy.asarray(placed[:2] / placed[2])
