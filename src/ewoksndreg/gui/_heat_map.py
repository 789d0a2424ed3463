"""A heat map with the values of each image for each registration."""

from __future__ import annotations

from collections.abc import Sequence

import numpy
from numpy.typing import NDArray
from silx.gui import qt
from silx.gui.colors import Colormap

from ._colors import SELECTED_IMAGE
from ._image_axis_plot import ImageAxisPlot

_ROW_HEIGHTS = (12, 26)  # smallest and largest, px
_USUAL_HEIGHT = 260  # of all rows, px
_MARKS_HEIGHT = 14


class HeatMap(qt.QWidget):
    """One row per registration and one column per image, above a plot with the same images.

    :param plot: the plot below; the columns follow its horizontal axis, also when it is zoomed.
    :param colormap: of the values.
    """

    sigImageClicked = qt.Signal(int)
    """The image number that was clicked, which may not exist."""

    def __init__(
        self, plot: ImageAxisPlot, colormap: Colormap, parent: qt.QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._plot = plot
        self._colormap = colormap
        self._values = numpy.empty((0, 0))
        self._labels: Sequence[str] = ()
        self._emphasized: int | None = None
        self._marked: Sequence[int] = ()
        self._selected = 0
        plot.getXAxis().sigLimitsChanged.connect(self.update)

    def show_values(
        self,
        values: NDArray[numpy.float64],
        labels: Sequence[str],
        *,
        emphasized: int | None,
        marked: Sequence[int],
    ) -> None:
        """
        :param values: shape `(K registrations, N images)`; a row of NaN was not scored.
        :param labels: of the rows.
        :param emphasized: row whose label is bold.
        :param marked: images with a mark above them.
        """
        self._values, self._labels = values, labels
        self._emphasized, self._marked = emphasized, marked
        smallest, largest = _ROW_HEIGHTS
        rows = max(len(labels), 1)
        height = max(smallest, min(largest, _USUAL_HEIGHT // rows))
        self.setFixedHeight(rows * height + _MARKS_HEIGHT)
        self.update()

    def mark_image(self, number: int) -> None:
        self._selected = number
        self.update()

    def compute_colors(self, columns: int) -> NDArray[numpy.uint8]:
        """Red, green, blue and opacity, shape `(K, columns, 4)`, of what the plot shows.

        If several images share a column, it shows the largest value, so that no outlier is hidden.
        """
        start, stop = self._plot.getGraphXLimits()
        edges = numpy.linspace(start, stop, columns + 1) + 0.5
        first = numpy.floor(edges[:-1]).astype(int)
        last = numpy.maximum(numpy.ceil(edges[1:]).astype(int) - 1, first)
        result = numpy.full((len(self._values), columns), numpy.nan)
        number = self._values.shape[1]
        for column, (start, stop) in enumerate(zip(first, last + 1, strict=True)):
            images = self._values[:, max(start, 0) : min(max(stop, 0), number)]
            if images.shape[1]:
                result[:, column] = numpy.fmax.reduce(images, axis=1)
        return numpy.asarray(self._colormap.applyToData(result))

    def paintEvent(self, event: qt.QPaintEvent) -> None:
        if not len(self._labels):
            return
        painter = qt.QPainter(self)
        left, right = (round(self._x(limit)) for limit in self._plot.getGraphXLimits())
        rows = qt.QRect(left, _MARKS_HEIGHT, right - left, self.height() - _MARKS_HEIGHT)
        colors = numpy.ascontiguousarray(self.compute_colors(max(rows.width(), 1)))
        height, columns, _ = colors.shape
        image = qt.QImage(colors.tobytes(), columns, height, 4 * columns, qt.QImage.Format_RGBA8888)
        painter.drawImage(rows, image)
        self._paint_frame(painter, rows)
        self._paint_labels(painter, rows)
        self._paint_marks(painter, rows)
        painter.end()

    def _paint_frame(self, painter: qt.QPainter, rows: qt.QRect) -> None:
        painter.setPen(self.palette().color(qt.QPalette.Base))
        for row in range(1, len(self._labels)):
            y = rows.top() + row * rows.height() // len(self._labels)
            painter.drawLine(rows.left(), y, rows.right(), y)
        painter.setPen(self.palette().color(qt.QPalette.WindowText))
        painter.drawRect(rows.adjusted(0, 0, -1, -1))

    def _paint_labels(self, painter: qt.QPainter, rows: qt.QRect) -> None:
        height = rows.height() / len(self._labels)
        font = self.font()
        font.setPixelSize(int(min(13, height)))
        for row, label in enumerate(self._labels):
            font.setBold(row == self._emphasized)
            painter.setFont(font)
            painter.setPen(self.palette().color(qt.QPalette.WindowText))
            place = qt.QRectF(0, rows.top() + row * height, rows.left() - 8, height)
            text = painter.fontMetrics().elidedText(label, qt.Qt.ElideMiddle, int(place.width()))
            painter.drawText(place, qt.Qt.AlignRight | qt.Qt.AlignVCenter, text)
            if numpy.isnan(self._values[row]).all():
                place = qt.QRectF(rows.left() + 8, place.top(), rows.width() - 8, height)
                painter.drawText(place, qt.Qt.AlignVCenter, "not scored on this stack")

    def _paint_marks(self, painter: qt.QPainter, rows: qt.QRect) -> None:
        painter.setRenderHint(qt.QPainter.Antialiasing)
        painter.setPen(qt.Qt.NoPen)
        painter.setBrush(self.palette().color(qt.QPalette.WindowText))
        for number in self._marked:
            x = self._x(number)
            if rows.left() <= x <= rows.right():
                corners = ((x - 5, 2), (x + 5, 2), (x, _MARKS_HEIGHT - 2))
                painter.drawPolygon(qt.QPolygonF([qt.QPointF(*corner) for corner in corners]))
        x = self._x(self._selected)
        if rows.left() <= x <= rows.right():
            painter.setPen(qt.QPen(qt.QColor(SELECTED_IMAGE), 1.5))
            painter.drawLine(qt.QPointF(x, 0), qt.QPointF(x, self.height()))

    def _x(self, number: float) -> float:
        """The position of an image in the plot below."""
        return float(self._plot.dataToPixel(number, 0, check=False)[0])

    def mousePressEvent(self, event: qt.QMouseEvent) -> None:
        number, _ = self._plot.pixelToData(event.position().x(), 0, check=False)
        start, stop = self._plot.getGraphXLimits()
        if event.button() == qt.Qt.LeftButton and start <= number <= stop:
            self.sigImageClicked.emit(round(number))
