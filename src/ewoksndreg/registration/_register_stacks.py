"""Register several stacks together."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

from numpy.typing import ArrayLike

from .._progress import Reporter
from .._stacks import Stack
from ..io import open_stacks
from ..transformation import TransformationType
from ._preselect import check_same_shapes
from ._preselect import rank_before_registering
from ._register_images import register_images
from ._register_stack import as_type
from ._result import Registration

# Stacks with less than this fraction of the largest weight are not used.
_LEAST_WEIGHT = 0.1


def register_stacks(
    image_stacks: Mapping[str, Any] | Any,
    transformation_type: TransformationType | str = TransformationType.translation,
    *,
    reference_image: int | float = 0,
    mask: ArrayLike | None = None,
    progress: Callable[[float], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
    max_workers: int | None = None,
) -> Registration:
    """Find one registration for all stacks of the same moving sample, from all stacks together.

    The method is that of :func:`.register_stack` with `"intensities"`: each stack contributes
    starting points, and one transformation per image is refined on all stacks. The contribution of
    a stack grows with the similarity of its images and with its weight
    (`stack_weights` of an :class:`.Evaluation`) in a ranking of quick registrations
    (:func:`.rank_before_registering`), which is small for a stack with a static detector pattern.
    The result is one more registration to rank.

    :param image_stacks: S stacks of N images of shape `(H, W)`, in any form that
        :func:`.open_stacks` accepts.
    :raises ValueError: also if the stacks differ in shape or number of images; names two of them.

    The other parameters, errors and warnings are those of :func:`.register_stack`.

    >>> import numpy
    >>> from ewoksndreg import register_stacks
    >>> rng = numpy.random.default_rng(0)
    >>> scenes = rng.normal(size=(2, 90, 90)).cumsum(1).cumsum(2)
    >>> maps = {
    ...     name: [scene[10 - n : 70 - n, 10:70] for n in range(4)]
    ...     for name, scene in zip(["Ca-K", "Fe-K"], scenes)
    ... }
    >>> found = register_stacks(maps)
    >>> [round(float(each.passive_matrix[0, 2]), 1) for each in found.transformations]
    [0.0, 1.0, 2.0, 3.0]
    """
    kind = as_type(transformation_type, "intensities")
    with open_stacks(image_stacks) as stacks:
        if not stacks:
            raise ValueError("There are no image stacks to register")
        check_same_shapes(stacks)
        weights = _find_weights(stacks, should_stop, max_workers)
        informative = {name: stacks[name] for name in weights}
        reporter = Reporter("registration", len(next(iter(stacks.values()))), progress, should_stop)
        found = register_images(
            informative,
            list(weights.values()),
            kind,
            "intensities",
            reference_image,
            mask,
            reporter,
            max_workers,
        )
    if found.warning is not None:
        warnings.warn(found.warning, RuntimeWarning, stacklevel=2)
    return found


def _find_weights(
    stacks: Mapping[str, Stack], should_stop: Callable[[], bool] | None, max_workers: int | None
) -> dict[str, float]:
    """Find the weights of the stacks that show the motion."""
    if len(stacks) == 1:
        return dict.fromkeys(stacks, 1.0)
    with warnings.catch_warnings():
        # The warnings are about quick registrations, which the user does not know.
        warnings.simplefilter("ignore", RuntimeWarning)
        ranking = rank_before_registering(stacks, should_stop=should_stop, max_workers=max_workers)
    weights = dict(zip(stacks, ranking.stack_weights.tolist(), strict=True))
    least = _LEAST_WEIGHT * max(weights.values())
    return {name: weight for name, weight in weights.items() if weight >= least}
