"""Read a stack once and compare its images under every list of transformations."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy
from numpy.typing import ArrayLike
from numpy.typing import NDArray

from .._messages import located
from .._pixels import as_floating
from .._pixels import missing_pixels
from ..transformation.base import Transformation
from .alignment import Image
from .alignment import aligned_image
from .alignment import aligned_parts
from .comparison import compare
from .prepare import prepare_image

# First images, aligned, that are kept. Those of further lists are made again for every image, so
# that memory does not grow with the number of stacks.
_KEPT_REFERENCES = 4

ImageStack = Sequence[ArrayLike] | NDArray[Any]


@dataclass(frozen=True, eq=False)
class StackJudgement:
    """What lists of transformations make of one stack of N images.

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


def judge_stack(
    name: str,
    stack: ImageStack,
    lists: Sequence[Sequence[Transformation] | None],
    image_done: Callable[[], None],
) -> StackJudgement:
    """Compare the images of one stack with its first image, as they are and aligned.

    Images are read once, one at a time. In memory are the current image and the first image, as it
    is and aligned with a few of the lists.

    :param name: of the stack, for errors.
    :param stack: N images of shape `(H, W)`.
    :param lists: lists of N transformations, None in place of a list that is not judged here.
    :param image_done: called after each image; what it raises ends the work.
    :raises ValueError: names the stack and the image that cannot be used.
    :raises TypeError: likewise.
    """
    unaligned_mse = numpy.full(len(stack), numpy.nan)
    aligned_mse = numpy.full((len(lists), len(stack)), numpy.nan)
    overlap = numpy.full((len(lists), len(stack)), numpy.nan)
    first: Image | None = None
    references: dict[int, Image] = {}
    infinite_pixels = 0
    for n in range(len(stack)):
        try:
            pixels = as_floating(stack[n])
            missing = missing_pixels(pixels)
            if missing is not None:
                infinite_pixels += int(numpy.isinf(pixels).sum())
            image = Image.of(prepare_image(pixels, missing), complete=missing is None)
            if first is None:
                first = image
            if image.pixels.shape != first.pixels.shape:
                raise ValueError(
                    f"its shape is {image.pixels.shape}, that of the first image"
                    f" {first.pixels.shape}"
                )
            unaligned_mse[n] = compare(first, image.parts).mse
            for k, transformations in enumerate(lists):
                if transformations is None:
                    continue
                if n == 0 and len(references) < _KEPT_REFERENCES:
                    references[k] = aligned_image(first, transformations[0])
                reference = references.get(k) or aligned_image(first, transformations[0])
                aligned = partial(aligned_parts, image, transformations[n])
                aligned_mse[k, n], overlap[k, n] = compare(reference, aligned)
        except (OSError, TypeError, ValueError) as error:
            raise located(error, f"Stack {name!r}, image {n}") from error
        image_done()
    image_shape = () if first is None else first.pixels.shape
    return StackJudgement(image_shape, unaligned_mse, aligned_mse, overlap, infinite_pixels)
