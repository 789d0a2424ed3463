"""Colors that are legible on light and on dark windows, and for color-blind people."""

from __future__ import annotations

from silx.gui import qt

# Eight of the ten colors of M. A. Petroff, Accessible Color Sequences for Data Visualization
# (2021), arXiv:2107.02270. Left out are the palest one and the red one, which marks the selected
# image. The best registration has the color of text.
_REGISTRATIONS = (
    "#3f90da",
    "#e76300",
    "#832db6",
    "#ffa90e",
    "#717581",
    "#a96b59",
    "#94a4a2",
    "#b9ac70",
)
SELECTED_IMAGE = "#bd1f01"

RELATIVE_ERROR = _REGISTRATIONS[0]
SMOOTHNESS = _REGISTRATIONS[3]

INVALID = (0xF0, 0xE4, 0x42)
"""Red, green and blue of invalid pixels: the yellow of Okabe and Ito, which no picture has."""


def choose_line_style(index: int) -> tuple[str, str]:
    """Color and line style of a registration.

    :param index: of the registration; after eight registrations the colors repeat with dashed
        lines.
    """
    color = _REGISTRATIONS[index % len(_REGISTRATIONS)]
    return color, ("-", "--", ":", "-.")[index // len(_REGISTRATIONS) % 4]


def find_text_color(background: qt.QColor) -> qt.QColor:
    """Black or white, whichever is legible: the contrast is 4.5 or more."""
    return qt.QColor("black" if find_luminance(background) > 0.179 else "white")


def find_luminance(color: qt.QColor) -> float:
    """Relative luminance, 0 to 1 (WCAG 2.2)."""
    linear = (
        c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in color.getRgbF()[:3]
    )
    return float(sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True)))


def mix_colors(color: qt.QColor, other: qt.QColor, fraction: float) -> qt.QColor:
    """A color between two others.

    :param fraction: of the other one, 0 to 1.
    """
    channels = zip(color.getRgbF()[:3], other.getRgbF()[:3], strict=True)
    return qt.QColor.fromRgbF(*((1 - fraction) * a + fraction * b for a, b in channels))


def soften_selection(widget: qt.QWidget, palette: qt.QPalette) -> None:
    """Keep text and lines legible on the selected row of a list or a table.

    :param palette: of the tab that it is in.
    """
    palette = qt.QPalette(palette)
    base, text = palette.color(qt.QPalette.Base), palette.color(qt.QPalette.Text)
    highlight = mix_colors(base, palette.color(qt.QPalette.Highlight), 0.25)
    palette.setColor(qt.QPalette.Highlight, highlight)
    palette.setColor(qt.QPalette.HighlightedText, text)
    widget.setPalette(palette)
