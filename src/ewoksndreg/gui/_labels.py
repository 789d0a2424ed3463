"""Texts in which names of stacks stand, whatever characters these have."""

from __future__ import annotations

from collections.abc import Sequence

from silx.gui import qt

_MOST_LISTED = 12
_LONGEST_ON_BUTTON = 20


def text_label(parent: qt.QWidget) -> qt.QLabel:
    """A label for plain text of one or more lines; a long name does not make the window wider."""
    label = qt.QLabel(parent)
    label.setTextFormat(qt.Qt.PlainText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(qt.Qt.TextSelectableByMouse)
    label.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Minimum)
    return label


def heading(parent: qt.QWidget) -> qt.QLabel:
    """Likewise, in the middle and larger."""
    label = text_label(parent)
    label.setAlignment(qt.Qt.AlignCenter)
    font = label.font()
    font.setPointSizeF(1.15 * font.pointSizeF())
    label.setFont(font)
    return label


def on_button(name: str) -> str:
    """A name as a button shows it: not too long, and without the marks of keys that Qt sees."""
    if len(name) > _LONGEST_ON_BUTTON:
        half = _LONGEST_ON_BUTTON // 2
        name = f"{name[:half]}…{name[-half:]}"
    return name.replace("&", "&&")


def numbers(images: Sequence[int]) -> str:
    """``3, 5, 8``; of many numbers the first ones."""
    listed = ", ".join(str(n) for n in images[:_MOST_LISTED])
    more = len(images) - _MOST_LISTED
    return f"{listed} and {more} more" if more > 0 else listed
