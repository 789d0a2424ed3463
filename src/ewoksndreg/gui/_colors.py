"""Colors that are legible on light and on dark windows."""

from __future__ import annotations

from silx.gui import qt

RELATIVE_ERROR = "#3b8bd4"
SMOOTHNESS = "#e07b39"
BEST = "#2f9e58"
SELECTED_IMAGE = "#d6565b"

# Neither green, which is the best registration, nor red, which marks the selected image
_REGISTRATIONS = (
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


def choose_line_style(index: int) -> tuple[str, str]:
    """Color and line style of a registration.

    :param index: of the registration; after nine registrations the colors repeat with dashed
        lines.
    """
    color = _REGISTRATIONS[index % len(_REGISTRATIONS)]
    return color, ("-", "--", ":", "-.")[index // len(_REGISTRATIONS) % 4]


def mix_colors(color: qt.QColor, other: qt.QColor, fraction: float) -> qt.QColor:
    """A color between two others.

    :param fraction: of the other one, 0 to 1.
    """
    channels = zip(color.getRgbF()[:3], other.getRgbF()[:3], strict=True)
    return qt.QColor.fromRgbF(*((1 - fraction) * a + fraction * b for a, b in channels))
