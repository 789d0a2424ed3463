"""The motion of the images in each registration."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy
from numpy.typing import NDArray
from silx.gui import qt
from silx.gui.plot.utils.axis import SyncAxes

from ..transformation import Motion
from ..transformation import find_motion
from ._colors import BEST
from ._colors import choose_line_style
from ._colors import mix_colors
from ._image_axis_plot import ImageAxisPlot
from ._labels import list_images
from ._labels import make_label
from ._result import RunResult
from ._selection import Selection

_LABELS = {
    "rows": "rows, down (px)",
    "columns": "columns, right (px)",
    "rotation": "rotation (°)",
    "scale": "change of size (%)",
}

# A smaller range would show rounding errors only.
_SMALLEST_SPAN = {"rows": 1.0, "columns": 1.0, "rotation": 0.1, "scale": 0.1}

_EXPLANATION = (
    "How far each registration shifts the middle of the images, rotates it (counterclockwise is"
    " positive) and changes its size. A sample drifts; a registration that jumps is suspicious."
)

_WIDTH, _SELECTED_WIDTH, _BEST_WIDTH = 1.0, 2.0, 3.0

_NAME_ROLE = qt.Qt.UserRole


class MotionTab(qt.QWidget):
    """The path of the image center, the rotation and the change of size in each registration.

    :param selection: a click selects an image or, in the legend, a stack.
    """

    _made = False  # Qt sends color changes before the constructor has ended

    def __init__(self, selection: Selection, parent: qt.QWidget | None = None) -> None:
        super().__init__(parent)
        self._selection = selection
        self._best: str | None = None
        self._motions: dict[str, Motion] = {}
        self.plots = {what: ImageAxisPlot(label, self) for what, label in _LABELS.items()}
        self.legend = qt.QListWidget(self)
        self.legend.setFixedWidth(160)
        self.legend.setIconSize(qt.QSize(28, 12))
        self.legend.setTextElideMode(qt.Qt.ElideMiddle)
        self.legend.setHorizontalScrollBarPolicy(qt.Qt.ScrollBarAlwaysOff)
        self._soften_selection()
        self.zoom_on_best = qt.QCheckBox("Zoom in on ★", self)
        self.message = make_label(self)

        self._curves = qt.QWidget(self)
        grid = qt.QGridLayout(self._curves)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setRowStretch(0, 1)
        grid.setRowStretch(1, 1)
        for position, plot in enumerate(self.plots.values()):
            grid.addWidget(plot, position // 2, position % 2)
            plot.sigImageClicked.connect(selection.select_image)
        side = qt.QVBoxLayout()
        side.addWidget(self.legend, 1)
        side.addWidget(self.zoom_on_best)
        grid.addLayout(side, 0, 2, 2, 1)
        explanation = make_label(self._curves)
        explanation.setText(_EXPLANATION)
        grid.addWidget(explanation, 2, 0, 1, 3)
        # Zooming along the images zooms all plots.
        self._synchronized = SyncAxes([plot.getXAxis() for plot in self.plots.values()])
        layout = qt.QVBoxLayout(self)
        layout.addWidget(self._curves, 1)
        layout.addWidget(self.message)
        self.legend.currentItemChanged.connect(self._on_legend_clicked)
        self.zoom_on_best.toggled.connect(self._zoom)
        selection.sigStackChanged.connect(self._draw)
        selection.sigImageChanged.connect(self._mark_image)
        self._made = True

    def show_result(self, result: RunResult) -> None:
        self._motions = {}
        for name in result.ranked_names:
            shape, transformations = result.image_shape(name), result.registrations.get(name)
            if shape is not None and transformations:
                self._motions[name] = find_motion(transformations, shape)
        self._best = result.best if result.best in self._motions else None
        self.zoom_on_best.setEnabled(self._best is not None)
        self._curves.setVisible(bool(self._motions))
        with qt.QSignalBlocker(self.legend):
            self.legend.clear()
            for name in self._motions:
                self.legend.addItem(self._make_legend_item(name))
        self.message.setText(_describe(result, self._motions))
        self.message.setAlignment(qt.Qt.AlignLeft if self._motions else qt.Qt.AlignCenter)

    def _choose_style(self, name: str) -> tuple[str, str]:
        others = [stack for stack in self._motions if stack != self._best]
        return (BEST, "-") if name == self._best else choose_line_style(others.index(name))

    def _make_legend_item(self, name: str) -> qt.QListWidgetItem:
        best = name == self._best
        icon = _draw_line_icon(self._choose_style(name), _BEST_WIDTH if best else _WIDTH)
        item = qt.QListWidgetItem(icon, f"★ {name}" if best else name)
        item.setData(_NAME_ROLE, name)
        item.setToolTip(html.escape(name))
        font = item.font()
        font.setBold(best)
        item.setFont(font)
        return item

    def _draw(self, name: str) -> None:
        for what, plot in self.plots.items():
            plot.clear()
            for stack, found in self._motions.items():
                width = _SELECTED_WIDTH if stack == name else _WIDTH
                width = _BEST_WIDTH if stack == self._best else width
                plot.add_registration(
                    stack, getattr(found, what), style=self._choose_style(stack), width=width
                )
        self._zoom()
        self._mark_image(self._selection.image)
        with qt.QSignalBlocker(self.legend):
            self.legend.setCurrentRow(
                list(self._motions).index(name) if name in self._motions else -1
            )

    def _zoom(self) -> None:
        drawn = self._motions
        if self._best is not None and self.zoom_on_best.isChecked():
            drawn = {self._best: self._motions[self._best]}
        number = max((len(item.rows) for item in drawn.values()), default=0)
        for what, plot in self.plots.items():
            curves = [getattr(item, what) for item in drawn.values()]
            plot.show_images(number, find_vertical_limits(curves, _SMALLEST_SPAN[what]))

    def _on_legend_clicked(self, item: qt.QListWidgetItem | None) -> None:
        if item is not None:
            self._selection.select_stack(item.data(_NAME_ROLE))

    def _soften_selection(self) -> None:
        """Keep the lines of the legend visible on the selected row."""
        palette = qt.QPalette(self.palette())
        base, text = palette.color(qt.QPalette.Base), palette.color(qt.QPalette.Text)
        palette.setColor(
            qt.QPalette.Highlight, mix_colors(base, palette.color(qt.QPalette.Highlight), 0.25)
        )
        palette.setColor(qt.QPalette.HighlightedText, text)
        self.legend.setPalette(palette)

    def changeEvent(self, event: qt.QEvent) -> None:
        super().changeEvent(event)
        if event.type() == qt.QEvent.PaletteChange and self._made:
            self._soften_selection()

    def _mark_image(self, number: int) -> None:
        for plot in self.plots.values():
            plot.mark_image(number)


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
    icon.addPixmap(pixmap, qt.QIcon.Selected)  # otherwise it is tinted
    return icon


def _describe(result: RunResult, motions: dict[str, Motion]) -> str:
    if not motions:
        if result.unreadable is not None:
            return f"The size of the images is not known: {result.unreadable}"
        return "There are no registrations to show."
    sentences = [
        f"The registration of {name!r} diverged at image {list_images(found.diverged)}."
        for name, found in motions.items()
        if found.diverged
    ]
    missing = [repr(name) for name in result.names if name not in motions]
    if missing:
        sentences.append(f"Not needed and not read: the registration of {', '.join(missing)}.")
    return " ".join(sentences)


def find_vertical_limits(
    curves: Sequence[NDArray[numpy.float64]], smallest_span: float
) -> tuple[float, float]:
    """Find the lowest and highest value for a plot of some curves, with a margin.

    :param curves: the curves; values that are not finite are ignored.
    :param smallest_span: minimum range, so that rounding errors are not visible.
    """
    values = numpy.concatenate([numpy.empty(0), *curves])
    values = values[numpy.isfinite(values)]
    low, high = (float(values.min()), float(values.max())) if values.size else (0.0, 0.0)
    margin = max(0.08 * (high - low), (smallest_span - (high - low)) / 2)
    return low - margin, high + margin
