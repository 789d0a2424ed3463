"""A plot in the colors of the window around it."""

from __future__ import annotations

from silx.gui import qt
from silx.gui.plot import PlotWidget

from ._colors import mix_colors

_GRID = 0.15  # fraction of the text color


class ThemedPlot(PlotWidget):
    """Dark in a dark window, with enough space for the labels in a small one.

    :param margins: left, top, right and bottom of the curves, px; without them the whole plot is
        data.
    """

    _made = False  # Qt sends color changes before the constructor has ended

    def __init__(
        self, margins: tuple[int, int, int, int] | None, parent: qt.QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._margins = margins
        self._made = True
        self._use_palette()

    def changeEvent(self, event: qt.QEvent) -> None:
        super().changeEvent(event)
        if event.type() == qt.QEvent.PaletteChange and self._made:
            self._use_palette()

    def resizeEvent(self, event: qt.QResizeEvent) -> None:
        super().resizeEvent(event)
        if self._margins is None:
            return
        left, top, right, bottom = self._margins
        # silx needs fractions, with some space between them.
        width = max(self.width(), 2 * (left + right))
        height = max(self.height(), 2 * (top + bottom))
        self.setAxesMargins(left / width, top / height, right / width, bottom / height)

    def _use_palette(self) -> None:
        text = self.palette().color(qt.QPalette.Text)
        base = self.palette().color(qt.QPalette.Base)
        # silx draws the ends of the ticks even without axes, and colors them only with axes.
        self.setAxesDisplayed(True)
        self.setBackgroundColor(base)
        self.setForegroundColor(base if self._margins is None else text)
        self.setGridColor(mix_colors(base, text, _GRID))
        self.setAxesDisplayed(self._margins is not None)
