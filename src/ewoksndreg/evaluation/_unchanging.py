"""Find pixels that never change."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import Any
from typing import NamedTuple

import numpy
from numpy.typing import NDArray

from ._jobs import Workers
from ._prepared_images import PreparedImages
from ._prepared_images import marker_of

# The number of images that are examined.
_IMAGES = 5

# Fractions of the pixels. A smaller number of unchanging pixels does not matter. If fewer pixels
# than this change, the images are copies of each other.
_SMALLEST_PART = 0.002
_FEWEST_CHANGING = 0.01

# A value that is more frequent than this among the other pixels, such as 0 in a map with few
# counts, is unchanged by chance or because there is no sample.
_COMMON = 0.1

# The number of pixels from which frequent values are found.
_SAMPLE_SIZE = 16_384


class Unchanging(NamedTuple):
    """The pixels of one stack without information on the motion.

    :param bits: mask of the pixels that never change, packed row by row; None if there are none.
    :param part: their fraction of the pixels.
    :param marked: fraction of the pixels with the largest value of the type.
    """

    bits: NDArray[numpy.uint8] | None
    part: float
    marked: float


def leave_out_unchanging(workers: Workers) -> tuple[dict[str, float], dict[str, float]]:
    """Find the pixels of each stack that never change, and mark them as invalid.

    :returns: their fraction of the pixels, and the fraction of pixels with the largest value of the
        type, each for the stacks that have such pixels.
    """
    jobs = ((few, partial(find_unchanging, few)) for few in map(choose_few, workers.images))
    found = {name: each for name, [each] in workers.run(jobs, counted=False).items()}
    for images in workers.images:
        images.unchanging = found[images.name].bits
    return (
        {name: each.part for name, each in found.items() if each.part},
        {name: each.marked for name, each in found.items() if each.marked},
    )


def choose_few(images: PreparedImages) -> PreparedImages:
    """Choose a few evenly spaced images of a stack."""
    step = max(1, (len(images) - 1) // (_IMAGES - 1))
    return images[: step * (_IMAGES - 1) + 1 : step]


def find_unchanging(
    images: PreparedImages, on_image: Callable[[], object] = lambda: None
) -> Unchanging:
    """Find the pixels that have the same value in all of a few images: the gap between two modules
    of a detector, a dead line, a frame of zeros, the area outside an aperture.

    They do not move with the sample, and would therefore favor a registration without motion.
    Pixels with a value that is also frequent among the other pixels are kept: zero counts mean that
    there is no sample, which is information.
    """
    number = len(images)
    size = math.prod(images.stack.shape[1:])
    samples, marked = [], 0.0
    with images.open():
        first, part = _read(images, 0)
        marked += part / number
        same = first == first  # not NaN
        if marked:  # counted separately
            same = first != marker_of(first.dtype)
        on_image()
        # The last one first: if nothing is the same in both, no other image is read.
        for n in range(number - 1, 0, -1):
            pixels, part = _read(images, n)
            marked += part / number
            same &= pixels == first
            on_image()
            if marked == 0 and numpy.count_nonzero(same) < _SMALLEST_PART * size:
                return Unchanging(None, 0.0, 0.0)
            samples.append(pixels.ravel()[:: max(1, size // _SAMPLE_SIZE)])
    if number == 1:
        return Unchanging(None, 0.0, marked)
    unchanging = _without_common_values(first, same, numpy.stack(samples))
    part = numpy.count_nonzero(unchanging) / size
    by_chance = _COMMON ** (number - 1)
    if part < max(_SMALLEST_PART, 2 * by_chance):
        return Unchanging(None, 0.0, marked)
    return Unchanging(numpy.packbits(unchanging), part, marked)


def _read(images: PreparedImages, n: int) -> tuple[NDArray[Any], float]:
    """Read an image, and find the fraction of its pixels with the marker value."""
    pixels = images.read(n)
    marker = marker_of(pixels.dtype)
    if marker is None:
        return pixels, 0.0
    return pixels, numpy.count_nonzero(pixels == marker) / pixels.size


def _without_common_values(
    first: NDArray[Any], same: NDArray[numpy.bool_], samples: NDArray[Any]
) -> NDArray[numpy.bool_]:
    changing = ~same.ravel()[:: max(1, first.size // _SAMPLE_SIZE)]
    values = numpy.sort(samples[:, changing], axis=None)
    if numpy.count_nonzero(changing) < _FEWEST_CHANGING * changing.size or not same.any():
        return numpy.zeros_like(same)
    candidates, where = numpy.unique(first[same], return_inverse=True)
    number = numpy.searchsorted(values, candidates, "right") - numpy.searchsorted(
        values, candidates, "left"
    )
    unchanging = same.copy()
    unchanging[same] = (number < _COMMON * values.size)[where]
    return unchanging
