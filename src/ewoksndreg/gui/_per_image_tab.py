"""Which images are aligned, under every registration."""

from __future__ import annotations

import math

import numpy
from numpy.typing import NDArray
from silx.gui import qt
from silx.gui.colors import Colormap
from silx.gui.plot.utils.axis import SyncAxes

from .._messages import list_numbers
from ..evaluation import Evaluation
from ..evaluation import find_outliers
from ..evaluation import outlier_limit
from ._colors import choose_line_style
from ._error_table import make_error_colormap
from ._heat_map import HeatMap
from ._image_axis_plot import ImageAxisPlot
from ._labels import make_label
from ._plot_toolbar import PlotToolBar
from ._result import RunResult
from ._selection import Selection

_MARGINS = (150, 12, 14, 48)  # px; names of the registrations on the left

_NOT_RANKED = "Nothing was ranked, so there are no errors per image."
_LIMIT = "images above this line are outliers"
_MARKS = "outliers"


class PerImageTab(qt.QWidget):
    """The relative error of every image of the selected stack: under every registration as colors,
    under the best and the selected one as curves.

    Marks show outliers under the best registration, see :func:`.outlier_limit`, and bad images.

    :param selection: a click selects an image, and a registration.
    """

    def __init__(self, selection: Selection, parent: qt.QWidget | None = None) -> None:
        super().__init__(parent)
        self._selection = selection
        self._evaluation: Evaluation | None = None
        self.plot = ImageAxisPlot("relative error", _MARGINS, self)
        colormap = make_error_colormap()
        self.heat_map = HeatMap(colormap, (_MARGINS[0], _MARGINS[2]), self)
        self.message = make_label(self)
        self._scale = _make_scale(colormap, self)
        self._scale.layout().addWidget(PlotToolBar(self.heat_map.plot, self, image=True))
        self.tools = PlotToolBar(self.plot, self)
        self._synchronized = SyncAxes([self.heat_map.plot.getXAxis(), self.plot.getXAxis()])

        top = qt.QHBoxLayout()
        top.addWidget(self.message, 1)
        top.addWidget(self.tools)
        layout = qt.QVBoxLayout(self)
        layout.addWidget(self._scale)
        layout.addWidget(self.heat_map)
        layout.addLayout(top)
        layout.addWidget(self.plot, 1)
        self.plot.sigImageClicked.connect(selection.select_image)
        self.heat_map.sigImageClicked.connect(selection.select_image)
        self.heat_map.sigRowClicked.connect(self._select_registration)
        selection.sigStackChanged.connect(self._draw)
        selection.sigRegistrationChanged.connect(self._draw)
        selection.sigImageChanged.connect(self.plot.mark_image)
        selection.sigImageChanged.connect(self.heat_map.mark_image)

    def show_result(self, result: RunResult) -> None:
        self._evaluation = result.evaluation
        ranked = result.evaluation is not None
        for widget in (self._scale, self.heat_map, self.plot, self.tools):
            widget.setVisible(ranked)
        self.message.setText(_NOT_RANKED)
        self.message.setAlignment(qt.Qt.AlignLeft if ranked else qt.Qt.AlignCenter)

    def changeEvent(self, event: qt.QEvent) -> None:
        super().changeEvent(event)
        if event.type() == qt.QEvent.PaletteChange:
            self._draw()

    def _select_registration(self, row: int) -> None:
        if self._evaluation is not None:
            self._selection.select_registration(self._evaluation.ranked_names[row])

    def _draw(self) -> None:
        evaluation, stack = self._evaluation, self._selection.stack
        if evaluation is None or stack not in evaluation.stack_names:
            return
        best, values = find_best_registration(evaluation, stack)
        selected = (self._selection.registration or best).removesuffix(", refined")
        limit, outliers = outlier_limit(values), find_outliers(values)
        bad = evaluation.bad_images.get(stack, ())
        marked = sorted({*outliers, *bad})
        ranked = evaluation.ranked_names
        self.heat_map.show_values(
            numpy.array([_find_values(evaluation, name, stack) for name in ranked]),
            [f"★ {ranked[0]}", *ranked[1:]],
            emphasized=ranked.index(selected) if selected in ranked else None,
            marked=marked,
        )
        text = self.palette().color(qt.QPalette.Text)
        self.plot.clear()
        self.plot.add_registration(best, values, style=(text, "-"), width=2.5)
        largest = [limit, 0.1, *values]
        if selected != best and selected in ranked:
            curve = _find_values(evaluation, selected, stack)
            style = choose_line_style(ranked.index(selected) - 1)
            self.plot.add_registration(selected, curve, style=style, width=2)
            largest.extend(numpy.clip(curve, 0, 2))
        self.plot.addCurve(
            marked,
            values[marked],
            legend=_MARKS,
            color=text,
            symbol="d",
            linestyle=" ",
            z=100,
            resetzoom=False,
        ).setSymbolSize(11)
        if not math.isnan(limit):
            self.plot.addYMarker(limit, legend=_LIMIT, text=_LIMIT, color=text)
        top = numpy.nanmax(largest)
        self.plot.show_images(len(values), (-0.03 * top, 1.1 * top))
        self.plot.mark_image(self._selection.image)
        self.heat_map.mark_image(self._selection.image)
        self.message.setText(_describe(evaluation, best, selected, outliers, bad))


def _find_values(evaluation: Evaluation, registration: str, stack: str) -> NDArray[numpy.float64]:
    k = list(evaluation.registrations).index(registration)
    values = evaluation.relative_error_per_image[k, evaluation.stack_names.index(stack)]
    return numpy.asarray(values)


def find_best_registration(evaluation: Evaluation, name: str) -> tuple[str, NDArray[numpy.float64]]:
    """The best registration that was scored on a stack, and the relative error of its images, shape
    `(N,)`.

    Where each registration was scored on its own stack only, that is its own registration.
    """
    for best in evaluation.ranked_names:
        values = _find_values(evaluation, best, name)
        if not numpy.isnan(values).all():
            return best, values
    return evaluation.best, _find_values(evaluation, evaluation.best, name)


def _describe(
    evaluation: Evaluation,
    best: str,
    selected: str,
    outliers: list[int],
    bad: tuple[int, ...],
) -> str:
    which = "best" if best == evaluation.best else "best one that was scored on this stack"
    sentence = f"Thick curve: {best!r}, the {which}"
    sentence += f"; thin curve: {selected!r}, which is selected." if selected != best else "."
    if outliers:
        are = "is an outlier" if len(outliers) == 1 else "are outliers"
        found = list_numbers("Image", outliers)
        sentence += f" {found} {are}: aligned much worse than the others."
    else:
        sentence += " There are no outliers."
    if bad:
        resemble = "resembles" if len(bad) == 1 else "resemble"
        sentence += f" {list_numbers('Image', bad)} {resemble} no other image of the stack."
    return sentence


def _make_scale(colormap: Colormap, parent: qt.QWidget) -> qt.QWidget:
    """What the colors mean."""
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
