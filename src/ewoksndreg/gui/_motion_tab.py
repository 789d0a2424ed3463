"""How every registration moves the images."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from itertools import pairwise

import numpy
from numpy.typing import NDArray
from silx.gui import qt
from silx.gui.plot.utils.axis import SyncAxes

from .._messages import list_numbers
from ..transformation import Motion
from ..transformation import find_motion
from ._colors import choose_line_style
from ._colors import soften_selection
from ._image_axis_plot import ImageAxisPlot
from ._labels import make_label
from ._labels import make_tool_tip
from ._plot_toolbar import PlotToolBar
from ._result import RunResult
from ._selection import Selection

_LABELS = {
    "rows": "rows, down (px)",
    "columns": "columns, right (px)",
    "rotation": "rotation (°)",
    "scale": "change of size (%)",
}

# A smaller span shows rounding errors only.
_SMALLEST_SPAN = {"rows": 1.0, "columns": 1.0, "rotation": 0.1, "scale": 0.1}
_SMALLEST_DIFFERENCE = {"rows": 0.1, "columns": 0.1, "rotation": 0.01, "scale": 0.01}

# Rotations (degrees) and changes of size (percent) that nobody sees.
_NO_ROTATION = 0.005

# A registration that moves so many times as far as the others would hide them.
_MUCH_FARTHER = 10

_EXPLANATION = (
    "How far each registration shifts the middle of the images, rotates it (counterclockwise is"
    " positive) and changes its size. A sample drifts; a registration that jumps is suspicious."
)

_WIDTH, _SELECTED_WIDTH, _BEST_WIDTH = 1.5, 2.5, 3.0

_MARGINS = (52, 6, 14, 44)  # px

_NAME_ROLE = qt.Qt.UserRole


class MotionTab(qt.QWidget):
    """The path of the image center, the rotation and the change of size under every registration,
    or how far they differ from the best one.

    :param selection: a click selects an image or, in the legend, a registration.
    """

    _made = False  # Qt sends color changes before the constructor has ended

    def __init__(self, selection: Selection, parent: qt.QWidget | None = None) -> None:
        super().__init__(parent)
        self._selection = selection
        self._best: str | None = None
        self._reference_image = 0
        self._motions: dict[str, Motion] = {}
        self._about = ""
        self.plots = {what: ImageAxisPlot("", _MARGINS, self) for what in _LABELS}
        self.legend = qt.QListWidget(self)
        self.legend.setFixedWidth(160)
        self.legend.setIconSize(qt.QSize(28, 12))
        self.legend.setTextElideMode(qt.Qt.ElideMiddle)
        self.legend.setHorizontalScrollBarPolicy(qt.Qt.ScrollBarAlwaysOff)
        self.difference = qt.QCheckBox("&Difference to ★", self)
        self.show_all = qt.QCheckBox("Show &everything", self)
        self.message = make_label(self)
        self._arrange()
        # Zooming along the images zooms all plots.
        self._synchronized = SyncAxes([plot.getXAxis() for plot in self.plots.values()])
        self.legend.currentItemChanged.connect(self._on_legend_clicked)
        self.difference.toggled.connect(self._draw)
        self.show_all.toggled.connect(self._zoom)
        selection.sigStackChanged.connect(self._draw)
        selection.sigRegistrationChanged.connect(self._draw)
        selection.sigImageChanged.connect(self._mark_image)
        self._made = True
        soften_selection(self.legend, self.palette())

    def _arrange(self) -> None:
        self._curves = qt.QWidget(self)
        grid = self._grid = qt.QGridLayout(self._curves)
        grid.setContentsMargins(0, 0, 0, 0)
        self._panes = {}
        for position, (what, plot) in enumerate(self.plots.items()):
            pane = self._panes[what] = qt.QWidget(self)
            top = qt.QHBoxLayout()
            top.addWidget(qt.QLabel(_LABELS[what], pane), 1)
            top.addWidget(PlotToolBar(plot, pane))
            layout = qt.QVBoxLayout(pane)
            layout.setContentsMargins(0, 0, 0, 0)
            layout.setSpacing(0)
            layout.addLayout(top)
            layout.addWidget(plot, 1)
            grid.addWidget(pane, position // 2, position % 2)
            plot.sigImageClicked.connect(self._selection.select_image)
        side = qt.QVBoxLayout()
        side.addWidget(self.legend, 1)
        side.addWidget(self.difference)
        side.addWidget(self.show_all)
        grid.addLayout(side, 0, 2, 2, 1)
        explanation = make_label(self._curves)
        explanation.setText(_EXPLANATION)
        grid.addWidget(explanation, 2, 0, 1, 3)
        layout = qt.QVBoxLayout(self)
        layout.addWidget(self._curves, 1)
        layout.addWidget(self.message)

    def show_result(self, result: RunResult) -> None:
        self._motions = {}
        for name, transformations in result.shown.items():
            shape = result.image_shape(name)
            if shape is not None:
                self._motions[name] = find_motion(transformations, shape)
        self._best = result.best if result.best in self._motions else None
        self._reference_image = result.reference_image
        self.difference.setEnabled(self._best is not None)
        self._curves.setVisible(bool(self._motions))
        turns = [what for what in ("rotation", "scale") if _moves(self._motions, what)]
        for what in ("rotation", "scale"):
            self._panes[what].setVisible(what in turns)
            self._grid.removeWidget(self._panes[what])
        for column, what in enumerate(turns):
            self._grid.addWidget(self._panes[what], 1, column, 1, 3 - len(turns))
        with qt.QSignalBlocker(self.legend):
            self.legend.clear()
            for name in self._motions:
                self.legend.addItem(self._make_legend_item(name))
        self._about = _describe(result, self._motions)
        self.message.setText(self._about)
        self.message.setAlignment(qt.Qt.AlignLeft if self._motions else qt.Qt.AlignCenter)

    def _choose_style(self, name: str) -> tuple[str, str]:
        others = [other for other in self._motions if other != self._best]
        # The same colors as for the errors per image, which know no refined registration.
        others.sort(key=lambda other: other.endswith(", refined"))
        if name == self._best:
            return self.palette().color(qt.QPalette.Text).name(), "-"
        return choose_line_style(others.index(name))

    def _make_legend_item(self, name: str) -> qt.QListWidgetItem:
        best = name == self._best
        icon = _draw_line_icon(self._choose_style(name), _BEST_WIDTH if best else _WIDTH)
        item = qt.QListWidgetItem(icon, f"★ {name}" if best else name)
        item.setData(_NAME_ROLE, name)
        item.setToolTip(make_tool_tip(name))
        font = item.font()
        font.setBold(best)
        item.setFont(font)
        return item

    def _find_curves(self, what: str) -> dict[str, NDArray[numpy.float64]]:
        """The values of each registration, or, counted from the reference image, how far they are
        from those of the best one. Registrations of another length are left out then."""
        curves = {name: getattr(motion, what) for name, motion in self._motions.items()}
        if self._best is None or not self.difference.isChecked():
            return curves
        best = curves[self._best]
        q = min(self._reference_image, len(best) - 1)
        return {
            name: (curve - curve[q]) - (best - best[q])
            for name, curve in curves.items()
            if len(curve) == len(best)
        }

    def _draw(self) -> None:
        selected = self._selection.registration
        for what, plot in self.plots.items():
            plot.clear()
            for name, values in self._find_curves(what).items():
                width = _SELECTED_WIDTH if name == selected else _WIDTH
                if name == self._best and not self.difference.isChecked():
                    width = _BEST_WIDTH
                plot.add_registration(name, values, style=self._choose_style(name), width=width)
        self._zoom()
        self._mark_image(self._selection.image)
        with qt.QSignalBlocker(self.legend):
            self.legend.setCurrentRow(
                list(self._motions).index(selected) if selected in self._motions else -1
            )

    def _zoom(self) -> None:
        """Show all registrations but those that move much farther than the others."""
        curves = {what: self._find_curves(what) for what in self.plots}
        far = []
        if not self.show_all.isChecked():
            sizes = {
                name: max(_find_span(curves[what][name]) for what in ("rows", "columns"))
                for name in curves["rows"]
            }
            far = find_far(sizes, self._best)
        spans = _SMALLEST_DIFFERENCE if self.difference.isChecked() else _SMALLEST_SPAN
        number = max((len(item) for item in curves["rows"].values()), default=0)
        for what, plot in self.plots.items():
            shown = [values for name, values in curves[what].items() if name not in far]
            plot.show_images(number, find_vertical_limits(shown, spans[what]))
        beyond = f" Not fully visible: {', '.join(map(repr, far))}." if far else ""
        self.message.setText(self._about + beyond)

    def _on_legend_clicked(self, item: qt.QListWidgetItem | None) -> None:
        if item is not None:
            self._selection.select_registration(item.data(_NAME_ROLE))

    def changeEvent(self, event: qt.QEvent) -> None:
        super().changeEvent(event)
        if event.type() == qt.QEvent.PaletteChange and self._made:
            soften_selection(self.legend, self.palette())
            with qt.QSignalBlocker(self.legend):
                for row, name in enumerate(self._motions):
                    self.legend.item(row).setIcon(self._make_legend_item(name).icon())
            self._draw()

    def _mark_image(self, number: int) -> None:
        for plot in self.plots.values():
            plot.mark_image(number)


def _moves(motions: Mapping[str, Motion], what: str) -> bool:
    """Whether any registration rotates the images, or changes their size."""
    values = numpy.concatenate([numpy.empty(0), *(getattr(m, what) for m in motions.values())])
    return bool((numpy.abs(values[numpy.isfinite(values)]) > _NO_ROTATION).any())


def _find_span(values: NDArray[numpy.float64]) -> float:
    finite = values[numpy.isfinite(values)]
    return float(numpy.ptp(finite)) if finite.size else 0.0


def find_far(sizes: Mapping[str, float], best: str | None) -> list[str]:
    """Registrations that move ten times as far as all that move less.

    :param sizes: how far each moves, px; less than 1 px counts as 1.
    :param best: is never among them, nor is what moves less.
    """
    ordered = sorted(sizes, key=lambda name: -sizes[name])
    far: list[str] = []
    for n, (name, other) in enumerate(pairwise(ordered), start=1):
        if name == best:
            break
        if sizes[name] > _MUCH_FARTHER * max(sizes[other], 1):
            far = ordered[:n]
    return far


def _draw_line_icon(style: tuple[str, str], width: float) -> qt.QIcon:
    color, line = style
    pens = {"-": qt.Qt.SolidLine, "--": qt.Qt.DashLine, ":": qt.Qt.DotLine, "-.": qt.Qt.DashDotLine}
    pixmap = qt.QPixmap(28, 12)
    pixmap.fill(qt.Qt.transparent)
    painter = qt.QPainter(pixmap)
    painter.setPen(qt.QPen(qt.QColor(color), width + 0.5, pens[line]))
    painter.drawLine(0, 6, 28, 6)
    painter.end()
    icon = qt.QIcon(pixmap)
    icon.addPixmap(pixmap, qt.QIcon.Selected)  # else it is tinted
    return icon


def _describe(result: RunResult, motions: dict[str, Motion]) -> str:
    if not motions:
        if result.shown and not result.stacks:
            why = result.unreadable or "there is no file with them."
            return f"The size of the images is not known: {why}"
        return "There are no registrations to show."
    sentences = [
        f"The registration of {name!r} has no transformation of"
        f" {list_numbers('image', found.diverged)}: singular or not finite."
        for name, found in motions.items()
        if found.diverged
    ]
    missing = [repr(name) for name in result.registration_names if name not in motions]
    if missing:
        sentences.append(f"Not needed and not read: the registration of {', '.join(missing)}.")
    return " ".join(sentences)


def find_vertical_limits(
    curves: Sequence[NDArray[numpy.float64]], smallest_span: float
) -> tuple[float, float]:
    """Lowest and highest value of a plot of some curves, with a margin.

    :param curves: what is not finite is left out.
    :param smallest_span: of the limits, so that rounding errors are not visible.
    """
    values = numpy.concatenate([numpy.empty(0), *curves])
    values = values[numpy.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    margin = max(0.08 * (high - low), (smallest_span - (high - low)) / 2)
    return low - margin, high + margin
