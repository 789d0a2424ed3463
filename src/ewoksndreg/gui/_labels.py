"""Labels with names of stacks, which may contain any characters."""

from __future__ import annotations

from html import escape

from silx.gui import qt

_LONGEST_HEADING = 14


def make_label(parent: qt.QWidget) -> qt.QLabel:
    """A plain-text label of one or more lines; a long name does not make the window wider."""
    label = qt.QLabel(parent)
    label.setTextFormat(qt.Qt.PlainText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(qt.Qt.TextSelectableByMouse)
    label.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Minimum)
    return label


def make_heading(parent: qt.QWidget) -> qt.QLabel:
    """A centered, larger label of the same kind."""
    label = make_label(parent)
    label.setAlignment(qt.Qt.AlignCenter)
    font = label.font()
    font.setPointSizeF(1.15 * font.pointSizeF())
    label.setFont(font)
    return label


def make_tool_tip(words: str) -> str:
    """Words that Qt does not take for HTML."""
    return f"<span>{escape(words)}</span>" if words else ""


def shorten(name: str) -> str:
    """Both ends of a name that is too long for a heading."""
    if len(name) <= _LONGEST_HEADING:
        return name
    half = _LONGEST_HEADING // 2
    return f"{name[:half]}…{name[-half:]}"
