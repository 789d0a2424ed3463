"""Two pictures next to each other that are zoomed together."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray
from silx.gui import qt
from silx.gui.colors import Colormap
from silx.gui.plot import PlotWidget
from silx.gui.plot.ColorBar import ColorBarWidget
from silx.gui.plot.utils.axis import SyncAxes

from .colors import use_palette

_LEGEND = "picture"


class BeforeAfter(qt.QWidget):  # type: ignore[misc]
    """As measured on the left, aligned on the right, with one colour scale."""

    def __init__(self, parent: qt.QWidget | None = None) -> None:
        super().__init__(parent)
        self.before = _Picture(self)
        self.after = _Picture(self)
        self._before_title = _Title(self)
        self._after_title = _Title(self)
        self._color_bar = ColorBarWidget(self, plot=self.before)
        self._shape: tuple[int, ...] | None = None

        layout = qt.QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._before_title, 0, 0)
        layout.addWidget(self._after_title, 0, 1)
        layout.addWidget(self.before, 1, 0)
        layout.addWidget(self.after, 1, 1)
        layout.addWidget(self._color_bar, 1, 2)
        layout.setRowStretch(1, 1)
        layout.setColumnStretch(0, 1)
        layout.setColumnStretch(1, 1)
        self._synchronised = [
            SyncAxes([self.before.getXAxis(), self.after.getXAxis()]),
            SyncAxes([self.before.getYAxis(), self.after.getYAxis()]),
        ]

    def set_titles(self, before: str, after: str) -> None:
        self._before_title.setText(before)
        self._after_title.setText(after)

    def titles(self) -> tuple[str, str]:
        return self._before_title.text(), self._after_title.text()

    def show_pictures(
        self, before: NDArray[Any], after: NDArray[Any] | None, colormap: Colormap
    ) -> None:
        """
        :param before: values of shape `(H, W)`, or red, green, blue and opacity `(H, W, 4)`.
        :param after: likewise; None where there is nothing to show.
        :param colormap: of the values.
        """
        self.before.show_picture(before, colormap)
        self.after.show_picture(after, colormap)
        self._color_bar.setVisible(before.ndim == 2)
        if before.shape[:2] != self._shape:
            self._shape = before.shape[:2]
            self.show_whole_image()

    def show_whole_image(self) -> None:
        """Undo all zooming."""
        self.before.resetZoom()

    def clear(self) -> None:
        self.before.clear()
        self.after.clear()
        self._color_bar.hide()


class _Title(qt.QLabel):  # type: ignore[misc]
    def __init__(self, parent: qt.QWidget) -> None:
        super().__init__(parent)
        self.setTextFormat(qt.Qt.PlainText)  # names of stacks are no HTML
        self.setAlignment(qt.Qt.AlignCenter)
        self.setWordWrap(True)
        # A long name must not make the window wider.
        self.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Minimum)


class _Picture(PlotWidget):  # type: ignore[misc]
    """One picture: rows run down, pixels are square."""

    def __init__(self, parent: qt.QWidget) -> None:
        super().__init__(parent)
        self.setYAxisInverted(True)
        self.setKeepDataAspectRatio(True)
        self.setGraphXLabel("column")
        self.setGraphYLabel("row")
        self.setAxesMargins(0.11, 0.02, 0.03, 0.12)
        use_palette(self, self.palette())

    def show_picture(self, picture: NDArray[Any] | None, colormap: Colormap) -> None:
        if picture is None:
            self.clear()
            return
        shown = self.getImage(_LEGEND)
        if shown is not None and shown.getData(copy=False).ndim != picture.ndim:
            self.clear()
        self.addImage(
            picture,
            legend=_LEGEND,
            colormap=colormap if picture.ndim == 2 else None,
            origin=(-0.5, -0.5),  # the centre of a pixel has its row and column as coordinates
            resetzoom=False,
            copy=False,
        )

    def changeEvent(self, event: qt.QEvent) -> None:
        super().changeEvent(event)
        if event.type() == qt.QEvent.PaletteChange:
            use_palette(self, self.palette())
