"""Fields in which the inputs of a task are shown and edited."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from silx.gui import qt

# Legible on light and on dark themes.
_PROBLEM_COLOUR = "#e0524d"


class Field(qt.QWidget):
    """A labeled editor of one input.

    :param name: of the input, as the task calls it.
    :param label: of the input, as the user reads it.
    :param help: what the user should know about the input.
    :param editor: shows and edits the value.
    """

    sigEdited = qt.Signal()
    """The user changed the value."""

    def __init__(self, name: str, label: str, help: str, editor: qt.QWidget) -> None:
        super().__init__()
        self.name = name
        self.editor = editor
        self.problem = ""
        self.setToolTip(help)
        self.setSizePolicy(qt.QSizePolicy.Preferred, qt.QSizePolicy.Maximum)
        self.label = label
        self._heading = qt.QLabel(label)
        self._remark = qt.QLabel()
        self._remark.setWordWrap(True)
        policy = self._remark.sizePolicy()
        policy.setHorizontalPolicy(qt.QSizePolicy.Ignored)  # a long path makes nothing wider
        self._remark.setSizePolicy(policy)
        self._remark.setStyleSheet(f"color: {_PROBLEM_COLOUR}")
        self._remark.hide()
        self._heading_row = qt.QHBoxLayout()
        self._heading_row.addWidget(self._heading)
        self._heading_row.addStretch()
        layout = qt.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addLayout(self._heading_row)
        layout.addWidget(editor)
        layout.addWidget(self._remark)

    def value(self) -> Any:
        """What the editor shows; None where that is nothing or cannot be read."""
        raise NotImplementedError

    def show_value(self, value: Any) -> None:
        """Show a value that the user may edit."""
        self._set_linked(False)
        self._display(value)

    def show_linked(self, value: Any) -> None:
        """Show a value that a link brings and that cannot be edited here."""
        self._set_linked(True)
        self._display(value)

    def _display(self, value: Any) -> None:
        raise NotImplementedError

    def _set_linked(self, linked: bool) -> None:
        self.editor.setEnabled(not linked)
        self._heading.setText(f"{self.label} (from link)" if linked else self.label)
        if linked:
            self._set_problem("")

    def _set_problem(self, problem: str) -> None:
        self.problem = problem
        self._remark.setText(problem)
        self._remark.setVisible(bool(problem))
        frame = f"border: 1px solid {_PROBLEM_COLOUR}" if problem else ""
        self.editor.setStyleSheet(frame)


class ChoiceField(Field):
    """One of several values.

    :param choices: what the user reads for each value, by value.
    """

    def __init__(self, name: str, label: str, help: str, choices: Mapping[Any, str]) -> None:
        editor = qt.QComboBox()
        super().__init__(name, label, help, editor)
        self._choices: dict[Any, str] = {}
        self.set_choices(choices)
        editor.activated.connect(self.sigEdited)

    def set_choices(self, choices: Mapping[Any, str]) -> None:
        """Offer these; a value that is not among them has to be shown again."""
        if choices == self._choices:
            return
        shown = self.value()
        self._choices = dict(choices)
        self.editor.clear()
        for value, words in choices.items():
            self.editor.addItem(words, value)
        if shown in choices:
            self._display(shown)

    def value(self) -> Any:
        return self.editor.currentData()

    def _display(self, value: Any) -> None:
        index = self.editor.findData(value)
        if value is None:  # findData finds no None
            index = next((n for n, choice in enumerate(self._choices) if choice is None), -1)
        if index < 0:
            self.editor.addItem(f"{value} (not among the inputs)", value)
            index = self.editor.count() - 1
        self.editor.setCurrentIndex(index)


class CheckField(Field):
    """Yes or no.

    :param question: what is true when the box is ticked.
    """

    def __init__(self, name: str, question: str, help: str) -> None:
        editor = qt.QCheckBox(question)
        super().__init__(name, "", help, editor)
        editor.clicked.connect(self.sigEdited)
        self._heading.hide()

    def value(self) -> bool:
        return bool(self.editor.isChecked())

    def _display(self, value: Any) -> None:
        self.editor.setChecked(bool(value))


class NumberField(Field):
    """An integer.

    :param least: the smallest, which is shown where none is given.
    :param most: the largest.
    :param least_means: what is shown in place of the smallest.
    """

    def __init__(
        self, name: str, label: str, help: str, *, least: int, most: int, least_means: str = ""
    ) -> None:
        editor = qt.QSpinBox()
        editor.setRange(least, most)
        editor.setSpecialValueText(least_means)
        super().__init__(name, label, help, editor)
        editor.valueChanged.connect(self.sigEdited)

    def value(self) -> int:
        return int(self.editor.value())

    def _display(self, value: Any) -> None:
        with qt.QSignalBlocker(self.editor):
            self.editor.setValue(self.editor.minimum() if value is None else int(value))
