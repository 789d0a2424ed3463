"""Labels with names of stacks, which may contain any characters."""

from __future__ import annotations

from collections.abc import Sequence

from silx.gui import qt

_MOST_LISTED = 12
_LONGEST_ON_BUTTON = 20


def make_label(parent: qt.QWidget) -> qt.QLabel:
    """Make a plain-text label of one or more lines; long names do not make the window wider."""
    label = qt.QLabel(parent)
    label.setTextFormat(qt.Qt.PlainText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(qt.Qt.TextSelectableByMouse)
    label.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Minimum)
    return label


def make_heading(parent: qt.QWidget) -> qt.QLabel:
    """Make a centered, larger label of the same kind."""
    label = make_label(parent)
    label.setAlignment(qt.Qt.AlignCenter)
    font = label.font()
    font.setPointSizeF(1.15 * font.pointSizeF())
    label.setFont(font)
    return label


def shorten_for_button(name: str) -> str:
    """Shorten a name for a button, and escape `&`, which would mark a shortcut."""
    if len(name) > _LONGEST_ON_BUTTON:
        half = _LONGEST_ON_BUTTON // 2
        name = f"{name[:half]}…{name[-half:]}"
    return name.replace("&", "&&")


def list_images(images: Sequence[int]) -> str:
    """``3, 5, 8``; for many images the first twelve and the number of the others."""
    listed = ", ".join(str(n) for n in images[:_MOST_LISTED])
    more = len(images) - _MOST_LISTED
    return f"{listed} and {more} more" if more > 0 else listed
