"""Values of every image under every registration, as colors."""

from __future__ import annotations

from collections.abc import Sequence

import numpy
from numpy.typing import NDArray
from silx.gui import qt
from silx.gui.colors import Colormap
from silx.gui.plot.items import ImageDataAggregated

from ._colors import SELECTED_IMAGE
from ._themed_plot import ThemedPlot

_ROW_HEIGHTS = (12, 26)  # smallest and largest, px
_USUAL_HEIGHT = 260  # of all rows, px
_ABOVE = 0.8  # rows, for the marks


class HeatMap(qt.QWidget):
    """One row per registration and one column per image.

    Where several images share a column of the screen, the largest value is shown, so that no
    outlier is hidden.

    :param colormap: of the values.
    :param margins: left, where the names are, and right of the colors, px.
    """

    sigImageClicked = qt.Signal(int)
    """The image that was clicked, perhaps one that does not exist."""

    sigRowClicked = qt.Signal(int)
    """The row that was clicked."""

    def __init__(
        self, colormap: Colormap, margins: tuple[int, int], parent: qt.QWidget | None = None
    ) -> None:
        super().__init__(parent)
        left, right = margins
        self.plot = ThemedPlot(None, self)
        self.plot.setYAxisInverted(True)
        self.plot.setMinimumHeight(0)
        self.plot.sigPlotSignal.connect(self._on_plot_signal)
        self._item = ImageDataAggregated()
        self._item.setAggregationMode(ImageDataAggregated.Aggregation.MAX)
        self._item.setColormap(colormap)
        self._item.setOrigin((-0.5, -0.5))
        self._names = _Names(self)
        self._names.setFixedWidth(left)
        self._names.sigRowClicked.connect(self.sigRowClicked)
        layout = qt.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, right, 0)
        layout.setSpacing(0)
        layout.addWidget(self._names)
        layout.addWidget(self.plot, 1)

    def show_values(
        self,
        values: NDArray[numpy.float64],
        names: Sequence[str],
        *,
        emphasized: int | None,
        marked: Sequence[int],
    ) -> None:
        """
        :param values: shape `(K registrations, N images)`; a row of NaN was not scored.
        :param names: of the rows.
        :param emphasized: row whose name is bold.
        :param marked: images with a mark above them.
        """
        smallest, largest = _ROW_HEIGHTS
        height = max(smallest, min(largest, _USUAL_HEIGHT // max(len(names), 1)))
        self.setFixedHeight(round((len(names) + _ABOVE) * height))
        self._names.show_names(
            [
                f"{name} (not scored)" if numpy.isnan(row).all() else name
                for name, row in zip(names, values, strict=True)
            ],
            emphasized,
            height,
        )
        self.plot.clear()
        self._item.setData(values)
        self.plot.addItem(self._item)
        self.plot.setActiveImage(self._item)
        for n in marked:
            color = self.palette().color(qt.QPalette.Text)
            y = -0.5 - _ABOVE / 2
            self.plot.addMarker(n, y, legend=f"mark {n}", symbol="d", color=color)
        limits = self.plot.getGraphXLimits()
        self.plot.setLimits(*limits, -0.5 - _ABOVE, len(names) - 0.5)

    def mark_image(self, number: int) -> None:
        self.plot.addXMarker(number, legend="selected image", color=SELECTED_IMAGE)

    def _on_plot_signal(self, event: dict[str, object]) -> None:
        if event["event"] == "mouseClicked" and event["button"] == "left":
            row = round(float(str(event["y"])))
            if 0 <= row < self._item.getData(copy=False).shape[0]:
                self.sigRowClicked.emit(row)
            self.sigImageClicked.emit(round(float(str(event["x"]))))


class _Names(qt.QWidget):
    """The names of the rows, beside them; silx has numbers on its axes only."""

    sigRowClicked = qt.Signal(int)

    def __init__(self, parent: qt.QWidget) -> None:
        super().__init__(parent)
        self._names: Sequence[str] = ()
        self._emphasized: int | None = None
        self._height = 1

    def show_names(self, names: Sequence[str], emphasized: int | None, height: int) -> None:
        self._names, self._emphasized, self._height = names, emphasized, height
        self.update()

    def _top(self, row: int) -> float:
        return (row + _ABOVE) * self._height

    def paintEvent(self, event: qt.QPaintEvent) -> None:
        painter = qt.QPainter(self)
        font = self.font()
        font.setPixelSize(min(13, self._height))
        painter.setPen(self.palette().color(qt.QPalette.WindowText))
        for row, name in enumerate(self._names):
            font.setBold(row == self._emphasized)
            painter.setFont(font)
            place = qt.QRectF(0, self._top(row), self.width() - 8, self._height)
            text = painter.fontMetrics().elidedText(name, qt.Qt.ElideMiddle, int(place.width()))
            painter.drawText(place, qt.Qt.AlignRight | qt.Qt.AlignVCenter, text)
        painter.end()

    def mousePressEvent(self, event: qt.QMouseEvent) -> None:
        row = int(event.position().y() / self._height - _ABOVE)
        if 0 <= row < len(self._names):
            self.sigRowClicked.emit(row)
