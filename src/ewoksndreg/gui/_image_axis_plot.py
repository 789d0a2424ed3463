"""Curves over the images of a stack."""

from __future__ import annotations

import numpy
from numpy.typing import ArrayLike
from silx.gui import qt

from ._colors import SELECTED_IMAGE
from ._themed_plot import ThemedPlot

# With more images the points would touch.
_MOST_POINTS = 60
_POINT_SIZE = 4


class ImageAxisPlot(ThemedPlot):
    """A plot whose horizontal axis is the image number; a line marks the selected image."""

    sigImageClicked = qt.Signal(int)
    """The image number that was clicked, which may not exist."""

    def __init__(
        self,
        y_label: str,
        margins: tuple[int, int, int, int],
        parent: qt.QWidget | None = None,
    ) -> None:
        super().__init__(margins, parent)
        self.setGraphXLabel("image")
        self.setGraphYLabel(y_label)
        self.setActiveCurveHandling(False)
        self.setGraphGrid("major")
        self.sigPlotSignal.connect(self._on_plot_signal)

    def add_registration(
        self, name: str, values: ArrayLike, *, style: tuple[str, str], width: float
    ) -> None:
        """Draw one value per image; values that are not finite leave a gap.

        :param style: color and line style.
        :param width: of the line in points; a wider line lies above the others.
        """
        y = numpy.asarray(values, dtype=numpy.float64)
        color, linestyle = style
        curve = self.addCurve(
            numpy.arange(len(y)),
            numpy.where(numpy.isfinite(y), y, numpy.nan),
            legend=name,
            color=color,
            linestyle=linestyle,
            linewidth=width,
            symbol="o" if len(y) <= _MOST_POINTS else "",
            z=1 + int(10 * width),
            resetzoom=False,
        )
        curve.setSymbolSize(_POINT_SIZE + width)

    def show_images(self, number: int, vertical: tuple[float, float]) -> None:
        """Zoom to images 0 to `number - 1`.

        :param vertical: lowest and highest value.
        """
        self.setLimits(-0.5, max(number, 1) - 0.5, *vertical)

    def mark_image(self, number: int) -> None:
        self.addXMarker(number, legend="selected image", color=SELECTED_IMAGE)

    def _on_plot_signal(self, event: dict[str, object]) -> None:
        if event["event"] == "mouseClicked" and event["button"] == "left":
            self.sigImageClicked.emit(round(float(str(event["x"]))))
