"""Two pictures beside or above each other that are zoomed together."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

from numpy.typing import NDArray
from silx.gui import qt
from silx.gui.colors import Colormap
from silx.gui.plot.items import ItemChangedType

from ._colors import SELECTED_IMAGE
from ._plot_toolbar import PlotToolBar
from ._themed_plot import ThemedPlot

_LEGEND = "picture"
_SWIPE = "swipe"


class BeforeAfter(qt.QWidget):
    """Two pictures, A and B, or one of them, with one color scale. Each has a list of registrations
    and tools above it. Wide pictures are above each other where that makes them larger."""

    sigSwiped = qt.Signal(float)
    """The line was dragged to this fraction of the width."""

    sigHovered = qt.Signal(int, int)
    """Row and column of the pixel under the mouse; perhaps one that does not exist."""

    def __init__(self, parent: qt.QWidget | None = None) -> None:
        super().__init__(parent)
        self.sides = (Side("&A", self), Side("&B", self))
        self._shape: tuple[int, ...] = (0, 0)
        self._following = False
        self._layout = qt.QHBoxLayout(self)
        self._layout.setContentsMargins(0, 0, 0, 0)
        for side, other in zip(self.sides, self.sides[::-1], strict=True):
            self._layout.addWidget(side, 1)
            side.plot.sigChanged.connect(partial(self._follow, side.plot, other.plot))
            side.plot.sigSwiped.connect(lambda x: self.sigSwiped.emit((x + 0.5) / self._shape[1]))
            side.plot.sigHovered.connect(self.sigHovered)

    def show_pictures(self, pictures: list[NDArray[Any]], colormap: Colormap) -> None:
        """
        :param pictures: A and B; values of shape `(H, W)`, or red, green, blue and opacity,
            shape `(H, W, 4)`.
        :param colormap: of the values.
        """
        for side, picture in zip(self.sides, pictures, strict=True):
            side.plot.show_picture(picture, colormap)
        if pictures[0].shape[:2] != self._shape:
            self._shape = pictures[0].shape[:2]
            self._arrange()
            self.reset_zoom()

    def show_swipe(self, fraction: float | None) -> None:
        """Show the line to drag; None to hide it."""
        for side in self.sides:
            side.plot.show_swipe(None if fraction is None else fraction * self._shape[1] - 0.5)

    def reset_zoom(self) -> None:
        """Show the whole images."""
        height, width = self._shape
        limits = (-0.5, width - 0.5, -0.5, height - 0.5)
        self._set_limits(limits, *(side.plot for side in self.sides))

    def clear(self) -> None:
        for side in self.sides:
            side.plot.clear()

    def resizeEvent(self, event: qt.QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        rows, columns = self._shape
        width, height = self.width(), self.height()
        tools = self.sides[0].tools.sizeHint().height()
        # Size of a pixel: the smaller one of what width and height allow, without the divisions.
        beside = min(width / 2 * rows, (height - tools) * columns)
        above = min(width * rows, (height / 2 - tools) * columns)
        self._layout.setDirection(
            qt.QBoxLayout.TopToBottom if above > beside else qt.QBoxLayout.LeftToRight
        )

    def _follow(self, zoomed: Picture, other: Picture) -> None:
        if self._following or not zoomed.isVisible():
            return
        left, right, top, bottom = limits = zoomed.limits()
        height, width = self._shape
        if max(left, top) <= -0.5 and right >= width - 0.5 and bottom >= height - 0.5:
            # Nothing is zoomed. While the window is arranged the pictures differ in size for a
            # moment; limits copied back and forth would grow.
            self.reset_zoom()
        else:
            self._set_limits(limits, other)

    def _set_limits(self, limits: tuple[float, float, float, float], *plots: Picture) -> None:
        # All four limits at once: pixels are square, so one axis moves the other one. With silx's
        # SyncAxes (3.1.3), which moves them one after the other, a zoom to rows 107 to 235 of a
        # picture was one to rows 135 to 264 of the other, and a resized window zoomed far out.
        self._following = True
        for plot in plots:
            plot.setLimits(*limits)
        self._following = False


class Side(qt.QWidget):
    """A picture with the registration that it is aligned with, and tools.

    :param label: of the list of registrations, with a mnemonic.
    """

    def __init__(self, label: str, parent: qt.QWidget) -> None:
        super().__init__(parent)
        self.plot = Picture(self)
        self.choice = qt.QComboBox(self)
        self.choice.setSizeAdjustPolicy(qt.QComboBox.AdjustToMinimumContentsLengthWithIcon)
        self.choice.setMinimumContentsLength(5)
        self.tools = PlotToolBar(self.plot, self, image=True)
        name = qt.QLabel(label, self)
        name.setBuddy(self.choice)
        top = qt.QHBoxLayout()
        top.setSpacing(4)
        top.addWidget(name)
        top.addWidget(self.choice, 1)
        top.addWidget(self.tools)
        layout = qt.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(top)
        layout.addWidget(self.plot, 1)


class Picture(ThemedPlot):
    """One picture without axes: rows run down, pixels are square."""

    sigChanged = qt.Signal()
    """It was zoomed or has another size."""

    sigSwiped = qt.Signal(float)
    """The line was dragged to this column."""

    sigHovered = qt.Signal(int, int)
    """Row and column of the pixel under the mouse."""

    def __init__(self, parent: qt.QWidget) -> None:
        super().__init__(None, parent)
        self.setYAxisInverted(True)
        self.setKeepDataAspectRatio(True)
        self.sigPlotSignal.connect(self._on_plot_signal)
        # The plot inside has its new size only after the event.
        self._soon = qt.QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.timeout.connect(self.sigChanged)

    def show_picture(self, picture: NDArray[Any], colormap: Colormap) -> None:
        previous = self.getImage(_LEGEND)
        if previous is not None and previous.getData(copy=False).ndim != picture.ndim:
            self.removeImage(_LEGEND)
        self.addImage(
            picture,
            legend=_LEGEND,
            colormap=colormap if picture.ndim == 2 else None,
            origin=(-0.5, -0.5),  # the center of a pixel has its row and column as coordinates
            resetzoom=False,
            copy=False,
        )

    def show_swipe(self, column: float | None) -> None:
        marker = self._getMarker(_SWIPE)
        if column is None:
            self.removeMarker(_SWIPE)
        elif marker is None:
            self.addXMarker(column, legend=_SWIPE, color=SELECTED_IMAGE, draggable=True)
            self._getMarker(_SWIPE).sigItemChanged.connect(self._on_marker_changed)
        elif marker.getXPosition() != column:
            marker.setPosition(column, 0)

    def limits(self) -> tuple[float, float, float, float]:
        """First and last column, first and last row."""
        return (*self.getGraphXLimits(), *self.getGraphYLimits())

    def _on_marker_changed(self, what: ItemChangedType) -> None:
        if what is ItemChangedType.POSITION:
            self.sigSwiped.emit(self._getMarker(_SWIPE).getXPosition())

    def _on_plot_signal(self, event: dict[str, Any]) -> None:
        if event["event"] == "limitsChanged":
            self.sigChanged.emit()
        elif event["event"] == "mouseMoved":
            self.sigHovered.emit(math.floor(event["y"] + 0.5), math.floor(event["x"] + 0.5))

    def resizeEvent(self, event: qt.QResizeEvent) -> None:
        super().resizeEvent(event)
        self._soon.start()
