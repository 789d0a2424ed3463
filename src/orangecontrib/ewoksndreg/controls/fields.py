"""Fields that show and edit the inputs of a task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from silx.gui import qt

# Legible on light and on dark themes.
_PROBLEM_COLOR = "#e0524d"


class Field(qt.QWidget):
    """A labeled editor of one input.

    :param name: of the input, as the task calls it.
    :param label: of the input, as the user reads it.
    :param help: a tool tip.
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
        self._problem_label = qt.QLabel()
        self._problem_label.setWordWrap(True)
        policy = self._problem_label.sizePolicy()
        policy.setHorizontalPolicy(qt.QSizePolicy.Ignored)  # a long path stays inside
        self._problem_label.setSizePolicy(policy)
        self._problem_label.setStyleSheet(f"color: {_PROBLEM_COLOR}")
        self._problem_label.hide()
        self._heading_row = qt.QHBoxLayout()
        self._heading_row.addWidget(self._heading)
        self._heading_row.addStretch()
        layout = qt.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addLayout(self._heading_row)
        layout.addWidget(editor)
        layout.addWidget(self._problem_label)

    def value(self) -> Any:
        """What the editor shows; None when that is empty or cannot be read."""
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
        self._problem_label.setText(problem)
        self._problem_label.setVisible(bool(problem))
        frame = f"border: 1px solid {_PROBLEM_COLOR}" if problem else ""
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
        """Replace the choices; a value that is not one of them is no longer displayed."""
        if choices == self._choices:
            return
        previous = self.value()
        self._choices = dict(choices)
        self.editor.clear()
        for value, words in choices.items():
            self.editor.addItem(words, value)
        if previous in choices:
            self._display(previous)

    def value(self) -> Any:
        return self.editor.currentData()

    def _display(self, value: Any) -> None:
        index = self.editor.findData(value)
        if value is None:  # findData cannot find None
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

    :param least: the smallest, which is displayed when there is no value.
    :param most: the largest.
    :param least_means: displayed in place of the smallest.
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
