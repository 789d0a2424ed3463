"""Split the judgement of stacks into works that can be done in any order and any place."""

from __future__ import annotations

import math
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from .._excerpt import excerpt
from ..transformation.base import Transformation
from .judge import ImageStack
from .judge import Work

# Whoever does a part of a stack reads and prepares the first image again: a part has some more
# images than that, and many where they are so small that sending them costs more than the work.
_FEWEST_IMAGES = 16
_FEWEST_PIXELS = 2**22


def works_of_stacks(
    image_stacks: Mapping[str, ImageStack],
    lists: Mapping[str, Sequence[Transformation]],
    judged: NDArray[numpy.bool_],
    *,
    in_parts: bool,
) -> list[Work]:
    """One work for each stack, or several that can be sent to other processes.

    :param lists: N transformations for each of the K stacks, in the order of the stacks.
    :param judged: which list is judged on which stack, shape `(K, K)`.
    """
    works = []
    for j, (name, stack) in enumerate(image_stacks.items()):
        here = [each if judged[k, j] else None for k, each in enumerate(lists.values())]
        for images in _parts(stack) if in_parts else [range(len(stack))]:
            work = Work(
                name=name,
                stack=_excerpt(stack, images) if in_parts else stack,
                images=images,
                first=[None if each is None else each[0] for each in here],
                lists=[None if each is None else each[images.start : images.stop] for each in here],
            )
            works.append(work)
    return works


def _parts(stack: ImageStack) -> Iterator[range]:
    """About equal ranges of images, that begin where a chunk of the file begins."""
    fewest = _FEWEST_IMAGES
    if hasattr(stack, "shape"):
        fewest = max(fewest, math.ceil(_FEWEST_PIXELS / max(1, math.prod(stack.shape[1:]))))
    length = math.ceil(len(stack) / max(1, len(stack) // fewest))
    stored_together = getattr(stack, "stored_together", None)
    start = 0
    while start < len(stack):
        stop = min(start + length, len(stack))
        if stored_together is not None:
            stop = stored_together(stop - 1).stop
        yield range(start, stop)
        start = stop


def _excerpt(stack: ImageStack, images: range) -> Any:
    own_way = getattr(stack, "excerpt", None)
    return excerpt(stack, images) if own_way is None else own_way(images)
