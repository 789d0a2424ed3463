"""Colors that are legible on light and on dark windows."""

from __future__ import annotations

from silx.gui import qt

RELATIVE_ERROR = "#3b8bd4"
SMOOTHNESS = "#e07b39"
BEST = "#2f9e58"
SELECTED_IMAGE = "#d6565b"

# Neither green, which is the best registration, nor red, which marks the selected image
_LISTS = (
    "#3b8bd4",
    "#e07b39",
    "#9c6ade",
    "#2fb3bf",
    "#a8733f",
    "#db6fb8",
    "#8a8f98",
    "#d4a017",
    "#5560c8",
)


def list_style(index: int) -> tuple[str, str]:
    """Color and line style of a registration.

    :param index: of the registration; after nine registrations the colors come again with dashed
        lines.
    """
    return _LISTS[index % len(_LISTS)], ("-", "--", ":", "-.")[index // len(_LISTS) % 4]


def mixed(color: qt.QColor, other: qt.QColor, part: float) -> qt.QColor:
    """A color between two others.

    :param part: of the other one, 0 to 1.
    """
    channels = zip(color.getRgbF()[:3], other.getRgbF()[:3], strict=True)
    return qt.QColor.fromRgbF(*((1 - part) * a + part * b for a, b in channels))
