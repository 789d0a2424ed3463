"""Rank stacks before they are registered."""

from __future__ import annotations

import math
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Mapping
from typing import Any

import numpy
from numpy.typing import NDArray

from .._messages import locate_errors
from .._pixels import as_floating
from .._progress import Reporter
from .._stacks import Stack
from .._stacks import as_stack
from .._typing import FloatImage
from ..evaluation import Evaluation
from ..evaluation import evaluate_stacks
from ..transformation import TransformationType
from ._register_images import Options
from ._register_images import register_images

# The number of images of each stack, and their size (px), in a quick registration.
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

    At most ten evenly spaced images of each stack, downsampled to at most 100 px, are registered
    with translations, and these registrations are ranked on the small images of all stacks
    (:func:`.evaluate_stacks`). A stack with a static detector pattern gives a registration that
    aligns no other stack, and therefore ranks low.

    :param stacks: open stacks of the same shape.
    :returns: the evaluation; its best registration is that of the best stack.
    :raises ValueError: if there are no stacks, or their shapes differ.

    >>> import numpy
    >>> from ewoksndreg import open_stacks
    >>> from ewoksndreg.registration import rank_before_registering
    >>> rng = numpy.random.default_rng(0)
    >>> scene = rng.normal(size=(80, 80)).cumsum(0).cumsum(1)
    >>> images = numpy.stack([scene[10 - n : 74 - n, 10:74] for n in range(4)])
    >>> pattern = numpy.repeat(rng.normal(size=(1, 64, 64)), 4, axis=0)
    >>> noise = rng.normal(scale=0.1, size=(4, 64, 64))
    >>> with open_stacks({"pattern": pattern + noise, "Fe": images}) as stacks:
    ...     rank_before_registering(stacks).best
    'Fe'
    """
    if not stacks:
        raise ValueError("There are no image stacks to rank")
    check_same_shapes(stacks)
    number = len(next(iter(stacks.values())))
    chosen = numpy.unique(numpy.linspace(0, number - 1, _LOOKED_AT).round().astype(int)).tolist()
    # Each image is read, and registered.
    total = 2 * len(chosen) * len(stacks)
    reporter = Reporter("registration", total, progress, should_stop)
    small = {name: _read_small(name, stack, chosen, reporter) for name, stack in stacks.items()}
    found = {
        name: register_images(
            {name: as_stack(images)}, Options(TransformationType.translation), reporter, max_workers
        )
        for name, images in small.items()
    }
    # An image that fails would exclude its stack from the ranking; without motion it only counts as
    # badly aligned.
    registrations = {
        name: [
            numpy.identity(3) if n in each.failed else transformation.passive_matrix
            for n, transformation in enumerate(each.transformations)
        ]
        for name, each in found.items()
    }
    return evaluate_stacks(small, registrations, should_stop=should_stop, max_workers=max_workers)


def _read_small(
    name: str, stack: Stack, chosen: Iterable[int], reporter: Reporter
) -> NDArray[numpy.floating[Any]]:
    images = []
    with stack:
        for n in chosen:
            reporter.check()
            with locate_errors(f"Stack {name!r}, image {n}"):
                images.append(shrink(stack[n]))
            reporter.count()
    return numpy.stack(images)


def check_same_shapes(stacks: Mapping[str, Stack]) -> None:
    first, expected = next((name, stack.shape) for name, stack in stacks.items())
    for name, stack in stacks.items():
        if stack.shape != expected:
            raise ValueError(
                f"Stack {name!r} has the shape {stack.shape} and stack {first!r} {expected}: stacks"
                " that share one registration need the same shape"
            )


def shrink(image: Any) -> FloatImage:
    """Average the valid pixels of an image over squares of pixels."""
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
