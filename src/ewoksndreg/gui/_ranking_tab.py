"""The ranking of the registrations."""

from __future__ import annotations

from silx.gui import qt

from ..evaluation import SMOOTHNESS_WEIGHT
from ._colors import RELATIVE_ERROR
from ._colors import SMOOTHNESS
from ._labels import make_label
from ._ranking_rows import RankingRow
from ._ranking_rows import describe
from ._ranking_rows import make_rows
from ._ranking_table import BARS
from ._ranking_table import RANK
from ._ranking_table import REASON
from ._ranking_table import ROW_ROLE
from ._ranking_table import STACK
from ._ranking_table import NumericOrder
from ._ranking_table import RankingModel
from ._result import RunResult
from ._score_bars import ScoreBars
from ._selection import Selection

_LEGEND = (
    f'<span style="color: {RELATIVE_ERROR}">■</span> relative error &nbsp;&nbsp;'
    f'<span style="color: {SMOOTHNESS}">■</span> {SMOOTHNESS_WEIGHT:g} × smoothness &nbsp;&nbsp;'  # noqa: RUF001
    " (small is good; ★ is the best registration)"
)
_NO_SCORES = (
    "Nothing was ranked, so there are no scores. The other tabs show the images and the motion."
)
_HINT = "Double-click a row to align all stacks with its registration."

_WIDEST_NAME = 180  # px; longer names have a tool tip


class RankingTab(qt.QWidget):
    """Table of the registrations with their scores.

    :param selection: the selected row is its stack.
    """

    sigRegistrationRequested = qt.Signal(str)
    """The user wants all stacks to be aligned with the registration of this stack, and has
    confirmed."""

    def __init__(self, selection: Selection, parent: qt.QWidget | None = None) -> None:
        super().__init__(parent)
        self._selection = selection
        self._model = RankingModel(self)
        self._order = NumericOrder(self)
        self._order.setSourceModel(self._model)

        self.table = qt.QTableView(self)
        self.table.setModel(self._order)
        self.table.setItemDelegateForColumn(BARS, ScoreBars(self))
        self.table.setSortingEnabled(True)
        self.table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        self.table.setSelectionMode(qt.QAbstractItemView.SingleSelection)
        self.table.setAlternatingRowColors(True)
        self.table.setShowGrid(False)
        self.table.setWordWrap(True)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        for column in (BARS, REASON):  # share the remaining space
            self.table.horizontalHeader().setSectionResizeMode(column, qt.QHeaderView.Stretch)
        self.table.selectionModel().currentRowChanged.connect(self._on_row_selected)
        self.table.doubleClicked.connect(self._ask)

        self.description = make_label(self)
        self._explanation = qt.QLabel(self)
        self._hint = qt.QLabel(_HINT, self)

        layout = qt.QVBoxLayout(self)
        layout.addWidget(self.table, 1)
        layout.addWidget(self._explanation)
        layout.addWidget(self.description)
        layout.addWidget(self._hint)
        selection.sigStackChanged.connect(self._select_row)

    def show_result(self, result: RunResult) -> None:
        self._model.set_rows(make_rows(result))
        self.table.sortByColumn(RANK, qt.Qt.AscendingOrder)
        ranked = result.evaluation is not None
        self._explanation.setText(_LEGEND if ranked else _NO_SCORES)
        self.table.setColumnHidden(BARS, not ranked)
        self.table.resizeColumnsToContents()
        self.table.setColumnWidth(STACK, min(self.table.columnWidth(STACK), _WIDEST_NAME))

    def _on_row_selected(self, current: qt.QModelIndex, previous: qt.QModelIndex) -> None:
        if current.isValid():
            self._selection.select_stack(current.data(ROW_ROLE).name)

    def _select_row(self, name: str) -> None:
        for row in range(self._order.rowCount()):
            index = self._order.index(row, 0)
            if index.data(ROW_ROLE).name == name:
                self.table.selectRow(row)
                self.description.setText(describe(index.data(ROW_ROLE)))
                self.table.scrollTo(index)

    def _ask(self, index: qt.QModelIndex) -> None:
        row: RankingRow = index.data(ROW_ROLE)
        box = qt.QMessageBox(self)
        box.setAttribute(qt.Qt.WA_DeleteOnClose)
        box.setIcon(qt.QMessageBox.Question)
        box.setWindowTitle("Choose a registration")
        box.setTextFormat(qt.Qt.PlainText)
        box.setText(f"Align all stacks with the registration of {row.name!r}?")
        box.setInformativeText("Nothing is ranked then.")
        box.setStandardButtons(qt.QMessageBox.Yes | qt.QMessageBox.Cancel)
        box.button(qt.QMessageBox.Yes).setText("Align with this registration")

        def on_answer(answer: int) -> None:
            if answer == qt.QMessageBox.Yes:
                self.sigRegistrationRequested.emit(row.name)

        box.finished.connect(on_answer)
        box.open()
