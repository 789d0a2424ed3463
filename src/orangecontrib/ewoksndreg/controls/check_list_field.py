"""A field with a tick box for each stack."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from functools import partial
from typing import Any

from silx.gui import qt

from .fields import Field

_HEIGHT = 220  # px
_NAME, _SHAPE = range(2)


class CheckListField(Field):
    """Some of several stacks: names, shapes and tick boxes. The value is None when all are ticked.
    Long names lose their middle."""

    def __init__(self, name: str, label: str, help: str) -> None:
        editor = qt.QTreeWidget()
        editor.setHeaderLabels(["Name", "Shape"])
        editor.setRootIsDecorated(False)
        editor.setTextElideMode(qt.Qt.ElideMiddle)
        editor.setMinimumHeight(_HEIGHT)
        header = editor.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(_NAME, qt.QHeaderView.Stretch)
        header.setSectionResizeMode(_SHAPE, qt.QHeaderView.ResizeToContents)
        super().__init__(name, label, help, editor)
        self.setSizePolicy(qt.QSizePolicy.Preferred, qt.QSizePolicy.Expanding)
        self._shapes: dict[str, str] = {}
        self._value: Sequence[str] | None = None
        for words, state in (("All", qt.Qt.Checked), ("None", qt.Qt.Unchecked)):
            button = qt.QPushButton(words)
            button.setAutoDefault(False)
            button.clicked.connect(partial(self._tick_all, state))
            self._heading_row.addWidget(button)
        editor.itemChanged.connect(self._on_ticked)

    def offer(self, shapes: Mapping[str, str]) -> None:
        """Let the user tick these stacks.

        :param shapes: by name.
        """
        self._shapes = dict(shapes)
        self._display(self._value)

    def value(self) -> list[str] | None:
        return None if self._value is None else list(self._value)

    def _display(self, value: Any) -> None:
        self._value = value
        rows = {**self._shapes, **{n: "not found" for n in value or () if n not in self._shapes}}
        with qt.QSignalBlocker(self.editor):
            # Not while a click on an item is handled: that would delete it.
            if rows != {item.text(_NAME): item.text(_SHAPE) for item in self._items()}:
                self.editor.clear()
                self.editor.addTopLevelItems(
                    [qt.QTreeWidgetItem(list(row)) for row in rows.items()]
                )
            for item in self._items():
                ticked = value is None or item.text(_NAME) in value
                item.setCheckState(_NAME, qt.Qt.Checked if ticked else qt.Qt.Unchecked)
                item.setToolTip(_NAME, item.text(_NAME))

    def _items(self) -> list[qt.QTreeWidgetItem]:
        return [self.editor.topLevelItem(n) for n in range(self.editor.topLevelItemCount())]

    def _tick_all(self, state: qt.Qt.CheckState, clicked: bool) -> None:
        with qt.QSignalBlocker(self.editor):
            for item in self._items():
                item.setCheckState(_NAME, state)
        self._on_ticked()

    def _on_ticked(self, *_: Any) -> None:
        items = self._items()
        ticked = [i.text(_NAME) for i in items if i.checkState(_NAME) == qt.Qt.Checked]
        self._value = None if ticked == list(self._shapes) else ticked
        self.sigEdited.emit()
