"""A small table of names and shapes."""

from __future__ import annotations

from collections.abc import Sequence

from silx.gui import qt

_MOST_ROWS = 10


class ShapesTable(qt.QTreeWidget):
    """Names and shapes, one per row, without scrolling. The middle of long names is removed."""

    def __init__(self) -> None:
        super().__init__()
        self.setColumnCount(2)
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setTextElideMode(qt.Qt.ElideMiddle)
        self.setSelectionMode(qt.QAbstractItemView.NoSelection)
        self.setFocusPolicy(qt.Qt.NoFocus)
        self.setHorizontalScrollBarPolicy(qt.Qt.ScrollBarAlwaysOff)
        header = self.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, qt.QHeaderView.Stretch)
        header.setSectionResizeMode(1, qt.QHeaderView.ResizeToContents)
        self.hide()

    def rows(self) -> list[tuple[str, str]]:
        """The displayed rows."""
        items = [self.topLevelItem(n) for n in range(self.topLevelItemCount())]
        return [(item.text(0), item.text(1)) for item in items]

    def show_rows(self, rows: Sequence[tuple[str, str]]) -> None:
        """Replace the displayed rows."""
        if list(rows) == self.rows():
            return
        self.clear()
        for name, shape in rows:
            item = qt.QTreeWidgetItem([name, shape])
            item.setToolTip(0, name)
            item.setToolTip(1, shape)
            self.addTopLevelItem(item)
        height = max(self.sizeHintForRow(0), 0)
        self.setFixedHeight(height * min(len(rows), _MOST_ROWS) + 2 * self.frameWidth())
        self.setVisible(bool(rows))
