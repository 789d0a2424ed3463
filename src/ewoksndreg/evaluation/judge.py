"""Read images of a stack once and compare them under every list of transformations."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import AbstractContextManager
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy
from numpy.typing import ArrayLike
from numpy.typing import NDArray

from .._memory import keep_freed_memory
from .._messages import located
from .._pixels import as_floating
from .._pixels import missing_pixels
from ..transformation.base import Transformation
from ..transformation.part import Part
from .alignment import aligned_image
from .alignment import aligned_parts
from .comparison import compare
from .image import Image
from .prepare import prepare_image

# First images, aligned, that are kept. Those of further lists are made again for every image, so
# that memory does not grow with the number of stacks.
_KEPT_REFERENCES = 4

ImageStack = Sequence[ArrayLike] | NDArray[Any]


@dataclass(frozen=True, eq=False)
class Work:
    """Some images of one stack and the transformations under which to compare them.

    It can be sent to another process when its stack and its transformations can.

    :param name: of the stack, for errors.
    :param stack: gives image n, shape `(H, W)`, when it is indexed with n: the first one and those
        of `images`. A context manager is entered for that.
    :param images: numbers of the images.
    :param first: for each list the transformation of the first image, None in place of a list
        that is not judged on this stack.
    :param lists: for each list the transformations of these images, or None.
    """

    name: str
    stack: Any
    images: range
    first: Sequence[Transformation | None]
    lists: Sequence[Sequence[Transformation] | None]


@dataclass(frozen=True, eq=False)
class StackJudgement:
    """What lists of transformations make of N images of one stack.

    Standardised MSE's are with respect to the first image, and NaN where the images cannot be
    compared.

    :param image_shape: `(H, W)`.
    :param unaligned_mse: without any transformation, shape `(N,)`.
    :param aligned_mse: after the transformations of each list, shape `(lists, N)`; NaN also for
        lists that were not judged on this stack.
    :param overlap: fraction of the pixels that were compared, shape `(lists, N)`, NaN likewise.
    :param infinite_pixels: how many pixels of all images are infinite.
    """

    image_shape: tuple[int, ...]
    unaligned_mse: NDArray[numpy.float64]
    aligned_mse: NDArray[numpy.float64]
    overlap: NDArray[numpy.float64]
    infinite_pixels: int = 0


def joined(judgements: Sequence[StackJudgement]) -> StackJudgement:
    """What was found on some images and on those that follow, as one."""
    return StackJudgement(
        image_shape=judgements[0].image_shape,
        unaligned_mse=numpy.concatenate([some.unaligned_mse for some in judgements]),
        aligned_mse=numpy.concatenate([some.aligned_mse for some in judgements], axis=1),
        overlap=numpy.concatenate([some.overlap for some in judgements], axis=1),
        infinite_pixels=sum(some.infinite_pixels for some in judgements),
    )


def judge(work: Work, image_done: Callable[[], None]) -> StackJudgement:
    """Compare images of one stack with its first image, as they are and aligned.

    Images are read one at a time, each once, and the first one too. In memory are the current image
    and the first image, as it is and aligned with a few of the lists.

    :param image_done: called after each image; what it raises ends the work.
    :raises ValueError: names the stack and the image that cannot be used.
    :raises TypeError: likewise.
    :raises OSError: likewise.
    """
    keep_freed_memory()
    number = len(work.images)
    unaligned_mse = numpy.full(number, numpy.nan)
    aligned_mse = numpy.full((len(work.lists), number), numpy.nan)
    overlap = numpy.full((len(work.lists), number), numpy.nan)
    infinite_pixels = 0
    with ExitStack() as files:
        stack = _opened(work, files)
        pixels = _read(work.name, stack, 0)
        first, parts = _prepare(pixels, numpy.empty(pixels.shape, dtype=numpy.float32))
        for _ in parts():
            pass
        references = _References(first, work.first)
        # The same memory for all images: new memory takes a good part of all that is done with one.
        buffer = numpy.empty_like(first.pixels)
        for n, index in enumerate(work.images):
            image, parts = first, first.parts
            if index > 0:
                pixels = _read(work.name, stack, index, first.pixels.shape)
                image, parts = _prepare(pixels, buffer)
            if not image.complete:
                infinite_pixels += int(numpy.isinf(pixels).sum())
            try:
                unaligned_mse[n] = compare(first, parts).mse
                for k, transformations in enumerate(work.lists):
                    if transformations is None:
                        continue
                    aligned = partial(aligned_parts, image, transformations[n])
                    aligned_mse[k, n], overlap[k, n] = compare(references[k], aligned)
            except (OSError, TypeError, ValueError) as error:
                raise located(error, f"Stack {work.name!r}, image {index}") from error
            image_done()
    return StackJudgement(first.pixels.shape, unaligned_mse, aligned_mse, overlap, infinite_pixels)


def _opened(work: Work, files: ExitStack) -> Any:
    if not isinstance(work.stack, AbstractContextManager):
        return work.stack
    try:
        return files.enter_context(work.stack)
    except (OSError, TypeError, ValueError) as error:
        raise located(error, f"Stack {work.name!r}") from error


def _read(
    name: str, stack: Any, index: int, shape: tuple[int, ...] | None = None
) -> NDArray[numpy.floating[Any]]:
    """An image that has the shape of the first one, where that is known."""
    try:
        pixels = as_floating(stack[index])
        if shape is not None and pixels.shape != shape:
            raise ValueError(f"its shape is {pixels.shape}, that of the first image {shape}")
    except (OSError, TypeError, ValueError) as error:
        raise located(error, f"Stack {name!r}, image {index}") from error
    return pixels


def _prepare(
    pixels: NDArray[numpy.floating[Any]], out: NDArray[numpy.float32]
) -> tuple[Image, Callable[[], Iterator[Part]]]:
    """An image and its parts. It is prepared, in `out`, while all its parts are taken: they are in
    the cache of the processor then."""
    missing = missing_pixels(pixels)
    image = Image.of(out, complete=missing is None)
    return image, lambda: map(image.part, prepare_image(pixels, missing, out))


class _References:
    """The first image, aligned with each list; not all of them are kept."""

    def __init__(self, first: Image, transformations: Sequence[Transformation | None]) -> None:
        self._first = first
        self._transformations = transformations
        self._kept: dict[int, Image] = {}

    def __getitem__(self, k: int) -> Image:
        if k in self._kept:
            return self._kept[k]
        transformation = self._transformations[k]
        if transformation is None:
            raise KeyError(k)
        image = aligned_image(self._first, transformation)
        if len(self._kept) < _KEPT_REFERENCES:
            self._kept[k] = image
        return image
