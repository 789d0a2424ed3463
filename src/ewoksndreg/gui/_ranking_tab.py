"""Which registration is best, by how much, and how sure that is."""

from __future__ import annotations

from html import escape

from silx.gui import qt

from ..evaluation import SMOOTHNESS_WEIGHT
from ..evaluation import Evaluation
from ..evaluation import verdict_as_html
from ._colors import RELATIVE_ERROR
from ._colors import SMOOTHNESS
from ._colors import soften_selection
from ._error_table import ErrorTable
from ._exports import list_errors
from ._exports import list_scores
from ._labels import make_label
from ._ranking_table import BARS
from ._ranking_table import NAME
from ._ranking_table import RANK
from ._ranking_table import ROW_ROLE
from ._ranking_table import NumericOrder
from ._ranking_table import RankingModel
from ._ranking_table import ScoreBars
from ._ranking_table import make_rows
from ._result import RunResult
from ._selection import Selection

_LEGEND = (
    f'<span style="color: {RELATIVE_ERROR}">■</span> relative error &nbsp;&nbsp;'
    f'<span style="color: {SMOOTHNESS}">■</span> {SMOOTHNESS_WEIGHT:g} × smoothness &nbsp;&nbsp;'  # noqa: RUF001
    " (small is good; ★ is the best registration, = is not distinguishable from it)"
)
_NO_SCORES = (
    "Nothing was ranked, so there are no scores. The other tabs show the images and the motion."
)
_ERRORS = (
    "Relative error of each registration (rows) on each stack (columns): 0 is perfect, 1 no better"
    " than unaligned"
)

_WIDE = 850  # px
_TALLEST_VERDICT = 150  # px; a longer one is scrolled


