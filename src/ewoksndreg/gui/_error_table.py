"""The relative error of each registration on each stack, as a table with colors."""

from __future__ import annotations

import html
import math
from typing import Any

import numpy
from silx.gui import qt
from silx.gui.colors import Colormap

from ..evaluation import Evaluation
from ._colors import find_text_color
from ._labels import shorten


def make_error_colormap() -> Colormap:
    """From 0, perfect, to 1, no better than unaligned."""
    colormap = Colormap("viridis", normalization="gamma", vmin=0, vmax=1)
    colormap.setGammaNormalizationParameter(0.5)  # good registrations differ by little
    colormap.setNaNColor("#00000000")
    return colormap


class ErrorModel(qt.QAbstractTableModel):
    """One row per registration, best first, and one column per stack."""

    def __init__(self, parent: qt.QObject | None = None) -> None:
        super().__init__(parent)
        self._evaluation: Evaluation | None = None
        self._rows: tuple[str, ...] = ()
        self._columns: tuple[str, ...] = ()
        self._values = numpy.empty((0, 0))
        self._colors = numpy.empty((0, 0, 4), dtype=numpy.uint8)

    def set_evaluation(self, evaluation: Evaluation | None) -> None:
        self.beginResetModel()
        self._evaluation = evaluation
        if evaluation is not None:
            names = list(evaluation.registrations)
            rows = [names.index(name) for name in evaluation.ranked_names]
            self._rows, self._columns = evaluation.ranked_names, evaluation.stack_names
            self._values = evaluation.relative_error[rows]
            self._colors = make_error_colormap().applyToData(self._values)
        self.endResetModel()

    def find_names(self, index: qt.QModelIndex) -> tuple[str, str]:
        """The registration and the stack of a cell."""
        return self._rows[index.row()], self._columns[index.column()]

    def rowCount(self, parent: qt.QModelIndex = qt.QModelIndex()) -> int:  # noqa: B008
        return 0 if self._evaluation is None or parent.isValid() else self._values.shape[0]

    def columnCount(self, parent: qt.QModelIndex = qt.QModelIndex()) -> int:  # noqa: B008
        return 0 if self._evaluation is None or parent.isValid() else self._values.shape[1]

    def headerData(self, section: int, orientation: Any, role: int = qt.Qt.DisplayRole) -> Any:
        evaluation = self._evaluation
        if evaluation is None or role not in (qt.Qt.DisplayRole, qt.Qt.ToolTipRole):
            return None
        if orientation == qt.Qt.Vertical:
            name = self._rows[section]
            if role == qt.Qt.ToolTipRole:
                return html.escape(name)
            return f"★ {shorten(name)}" if section == 0 else shorten(name)
        name = self._columns[section]
        silent = "\nsilent" if name in evaluation.silent_stacks else ""
        if role == qt.Qt.ToolTipRole:
            return html.escape(name) + (
                ": no registration from elsewhere improves this stack, so it hardly counts"
                if silent
                else ": the weight says how much this stack counts"
            )
        return f"{shorten(name)}\nweight {evaluation.stack_weights[section]:.2f}{silent}"

    def data(self, index: qt.QModelIndex, role: int = qt.Qt.DisplayRole) -> Any:
        row, column = index.row(), index.column()
        value = float(self._values[row, column])
        color = qt.QColor(*(int(c) for c in self._colors[row, column]))
        if role == qt.Qt.DisplayRole:
            return "–" if math.isnan(value) else f"{value:.3f}"  # noqa: RUF001
        if role == qt.Qt.BackgroundRole and color.alpha():
            return qt.QBrush(color)
        if role == qt.Qt.ForegroundRole and color.alpha():
            return qt.QBrush(find_text_color(color))
        if role == qt.Qt.TextAlignmentRole:
            return int(qt.Qt.AlignCenter)
        return None
