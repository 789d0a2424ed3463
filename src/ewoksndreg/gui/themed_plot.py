"""A plot with the colours of the window around it."""

from __future__ import annotations

from silx.gui import qt
from silx.gui.plot import PlotWidget

from .colors import mixed

_GRID = 0.15  # how much of the colour of the text


class ThemedPlot(PlotWidget):
    """Is dark in a dark window, also when that changes."""

    _made = False  # Qt tells of colours before the constructor has ended

    def __init__(self, parent: qt.QWidget | None = None) -> None:
        super().__init__(parent)
        self._made = True
        self._use_palette()

    def changeEvent(self, event: qt.QEvent) -> None:
        super().changeEvent(event)
        if event.type() == qt.QEvent.PaletteChange and self._made:
            self._use_palette()

    def _use_palette(self) -> None:
        text = self.palette().color(qt.QPalette.Text)
        base = self.palette().color(qt.QPalette.Base)
        self.setBackgroundColor(base)
        self.setForegroundColor(text)
        self.setGridColor(mixed(base, text, _GRID))
