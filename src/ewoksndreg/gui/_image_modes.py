"""Modes to compare two images on the screen."""

from __future__ import annotations

from enum import Enum
from typing import Any

import numpy
from numpy.typing import NDArray
from silx.gui.colors import Colormap

from .._pictures import overlay
from .._pictures import scale_brightness
from .._typing import FloatImage
from ._image_reader import LoadedImages
from ._image_reader import Pair

INVALID_COLOR = (0x4F, 0x9D, 0x69)
"""Red, green and blue of invalid pixels: no other color of the pictures is green."""


class Mode(Enum):
    """The content of the two pictures; the value is the label of the button."""

    OVERLAY = "Red/blue"
    DIFFERENCE = "Difference"
    BLINK = "Blink"
    SIDE_BY_SIDE = "Side by side"


EXPLANATIONS = {
    Mode.SIDE_BY_SIDE: "One image at a time. Move the slider: aligned images do not move.",
    Mode.BLINK: "The image and image 0 alternate: aligned images do not move.",
    Mode.DIFFERENCE: "The image minus image 0: aligned images leave no edges.",
    Mode.OVERLAY: (
        '<span style="color: #ff4d00">■</span> image 0 is brighter, '
        '<span style="color: #004dff">■</span> the image is brighter, '
        '<span style="color: #808080">■</span> both are equal: aligned images have no colored'
        " edges."
    ),
}


def make_pictures(
    loaded: LoadedImages, mode: Mode, *, blink_reference: bool
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """Make the pictures before and after alignment.

    :param blink_reference: whether blinking currently shows the reference image.
    """

    def compare(pair: Pair) -> NDArray[Any]:
        if mode is Mode.DIFFERENCE:
            return _subtract(pair.reference, pair.image)
        if mode is Mode.OVERLAY:
            both = (scale_brightness(each, loaded.limits) for each in (pair.reference, pair.image))
            picture = overlay(*both)
            picture[picture[..., 3] == 0] = (*INVALID_COLOR, 255)
            return picture
        return pair.reference if mode is Mode.BLINK and blink_reference else pair.image

    return compare(loaded.before), None if loaded.after is None else compare(loaded.after)


def _subtract(reference: FloatImage, image: FloatImage) -> FloatImage:
    """The image minus the reference image, shape `(H, W)`; NaN where a pixel is invalid."""
    with numpy.errstate(over="ignore"):
        return image - reference


def make_colormap(mode: Mode, limits: tuple[float, float]) -> Colormap:
    """Make the color map, which is the same for all images of the stack.

    :param limits: limits of the color scale of the stack; differences extend to half of it.
    """
    if mode is Mode.DIFFERENCE:
        largest = (limits[1] - limits[0]) / 2
        scale = Colormap("seismic", vmin=-largest, vmax=largest)
    else:
        scale = Colormap("gray", vmin=limits[0], vmax=limits[1])
    scale.setNaNColor((*(channel / 255 for channel in INVALID_COLOR), 1.0))
    return scale
