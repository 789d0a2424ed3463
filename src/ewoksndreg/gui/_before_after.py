"""Two images side by side with a common zoom."""

from __future__ import annotations

from functools import partial
from typing import Any

from numpy.typing import NDArray
from silx.gui import qt
from silx.gui.colors import Colormap
from silx.gui.plot import PlotWidget
from silx.gui.plot.ColorBar import ColorBarWidget

from ._labels import make_heading
from ._themed_plot import ThemedPlot

_LEGEND = "picture"

_COLOR_BAR_WIDTH = 84  # px
_MARGINS = (62, 10, 14, 48)


class BeforeAfter(qt.QWidget):
    """The measured image on the left, the aligned image on the right, with a common color scale."""

    def __init__(self, parent: qt.QWidget | None = None) -> None:
        super().__init__(parent)
        self.before = _Picture(self)
        self.after = _Picture(self)
        self.before_title = make_heading(self)
        self.after_title = make_heading(self)
        color_bar_place = qt.QWidget(self)
        self._color_bar = _make_color_bar(color_bar_place, self.before)
        self._shape: tuple[int, ...] = (0, 0)
        self._following = False

        layout = qt.QGridLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.before_title, 0, 0)
        layout.addWidget(self.after_title, 0, 1)
        layout.addWidget(self.before, 1, 0)
        layout.addWidget(self.after, 1, 1)
        layout.addWidget(color_bar_place, 1, 2)
        layout.setRowStretch(1, 1)
        layout.setColumnStretch(0, 1)
        layout.setColumnStretch(1, 1)
        for plot, other in ((self.before, self.after), (self.after, self.before)):
            plot.sigChanged.connect(partial(self._follow, plot, other))

    def show_pictures(
        self, before: NDArray[Any], after: NDArray[Any] | None, colormap: Colormap
    ) -> None:
        """
        :param before: the picture as measured, values of shape `(H, W)`, or red, green,
            blue and opacity, shape `(H, W, 4)`.
        :param after: the aligned picture, in the same form; None if there is none.
        :param colormap: of the values.
        """
        self.before.show_picture(before, colormap)
        self.after.show_picture(after, colormap)
        self._color_bar.setVisible(before.ndim == 2)
        if before.shape[:2] != self._shape:
            self._shape = before.shape[:2]
            self.reset_zoom()

    def reset_zoom(self) -> None:
        """Show the whole images."""
        height, width = self._shape
        self._set_limits((-0.5, width - 0.5, -0.5, height - 0.5), self.before, self.after)

    def clear(self) -> None:
        self.before.clear()
        self.after.clear()
        self.before_title.clear()
        self.after_title.clear()
        self._color_bar.hide()

    def _follow(self, zoomed: _Picture, other: _Picture) -> None:
        if self._following:
            return
        left, right, top, bottom = limits = zoomed.limits()
        height, width = self._shape
        if max(left, top) <= -0.5 and right >= width - 0.5 and bottom >= height - 0.5:
            # Nothing is zoomed. While the window is laid out, the pictures temporarily differ in
            # size, and limits that are copied back and forth would grow.
            self.reset_zoom()
        else:
            self._set_limits(limits, other)

    def _set_limits(self, limits: tuple[float, float, float, float], *plots: _Picture) -> None:
        # All four limits at once: pixels are square, so that one axis changes the other one.
        self._following = True
        for plot in plots:
            plot.setLimits(*limits)
        self._following = False


class _Picture(ThemedPlot):
    """One picture, with row 0 at the top and square pixels."""

    sigChanged = qt.Signal()
    """Emitted when the zoom or the size has changed."""

    def __init__(self, parent: qt.QWidget) -> None:
        super().__init__(_MARGINS, parent)
        self.setYAxisInverted(True)
        self.setKeepDataAspectRatio(True)
        self.setGraphXLabel("column")
        self.setGraphYLabel("row")
        self.sigPlotSignal.connect(self._on_plot_signal)
        # The plot inside has its new size only after the event.
        self._soon = qt.QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.sigChanged)

    def show_picture(self, picture: NDArray[Any] | None, colormap: Colormap) -> None:
        if picture is None:
            self.clear()
            return
        previous = self.getImage(_LEGEND)
        if previous is not None and previous.getData(copy=False).ndim != picture.ndim:
            self.clear()
        self.addImage(
            picture,
            legend=_LEGEND,
            colormap=colormap if picture.ndim == 2 else None,
            origin=(-0.5, -0.5),  # the center of a pixel has its row and column as coordinates
            resetzoom=False,
            copy=False,
        )

    def limits(self) -> tuple[float, float, float, float]:
        """First and last column, first and last row."""
        return (*self.getGraphXLimits(), *self.getGraphYLimits())

    def _on_plot_signal(self, event: dict[str, object]) -> None:
        if event["event"] == "limitsChanged":
            self.sigChanged.emit()

    def resizeEvent(self, event: qt.QResizeEvent) -> None:
        super().resizeEvent(event)
        self._soon.start()


def _make_color_bar(parent: qt.QWidget, plot: PlotWidget) -> ColorBarWidget:
    """Make a color bar that shows only the ends of the scale, to save space."""
    bar = ColorBarWidget(parent, plot=plot)
    bar.getColorScaleBar().getTickBar().setTicksValuesVisible(False)
    # The size of the pictures does not depend on the values, nor on whether the bar is hidden.
    parent.setFixedWidth(_COLOR_BAR_WIDTH)
    layout = qt.QVBoxLayout(parent)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(bar)
    return bar
