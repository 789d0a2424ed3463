"""Gray out what is no longer valid, and let the user look at it."""

from __future__ import annotations

from silx.gui import qt

_OPACITY = 140  # of 255


class Veil(qt.QWidget):
    """Covers a widget; clicks go through. (Under Qt's opacity effect plots and tables are garbled.)

    :param covered: the widget.
    """

    def __init__(self, covered: qt.QWidget) -> None:
        super().__init__(covered)
        self.setAttribute(qt.Qt.WA_TransparentForMouseEvents)
        covered.installEventFilter(self)
        self.hide()

    def eventFilter(self, covered: qt.QObject, event: qt.QEvent) -> bool:
        if event.type() == qt.QEvent.Resize:
            self.resize(event.size())
        return False

    def showEvent(self, event: qt.QShowEvent) -> None:
        super().showEvent(event)
        self.resize(self.parentWidget().size())
        self.raise_()

    def paintEvent(self, event: qt.QPaintEvent) -> None:
        color = self.palette().color(qt.QPalette.Window)
        color.setAlpha(_OPACITY)
        qt.QPainter(self).fillRect(self.rect(), color)
