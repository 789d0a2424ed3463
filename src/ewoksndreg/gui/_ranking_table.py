"""The ranking as a table that sorts by number."""

from __future__ import annotations

import html
import math
from collections.abc import Sequence
from typing import Any

from silx.gui import qt

from ._ranking_rows import RankingRow

COLUMNS = (
    "Rank",
    "Stack",
    "Score",
    "Relative\nerror",
    "Smooth-\nness",
    "Smallest\noverlap",
    "Score breakdown",
    "Note",
)
RANK, STACK, SCORE, RELATIVE_ERROR, SMOOTHNESS, OVERLAP, BARS, REASON = range(len(COLUMNS))

ROW_ROLE = qt.Qt.UserRole
"""The :class:`.RankingRow` of a cell."""

SORT_ROLE = qt.Qt.UserRole + 1
"""The sort key of a cell, a number or a string."""

_TOOL_TIPS = {
    RANK: "1 is the best registration",
    STACK: "The stack that the registration was found from",
    SCORE: "Relative error plus weighted smoothness: small is good",
    RELATIVE_ERROR: "Error after alignment, as a fraction of the error without alignment: 0 is"
    " perfect, 1 is no better than unaligned",
    SMOOTHNESS: "Mean step of the image corners from one image to the next, as a fraction of the"
    " image size: small is smooth",
    OVERLAP: "Smallest fraction of the reference image that an aligned image covers",
    BARS: "The score, split into its two parts",
    REASON: "Why a registration cannot be scored",
}


class RankingModel(qt.QAbstractTableModel):
    """One row per registration."""

    def __init__(self, parent: qt.QObject | None = None) -> None:
        super().__init__(parent)
        self._rows: Sequence[RankingRow] = ()

    def set_rows(self, rows: Sequence[RankingRow]) -> None:
        self.beginResetModel()
        self._rows = rows
        self.endResetModel()

    def rowCount(self, parent: qt.QModelIndex = qt.QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: qt.QModelIndex = qt.QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Any, role: int = qt.Qt.DisplayRole) -> Any:
        if orientation != qt.Qt.Horizontal:
            return None
        if role == qt.Qt.DisplayRole:
            return COLUMNS[section]
        return _TOOL_TIPS[section] if role == qt.Qt.ToolTipRole else None

    def data(self, index: qt.QModelIndex, role: int = qt.Qt.DisplayRole) -> Any:
        row, column = self._rows[index.row()], index.column()
        if role == ROW_ROLE:
            return row
        if role == SORT_ROLE:
            return _list_values(row)[column]
        if role == qt.Qt.DisplayRole:
            return _format_cell(row, column)
        if role == qt.Qt.ToolTipRole and column in (STACK, REASON):
            return html.escape(_format_cell(row, column))
        if role == qt.Qt.TextAlignmentRole and column not in (STACK, REASON):
            return int(qt.Qt.AlignRight | qt.Qt.AlignVCenter)
        if role == qt.Qt.FontRole and row.best:
            font = qt.QFont()
            font.setBold(True)
            return font
        return None


class NumericOrder(qt.QSortFilterProxyModel):
    """Sorts numbers as numbers, and unknown ones last in either direction."""

    def lessThan(self, left: qt.QModelIndex, right: qt.QModelIndex) -> bool:
        a, b = left.data(SORT_ROLE), right.data(SORT_ROLE)
        if isinstance(a, float) and (math.isnan(a) or math.isnan(b)):
            # Qt negates the answer when it sorts in descending order.
            ascending = self.sortOrder() == qt.Qt.AscendingOrder
            return math.isnan(b if ascending else a) and not math.isnan(a if ascending else b)
        return bool(a < b)


def _list_values(row: RankingRow) -> tuple[float | str, ...]:
    return (
        float(row.rank),
        row.name.casefold(),
        row.score,
        row.relative_error,
        row.smoothness,
        row.min_overlap,
        row.score,
        _format_cell(row, REASON),
    )


def _format_cell(row: RankingRow, column: int) -> str:
    if column == BARS:
        return ""
    if column == STACK:
        return row.name
    if column == REASON:
        return row.reason or ("used for all stacks" if row.applied else "")
    value = _list_values(row)[column]
    if not isinstance(value, float) or math.isnan(value):
        return "–"  # noqa: RUF001
    if column == RANK:
        return f"★ {value:.0f}" if row.best else f"{value:.0f}"
    return f"{100 * value:.1f} %" if column == OVERLAP else f"{value:.4f}"
