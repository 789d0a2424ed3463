"""Which stack shows the motion of the sample best, found before anything is registered."""

from __future__ import annotations

import math
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any

import numpy

from .._pixels import as_floating
from .._progress import Reporter
from .._stacks import Stack
from .._stacks import as_stack
from .._typing import FloatImage
from ..evaluation import Evaluation
from ..evaluation import evaluate_stacks
from ..transformation import TransformationType
from ._register_images import register_images

# Images of each stack that are looked at, and their height and width (px): a quick registration.
_LOOKED_AT = 10
_SIZE = 100


def rank_before_registering(
    stacks: Mapping[str, Stack],
    *,
    progress: Callable[[float], object] | None = None,
    should_stop: Callable[[], bool] | None = None,
    max_workers: int | None = None,
) -> Evaluation:
    """Rank stacks by how well the motion of the sample can be found from each.

    At most ten images of each stack, spread evenly and averaged over squares of pixels to at most
    100 px, are registered by shifts, and these registrations are ranked on the small images of all
    stacks (:func:`.evaluate_stacks`). A stack with a pattern of the detector, which does not move,
    finds a registration that aligns no other stack, and so ranks low.

    :param stacks: open stacks of one shape.
    :returns: the best stack first.
    """
    small = {}
    for name, stack in stacks.items():
        some = numpy.linspace(0, len(stack) - 1, _LOOKED_AT).round().astype(int)
        with stack:
            small[name] = numpy.stack([shrink(stack[n]) for n in numpy.unique(some).tolist()])
    reporter = Reporter("registration", sum(map(len, small.values())), progress, should_stop)
    found = {
        name: register_images(
            {name: as_stack(images)},
            [1],
            TransformationType.translation,
            "intensities",
            0,
            None,
            reporter,
            max_workers,
        )
        for name, images in small.items()
    }
    # One image that fails would take its stack out of the ranking: without a motion it only counts
    # as badly aligned.
    registrations = {
        name: [
            numpy.identity(3) if n in each.failed else transformation.passive_matrix
            for n, transformation in enumerate(each.transformations)
        ]
        for name, each in found.items()
    }
    return evaluate_stacks(small, registrations, max_workers=max_workers)


def shrink(image: Any) -> FloatImage:
    """An image averaged over squares of pixels, over the valid ones."""
    pixels = as_floating(image)
    side = math.ceil(max(*pixels.shape, 1) / _SIZE)
    rows, columns = (max(1, size // side) for size in pixels.shape)
    side_rows, side_columns = (min(side, size) for size in pixels.shape)
    squares = pixels[: rows * side_rows, : columns * side_columns].reshape(
        rows, side_rows, columns, side_columns
    )
    valid = numpy.isfinite(squares)
    number = valid.sum(axis=(1, 3))
    total = numpy.where(valid, squares, 0).sum(axis=(1, 3))
    return numpy.where(number > 0, total / numpy.maximum(number, 1), numpy.nan)
