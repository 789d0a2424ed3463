"""The registrations as a table that sorts by number, with bars for the scores."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from silx.gui import qt

from ..evaluation import SMOOTHNESS_WEIGHT
from ..evaluation import RegistrationScore
from ..evaluation import smoothness_eval
from ._colors import RELATIVE_ERROR
from ._colors import SMOOTHNESS
from ._labels import make_tool_tip
from ._result import RunResult

# The keys of the output `scores` of the task, too.
NUMBERS = ("score", "relative_error", "own_relative_error", "smoothness", "min_overlap")

COLUMNS = ("rank", "registration", *NUMBERS, "bars", "note")
RANK, NAME, SCORE, *_, BARS, NOTE = range(len(COLUMNS))

_HEADINGS = (
    "Rank",
    "Registration",
    "Score",
    "Relative\nerror",
    "On its own\nstack",
    "Smooth-\nness",
    "Smallest\noverlap",
    "Score breakdown",
    "Note",
)

_TOOL_TIPS = (
    "1 is the best registration; = marks those that are not distinguishable from it",
    "The stack that the registration was found from",
    "Relative error plus weighted smoothness: small is good",
    "Error that is left after alignment, as a fraction of the error without: 0 is perfect, 1 is no"
    " better than unaligned",
    "Relative error on the stack that the registration was found from",
    "Mean step of the image corners from one image to the next, as a fraction of the image size:"
    " small is smooth",
    "Smallest part of the reference image that an aligned image still covers",
    "The score, split into its two parts",
    "Whether it is the best one, tied with it, chosen or not scored",
)

ROW_ROLE = qt.Qt.UserRole
"""The :class:`.RankingRow` of a cell."""

SORT_ROLE = qt.Qt.UserRole + 1
"""What a cell is sorted by, a number or a string."""


@dataclass(frozen=True)
class RankingRow:
    """One registration.

    :param rank: 1 is best; NaN where nothing was ranked.
    :param name: of the registration.
    :param numbers: unknown ones are NaN.
    :param note: why it has no score, that it is a rival of the best one, that it is chosen.
    :param short_note: the same in a few words.
    :param best: whether it ranks first.
    :param tied: whether it is a rival of the best one, or is the best one and has rivals.
    """

    rank: float
    name: str
    numbers: RegistrationScore
    note: str
    short_note: str
    best: bool = False
    tied: bool = False


def make_rows(result: RunResult) -> list[RankingRow]:
    """One row per registration, best first.

    Without a ranking only the smoothness is known, and only of registrations whose stack can be
    opened, since it is a fraction of the image size.
    """
    evaluation = result.evaluation
    rows = []
    for rank, name in enumerate(result.registration_names, start=1):
        best, tied = evaluation is not None and rank == 1, False
        if evaluation is None:
            note = "" if result.registrations.get(name) else "not read, because it is not needed"
            numbers = _find_smoothness(result, name)
        else:
            note, numbers = evaluation.describe_rank(name), evaluation.registrations[name]
            tied = bool(evaluation.rivals) if best else name in evaluation.rivals
        short = "tied" if tied and not best else re.split("[:,]", note)[0]
        if name == result.reference_stack:
            note = f"{note}; chosen for all stacks" if note else "chosen for all stacks"
            short = f"{short}, chosen" if short else "chosen"
        shown_rank = math.nan if evaluation is None else rank
        rows.append(RankingRow(shown_rank, name, numbers, note, short, best, tied))
    return rows


def _find_smoothness(result: RunResult, name: str) -> RegistrationScore:
    transformations, shape = result.registrations.get(name), result.image_shape(name)
    smoothness = smoothness_eval(transformations, shape) if transformations and shape else math.nan
    return RegistrationScore(math.nan, math.nan, math.nan, smoothness, math.nan)


class RankingModel(qt.QAbstractTableModel):
    """One row per registration."""

    def __init__(self, parent: qt.QObject | None = None) -> None:
        super().__init__(parent)
        self.rows: Sequence[RankingRow] = ()

    def set_rows(self, rows: Sequence[RankingRow]) -> None:
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: qt.QModelIndex = qt.QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: qt.QModelIndex = qt.QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(COLUMNS)

    def headerData(self, section: int, orientation: Any, role: int = qt.Qt.DisplayRole) -> Any:
        if orientation != qt.Qt.Horizontal:
            return None
        if role == qt.Qt.DisplayRole:
            return _HEADINGS[section]
        return _TOOL_TIPS[section] if role == qt.Qt.ToolTipRole else None

    def data(self, index: qt.QModelIndex, role: int = qt.Qt.DisplayRole) -> Any:
        row, column = self.rows[index.row()], index.column()
        if role == ROW_ROLE:
            return row
        if role == SORT_ROLE:
            value = find_value(row, column)
            return value.casefold() if isinstance(value, str) else value
        if role == qt.Qt.DisplayRole:
            return _format_cell(row, column)
        if role == qt.Qt.ToolTipRole and column in (NAME, NOTE):
            return make_tool_tip(str(find_value(row, column)))
        if role == qt.Qt.TextAlignmentRole and column not in (NAME, NOTE):
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


class ScoreBars(qt.QStyledItemDelegate):
    """Paints the two terms of a score side by side."""

    def paint(
        self, painter: qt.QPainter, option: qt.QStyleOptionViewItem, index: qt.QModelIndex
    ) -> None:
        if option.state & qt.QStyle.State_Selected:
            # The bars would be hard to see on the selection color.
            painter.fillRect(option.rect, option.palette.base())
        model = index.model()
        longest = max(
            sum(split_score(model.index(row, 0).data(ROW_ROLE))) for row in range(model.rowCount())
        )
        if longest == 0:
            return
        space = option.rect.adjusted(6, 0, -6, 0)
        height = min(space.height() - 8, 16)
        bar = qt.QRectF(space.left(), space.center().y() - height / 2 + 0.5, 0, height)
        painter.save()
        for part, color in zip(
            split_score(index.data(ROW_ROLE)), (RELATIVE_ERROR, SMOOTHNESS), strict=True
        ):
            bar.setLeft(bar.right())
            bar.setWidth(space.width() * part / longest)
            painter.fillRect(bar, qt.QColor(color))
        painter.restore()


def split_score(row: RankingRow) -> tuple[float, float]:
    """The relative error and the weighted smoothness, of which the score is the sum; 0 for a
    registration without a score."""
    if math.isnan(row.numbers.score):
        return 0.0, 0.0
    return row.numbers.relative_error, SMOOTHNESS_WEIGHT * row.numbers.smoothness


def find_value(row: RankingRow, column: int) -> float | str:
    """The value in a column, not rounded."""
    if column == RANK:
        return float(row.rank)
    if column == NAME:
        return row.name
    if column == NOTE:
        return row.note
    return float(getattr(row.numbers, "score" if column == BARS else COLUMNS[column]))


def _format_cell(row: RankingRow, column: int) -> str:
    value = find_value(row, column)
    if column == BARS:
        return ""
    if column == NOTE:
        return row.short_note
    if isinstance(value, str):
        return value
    if math.isnan(value):
        return "–"  # noqa: RUF001
    if column == RANK:
        rank = "1 =" if row.tied else f"{value:.0f}"
        return f"★ {rank}" if row.best else rank
    return f"{100 * value:.1f} %" if COLUMNS[column] == "min_overlap" else f"{value:.4f}"
