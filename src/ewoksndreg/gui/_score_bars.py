"""Scores as bars, in the rows of the table, so that both have the same order."""

from __future__ import annotations

import math

from silx.gui import qt

from ..evaluation import SMOOTHNESS_WEIGHT
from ._colors import RELATIVE_ERROR
from ._colors import SMOOTHNESS
from ._ranking_rows import RankingRow
from ._ranking_table import ROW_ROLE


def split_score(row: RankingRow) -> tuple[float, float]:
    """Split a score into the relative error and the weighted smoothness; 0 for a registration
    without a score."""
    if math.isnan(row.score):
        return 0.0, 0.0
    return row.relative_error, SMOOTHNESS_WEIGHT * row.smoothness


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
