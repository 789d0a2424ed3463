"""The error of each image in each registration."""

from __future__ import annotations

import math

import numpy
from numpy.typing import NDArray
from silx.gui import qt
from silx.gui.colors import Colormap

from ..evaluation import Evaluation
from ..evaluation import find_outliers
from ..evaluation import outlier_limit
from ._colors import BEST
from ._heat_map import HeatMap
from ._image_axis_plot import ImageAxisPlot
from ._labels import list_images
from ._labels import make_label
from ._result import RunResult
from ._selection import Selection

_MARGINS = (150, 12, 14, 48)  # px; names of the registrations on the left

_NOT_RANKED = "Nothing was ranked, so there are no errors per image."
_LIMIT = "images above this line are outliers"
_MARKS = "outliers"


class PerImageTab(qt.QWidget):
    """The relative error of each image of the selected stack, for all registrations as colors and
    for the best registration as a curve.

    Marks show the outliers of the best registration, see :func:`.outlier_limit`.

    :param selection: a click selects an image.
    """

    _evaluation: Evaluation | None = None

    def __init__(self, selection: Selection, parent: qt.QWidget | None = None) -> None:
        super().__init__(parent)
        self._selection = selection
        self.plot = ImageAxisPlot("relative error", self, margins=_MARGINS)
        colormap = Colormap("viridis", normalization="gamma", vmin=0, vmax=1)
        colormap.setGammaNormalizationParameter(0.5)  # good registrations differ by little
        colormap.setNaNColor("#00000000")
        self.heat_map = HeatMap(self.plot, colormap, self)
        self.message = make_label(self)
        self._scale = _make_scale(colormap, self)

        layout = qt.QVBoxLayout(self)
        layout.addWidget(self._scale)
        layout.addWidget(self.heat_map)
        layout.addWidget(self.plot, 1)
        layout.addWidget(self.message)
        self.plot.sigImageClicked.connect(selection.select_image)
        self.heat_map.sigImageClicked.connect(selection.select_image)
        selection.sigStackChanged.connect(self._draw)
        selection.sigImageChanged.connect(self.plot.mark_image)
        selection.sigImageChanged.connect(self.heat_map.mark_image)

    def show_result(self, result: RunResult) -> None:
        self._evaluation = result.evaluation
        for widget in (self._scale, self.heat_map, self.plot):
            widget.setVisible(result.evaluation is not None)
        self.message.setText(_NOT_RANKED)
        self.message.setAlignment(
            qt.Qt.AlignCenter if result.evaluation is None else qt.Qt.AlignLeft
        )

    def _draw(self, name: str) -> None:
        evaluation = self._evaluation
        if evaluation is None:
            return
        best, values = find_best_registration(evaluation, name)
        limit, marked = outlier_limit(values), find_outliers(values)
        self._show_heat_map(evaluation, name, best, marked)
        self.plot.clear()
        self.plot.add_registration(best, values, style=(BEST, "-"), width=2.5)
        self.plot.addCurve(
            marked,
            values[marked],
            legend=_MARKS,
            color=self.palette().color(qt.QPalette.Text),
            symbol="d",
            linestyle=" ",
            z=100,
            resetzoom=False,
        ).setSymbolSize(11)
        if not math.isnan(limit):
            text = self.palette().color(qt.QPalette.Text)
            self.plot.addYMarker(limit, legend=_LIMIT, text=_LIMIT, color=text)
        largest = numpy.nanmax([limit, 0.1, *values[1:]])
        self.plot.show_images(len(values), (-0.03 * largest, 1.1 * largest))
        self.plot.mark_image(self._selection.image)
        self.message.setText(f"{_describe_curve(evaluation, best)} {_describe_outliers(marked)}")

    def changeEvent(self, event: qt.QEvent) -> None:
        super().changeEvent(event)
        if event.type() == qt.QEvent.PaletteChange and self._evaluation is not None:
            self._draw(self._selection.stack or self._evaluation.stack_names[0])

    def _show_heat_map(
        self, evaluation: Evaluation, name: str, best: str, marked: list[int]
    ) -> None:
        ranked = evaluation.ranked_names
        rows = list(evaluation.registrations)
        order = [rows.index(item) for item in ranked]
        labels = [f"★ {ranked[0]}", *ranked[1:]]
        self.heat_map.show_values(
            evaluation.relative_error_per_image[order, evaluation.stack_names.index(name)],
            labels,
            emphasized=ranked.index(best),
            marked=marked,
        )


def find_best_registration(evaluation: Evaluation, name: str) -> tuple[str, NDArray[numpy.float64]]:
    """Find the best registration that was scored on a stack, and the relative error of its images,
    shape `(N,)`.

    If each registration was scored on its own stack only, that is the stack's own registration.
    """
    j = evaluation.stack_names.index(name)
    for best in evaluation.ranked_names:
        values = evaluation.relative_error_per_image[list(evaluation.registrations).index(best), j]
        if not numpy.isnan(values).all():
            return best, values
    return name, evaluation.relative_error_per_image[j, j]


def _describe_curve(evaluation: Evaluation, name: str) -> str:
    if name == evaluation.ranked_names[0]:
        return f"The curve is the best registration, that of {name!r}."
    return f"The curve is the registration of {name!r}, the best one that was scored on this stack."


def _describe_outliers(marked: list[int]) -> str:
    if not marked:
        return "There are no outliers."
    found = "Image {} is an outlier" if len(marked) == 1 else "Images {} are outliers"
    return (
        f"{found.format(list_images(marked))}: aligned much worse than the others. Click one to"
        " display it."
    )


def _make_scale(colormap: Colormap, parent: qt.QWidget) -> qt.QWidget:
    """Make the legend of the colors."""
    widget = qt.QWidget(parent)
    ramp = numpy.ascontiguousarray(colormap.applyToData(numpy.linspace(0, 1, 120).reshape(1, -1)))
    image = qt.QImage(ramp.tobytes(), 120, 1, 480, qt.QImage.Format_RGBA8888)
    bar = qt.QLabel(widget)
    bar.setPixmap(qt.QPixmap.fromImage(image.scaled(120, 12)))
    layout = qt.QHBoxLayout(widget)
    layout.setContentsMargins(0, 0, 0, 0)
    layout.addWidget(qt.QLabel("Relative error:  0, perfect", widget))
    layout.addWidget(bar)
    layout.addWidget(qt.QLabel("1 or more, no better than unaligned", widget))
    layout.addStretch(1)
    return widget
