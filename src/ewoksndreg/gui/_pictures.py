"""Two images made into one picture."""

from __future__ import annotations

from typing import Any

import numpy
from numpy.typing import NDArray

INVALID_COLOR = (0x4F, 0x9D, 0x69)
"""Red, green and blue of pixels that are invalid: no other color of any picture is green."""

_GREEN_OF_BRIGHTER = 0.3

Image = NDArray[numpy.floating[Any]]


def subtract(reference: Image, image: Image) -> Image:
    """The image minus the reference image, shape `(H, W)`; NaN where a pixel is invalid."""
    with numpy.errstate(over="ignore"):
        return image - reference


def overlay(reference: Image, image: Image, limits: tuple[float, float]) -> NDArray[numpy.uint8]:
    """Two images on top of each other: the reference image in red, the other one in blue.

    Green follows the darker one, so that pixels that are equal in both are gray, and a little the
    brighter one, because pure blue is hard to see.

    :param limits: the values that become black and full color.
    :returns: red, green, blue and opacity, shape `(H, W, 4)`; `MISSING_COLOR` where a pixel is
        invalid in either image.
    """
    red, blue = scale_brightness(reference, limits), scale_brightness(image, limits)
    invalid = numpy.isnan(red) | numpy.isnan(blue)
    red[invalid] = blue[invalid] = 0  # NaN has no integer
    green = numpy.minimum(red, blue) + _GREEN_OF_BRIGHTER * numpy.abs(red - blue)
    picture = numpy.empty((*reference.shape, 4), dtype=numpy.uint8)
    for channel, values in enumerate((red, green, blue)):
        picture[..., channel] = 255 * values + 0.5
    picture[invalid, :3] = INVALID_COLOR
    picture[..., 3] = 255
    return picture


def scale_brightness(image: Image, limits: tuple[float, float]) -> NDArray[numpy.float32]:
    """An image on the scale 0 to 1, clipped; NaN where a pixel is invalid.

    :param limits: the values that become 0 and 1.
    """
    low, high = limits
    scaled = (image - low) / (high - low)
    return numpy.asarray(numpy.clip(scaled, 0, 1), dtype=numpy.float32)
