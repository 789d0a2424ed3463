"""The ways to compare two images on the screen."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy
from numpy.typing import NDArray

from .._pictures import overlay
from .._pictures import scale_brightness
from ._colors import INVALID
from ._image_reader import Limits
from ._image_reader import LoadedImages
from ._image_reader import Pair


class Mode(Enum):
    """What a picture shows; the value is the label of the button."""

    OVERLAY = "&Red/blue"
    DIFFERENCE = "&Difference"
    BLINK = "B&link"
    SWIPE = "S&wipe"
    IMAGE = "Image alo&ne"


EXPLANATIONS = {
    Mode.IMAGE: "One image at a time. Move the slider: aligned images do not move.",
    Mode.BLINK: "The image and the reference image alternate: aligned images do not move.",
    Mode.DIFFERENCE: "The image minus the reference image: aligned images leave no edges.",
    Mode.SWIPE: (
        "Reference image on the left of the line, image on the right. Drag the line: edges of"
        " aligned images do not break."
    ),
    Mode.OVERLAY: (
        '<span style="color: #ff4d00">■</span> reference image is brighter, '
        '<span style="color: #004dff">■</span> image is brighter, '
        '<span style="color: #808080">■</span> equal: aligned images have no colored edges.'
    ),
}


@dataclass(frozen=True)
class Display:
    """How images are compared.

    :param mode: red/blue, difference, ...
    :param own_scale: whether each image has a color scale of its own, from 0 to 1.
    :param amplified: whether differences are shown four times as strong.
    :param blink_reference: whether blinking is at the reference image.
    :param swipe: how much of the width shows the reference image, 0 to 1.
    """

    mode: Mode = Mode.OVERLAY
    own_scale: bool = False
    amplified: bool = False
    blink_reference: bool = False
    swipe: float = 0.5


def make_picture(pair: Pair, loaded: LoadedImages, display: Display) -> NDArray[Any]:
    """What one picture shows: values of shape `(H, W)`, NaN where a pixel is invalid, or red,
    green, blue and opacity of shape `(H, W, 4)`."""
    reference, image = pair.reference, pair.image
    limits = loaded.limits
    if display.own_scale:
        with numpy.errstate(over="ignore"):
            reference, image = (
                (pixels - low) / (high - low)
                for pixels, (low, high) in zip((reference, image), loaded.own_limits, strict=True)
            )
        limits = (0.0, 1.0)
    if display.mode is Mode.IMAGE:
        return image
    if display.mode is Mode.OVERLAY:
        picture = overlay(*(scale_brightness(each, limits) for each in (reference, image)))
        picture[picture[..., 3] == 0] = (*INVALID, 255)
        return picture
    if display.mode is Mode.DIFFERENCE:
        with numpy.errstate(over="ignore"):
            return image - reference
    if display.mode is Mode.SWIPE:
        width = image.shape[1]
        return numpy.where(numpy.arange(width) < display.swipe * width, reference, image)
    shown, other = (reference, image) if display.blink_reference else (image, reference)
    # A border that blinks would hide what moves.
    return numpy.where(numpy.isnan(other), numpy.nan, shown)


def find_limits(loaded: LoadedImages, display: Display) -> Limits:
    """Of the color scale; differences go up to half of that of the images, or an eighth."""
    low, high = (0.0, 1.0) if display.own_scale else loaded.limits
    if display.mode is Mode.DIFFERENCE:
        largest = (high - low) / (8 if display.amplified else 2)
        return -largest, largest
    return low, high