class RankingTab(qt.QWidget):
    """Verdict, table of the registrations, and their relative error on each stack.

    :param selection: the selected row is its registration; a click on an error selects its stack,
        too.
    """

    _made = False  # Qt sends color changes before the constructor has ended

    sigChoose = qt.Signal()
    """The selected registration is to be used for all stacks."""

    def __init__(self, selection: Selection, parent: qt.QWidget | None = None) -> None:
        super().__init__(parent)
        self._selection = selection
        self._selecting = False
        self._result = RunResult({}, {})
        self._model = RankingModel(self)
        self._order = NumericOrder(self)
        self._order.setSourceModel(self._model)

        self.summary = make_label(self)
        self.verdict = qt.QTextBrowser(self)
        self.verdict.setFrameShape(qt.QFrame.NoFrame)
        self.verdict.viewport().setAutoFillBackground(False)
        self.verdict.document().setDefaultStyleSheet("p {margin: 0}")
        self.verdict.document().setDocumentMargin(0)
        self.table = self._make_table()
        self.legend = make_label(self)
        self.legend.setTextFormat(qt.Qt.RichText)
        self.errors = ErrorTable(self)
        self.choose = qt.QPushButton("&Choose for all stacks", self)
        self.choose.setToolTip("Use the selected registration for all stacks (Return)")
        self.save = qt.QPushButton("&Save", self)
        self._arrange()
        self._made = True
        soften_selection(self.table, self.palette())

        self.table.doubleClicked.connect(self.sigChoose)
        self.choose.clicked.connect(self.sigChoose)
        self.errors.cellClicked.connect(self._on_error_clicked)
        self.table.selectionModel().currentRowChanged.connect(self._on_row_selected)
        selection.sigRegistrationChanged.connect(self._select_row)

    def _make_table(self) -> qt.QTableView:
        table = qt.QTableView(self)
        table.setModel(self._order)
        table.setItemDelegateForColumn(BARS, ScoreBars(self))
        table.setSortingEnabled(True)
        table.setSelectionBehavior(qt.QAbstractItemView.SelectRows)
        table.setSelectionMode(qt.QAbstractItemView.SingleSelection)
        table.setAlternatingRowColors(True)
        table.setShowGrid(False)
        table.setWordWrap(False)
        table.setTextElideMode(qt.Qt.ElideMiddle)
        table.verticalHeader().hide()
        table.verticalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        header = table.horizontalHeader()
        header.setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        for column in (NAME, BARS):  # share the space that the numbers leave
            header.setSectionResizeMode(column, qt.QHeaderView.Stretch)
        return table

    def _arrange(self) -> None:
        buttons = qt.QHBoxLayout()
        buttons.addWidget(self.legend, 1)
        buttons.addWidget(self.choose)
        buttons.addWidget(self.save)
        upper, lower = qt.QWidget(self), qt.QWidget(self)
        layout = qt.QVBoxLayout(upper)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.table, 1)
        layout.addLayout(buttons)
        self._lower = lower
        layout = qt.QVBoxLayout(lower)
        layout.setContentsMargins(0, 0, 0, 0)
        self.errors_label = make_label(self)
        self.errors_label.setText(_ERRORS)
        layout.addWidget(self.errors_label)
        layout.addWidget(self.errors, 1)
        splitter = qt.QSplitter(qt.Qt.Vertical, self)
        splitter.addWidget(upper)
        splitter.addWidget(lower)
        splitter.setChildrenCollapsible(False)
        layout = qt.QVBoxLayout(self)
        layout.addWidget(self.summary)
        layout.addWidget(self.verdict)
        layout.addWidget(splitter, 1)

    def show_result(self, result: RunResult) -> None:
        evaluation = result.evaluation
        ranked = evaluation is not None
        if evaluation is not None:
            self.verdict.setHtml(verdict_as_html(evaluation) + _silent(evaluation))
            self.errors.show_errors(evaluation)
        self.verdict.setVisible(ranked)
        self._fit_verdict()
        self.legend.setText(_LEGEND if ranked else _NO_SCORES)
        self._lower.setVisible(ranked)
        self.table.sortByColumn(RANK, qt.Qt.AscendingOrder)
        self.update_choice(result)
        self._fit_table()

    def update_choice(self, result: RunResult) -> None:
        """Move the mark to the registration that is chosen."""
        self._result = result
        self._model.set_rows(make_rows(result))
        self.summary.setText(summarize(result))
        if self._selection.registration is not None:
            self._select_row(self._selection.registration)

    def copy_table(self) -> None:
        """Copy the table, or the one of the errors where that has the focus, tab-separated."""
        if self._result.evaluation is not None and self.errors.hasFocus():
            rows = list_errors(self._result.evaluation)
        else:
            rows = list_scores(self._result)
        lines = ("\t".join(str(cell) for cell in row) for row in rows)
        qt.QApplication.clipboard().setText("\n".join(lines))

    def resizeEvent(self, event: qt.QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_verdict()
        self._fit_table()

    def _fit_table(self) -> None:
        """The bars, which repeat the scores, give way to the names where there is little space."""
        wide = self.width() >= _WIDE
        self.table.setColumnHidden(BARS, not wide or self._result.evaluation is None)

    def _fit_verdict(self) -> None:
        document = self.verdict.document().clone()
        document.setTextWidth(max(100, self.width() - 40))
        self.verdict.setFixedHeight(min(round(document.size().height()) + 4, _TALLEST_VERDICT))

    def changeEvent(self, event: qt.QEvent) -> None:
        super().changeEvent(event)
        if event.type() == qt.QEvent.PaletteChange and self._made:
            soften_selection(self.table, self.palette())

    def _on_row_selected(self, current: qt.QModelIndex, previous: qt.QModelIndex) -> None:
        if current.isValid() and not self._selecting:
            self._selection.select_registration(current.data(ROW_ROLE).name)

    def _on_error_clicked(self, row: int, column: int) -> None:
        self._selection.select_registration(self._result.registration_names[row])
        self._selection.select_stack(self._result.stack_names[column])

    def _select_row(self, name: str) -> None:
        self._selecting = True
        for row in range(self._order.rowCount()):
            index = self._order.index(row, 0)
            if index.data(ROW_ROLE).name == name.removesuffix(", refined"):
                self.table.selectRow(row)
                self.table.scrollTo(index)
        self._selecting = False
        self.choose.setEnabled(name.removesuffix(", refined") != self._result.reference_stack)


def _silent(evaluation: Evaluation) -> str:
    """The silent stacks, which the verdict does not name."""
    if not evaluation.silent_stacks:
        return ""
    listed = ", ".join(escape(repr(name)) for name in evaluation.silent_stacks)
    return f"<p>Silent, because no registration from elsewhere improves them: {listed}.</p>"


def summarize(result: RunResult) -> str:
    """What was found and what is used, in one or two sentences."""
    reference, evaluation = result.reference_stack, result.evaluation
    if evaluation is None:
        if reference is None:
            return "Nothing was ranked: each stack keeps the registration that it was given."
        return (
            "Nothing was ranked: all stacks are aligned with the registration of"
            f" {reference!r}, as requested."
        )
    best = evaluation.best
    if not evaluation.registrations[best].scored:
        sentence = f"No registration can be scored; that of {best!r} is the smoothest."
    else:
        sentence = f"The registration of {best!r} is the best of {len(evaluation.registrations)}."
    if reference is not None:
        which = "it" if reference == best else f"the registration of {reference!r}"
        sentence += f" All stacks are aligned with {which}."
    about = result.about_refinement.get(reference or best)
    if about:
        sentence += f" It was {about}."
    return sentence
