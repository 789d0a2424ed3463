"""The ways in which two images are compared on the screen."""

from __future__ import annotations

from enum import Enum
from typing import Any

from numpy.typing import NDArray
from silx.gui.colors import Colormap

from ._image_reader import LoadedImages
from ._image_reader import Pair
from ._pictures import MISSING_COLOR
from ._pictures import difference
from ._pictures import overlay


class Mode(Enum):
    """What the two pictures show; the value stands on the button."""

    OVERLAY = "Red/blue"
    DIFFERENCE = "Difference"
    BLINK = "Blink"
    SIDE_BY_SIDE = "Side by side"


EXPLANATIONS = {
    Mode.SIDE_BY_SIDE: "One image at a time. Move the slider: aligned images stand still.",
    Mode.BLINK: "The image and image 0 by turns: aligned images stand still.",
    Mode.DIFFERENCE: "The image minus image 0: aligned images leave no edges.",
    Mode.OVERLAY: (
        '<span style="color: #ff4d00">■</span> image 0 is brighter, '
        '<span style="color: #004dff">■</span> the image is brighter, '
        '<span style="color: #808080">■</span> both are equal: aligned images have no colored'
        " edges."
    ),
}


def pictures(
    loaded: LoadedImages, mode: Mode, *, blink_first: bool
) -> tuple[NDArray[Any], NDArray[Any] | None]:
    """What is shown before and after alignment.

    :param blink_first: whether it is the turn of the first image.
    """

    def picture(pair: Pair) -> NDArray[Any]:
        if mode is Mode.DIFFERENCE:
            return difference(pair.first, pair.image)
        if mode is Mode.OVERLAY:
            return overlay(pair.first, pair.image, loaded.limits)
        return pair.first if mode is Mode.BLINK and blink_first else pair.image

    return picture(loaded.before), None if loaded.after is None else picture(loaded.after)


def colormap(mode: Mode, limits: tuple[float, float]) -> Colormap:
    """The colors of the values, the same for all images of the stack.

    :param limits: of the color scale of the stack; differences are shown up to half of it.
    """
    if mode is Mode.DIFFERENCE:
        largest = (limits[1] - limits[0]) / 2
        scale = Colormap("seismic", vmin=-largest, vmax=largest)
    else:
        scale = Colormap("gray", vmin=limits[0], vmax=limits[1])
    scale.setNaNColor((*(channel / 255 for channel in MISSING_COLOR), 1.0))
    return scale
