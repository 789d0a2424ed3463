"""The relative error of each registration on each stack, as a table with colors."""

from __future__ import annotations

import math

import numpy
from silx.gui import qt
from silx.gui.colors import Colormap

from ..evaluation import Evaluation
from ._colors import find_text_color
from ._labels import make_tool_tip
from ._labels import shorten

_WIDEST_NAME = 180  # px; longer names have a tool tip


def make_error_colormap() -> Colormap:
    """From 0, perfect, to 1, no better than unaligned."""
    colormap = Colormap("viridis", normalization="gamma", vmin=0, vmax=1)
    colormap.setGammaNormalizationParameter(0.5)  # good registrations differ by little
    colormap.setNaNColor("#00000000")
    return colormap


class ErrorTable(qt.QTableWidget):
    """One row per registration, best first, and one column per stack."""

    def __init__(self, parent: qt.QWidget) -> None:
        super().__init__(parent)
        self.setEditTriggers(qt.QAbstractItemView.NoEditTriggers)
        self.setSelectionMode(qt.QAbstractItemView.NoSelection)
        columns, rows = self.horizontalHeader(), self.verticalHeader()
        columns.setSectionResizeMode(qt.QHeaderView.Stretch)
        columns.setMinimumSectionSize(90)
        rows.setSectionResizeMode(qt.QHeaderView.Stretch)
        rows.setMinimumSectionSize(22)
        rows.setMaximumWidth(_WIDEST_NAME)

    def show_errors(self, evaluation: Evaluation) -> None:
        values = evaluation.relative_error[evaluation.ranked_rows]
        colors = make_error_colormap().applyToData(values)
        self.setRowCount(len(values))
        self.setColumnCount(len(evaluation.stack_names))
        for row, name in enumerate(evaluation.ranked_names):
            heading = qt.QTableWidgetItem(f"{'' if row else '★ '}{shorten(name)}")
            heading.setToolTip(make_tool_tip(name))
            self.setVerticalHeaderItem(row, heading)
        for column, name in enumerate(evaluation.stack_names):
            self.setHorizontalHeaderItem(column, _make_heading(evaluation, name, column))
        for (row, column), value in numpy.ndenumerate(values):
            item = qt.QTableWidgetItem("–" if math.isnan(value) else f"{value:.3f}")  # noqa: RUF001
            item.setTextAlignment(qt.Qt.AlignCenter)
            color = qt.QColor(*map(int, colors[row, column]))
            if color.alpha():
                item.setBackground(color)
                item.setForeground(find_text_color(color))
            self.setItem(row, column, item)


def _make_heading(evaluation: Evaluation, name: str, column: int) -> qt.QTableWidgetItem:
    silent = name in evaluation.silent_stacks
    heading = f"{shorten(name)}\nweight {evaluation.stack_weights[column]:.2f}"
    item = qt.QTableWidgetItem(f"{heading}\nsilent" if silent else heading)
    about = (
        "no registration from elsewhere improves this stack, so it hardly counts"
        if silent
        else "the weight says how much this stack counts"
    )
    item.setToolTip(make_tool_tip(f"{name}: {about}"))
    return item
