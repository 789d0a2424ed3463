"""Fields that show and edit the inputs of a task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from silx.gui import qt

from .text_values import elide

# Legible on light and on dark themes.
_PROBLEM_COLOR = "#e0524d"

_LONGEST_CHOICE = 44  # characters


def make_note() -> qt.QLabel:
    """A plain-text label of one or more lines; a long path does not make the window wider."""
    note = qt.QLabel()
    note.setTextFormat(qt.Qt.PlainText)
    note.setWordWrap(True)
    note.setSizePolicy(qt.QSizePolicy.Ignored, qt.QSizePolicy.Minimum)
    return note


class Field(qt.QWidget):
    """A labeled editor of one input.

    :param name: name of the input of the task.
    :param label: label for the user.
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
        self.note = make_note()
        self.note.hide()
        self._heading_row = qt.QHBoxLayout()
        self._heading_row.addWidget(self._heading)
        self._heading_row.addStretch()
        layout = qt.QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(3)
        layout.addLayout(self._heading_row)
        layout.addWidget(editor)
        layout.addWidget(self.note)

    def value(self) -> Any:
        """The value in the editor; None if it is empty or cannot be read."""
        raise NotImplementedError

    def show_value(self, value: Any) -> None:
        """Show a value that the user may edit."""
        self._set_source("")
        self._display(value)

    def show_linked(self, value: Any) -> None:
        """Show a value that a link brings and that cannot be edited here."""
        self._set_source("from link")
        self._display(value)

    def show_waiting(self, title: str) -> None:
        """Display that a link will provide the value.

        :param title: title of the widget that has to run first.
        """
        self._set_source("from link")
        self._display(None)
        self._set_note(f"Waiting for {title!r}: run it first")

    def show_problem(self, problem: str) -> None:
        """Display why the value cannot be used."""
        self._set_note(problem, is_problem=True)

    def _display(self, value: Any) -> None:
        raise NotImplementedError

    def _set_source(self, source: str) -> None:
        self.editor.setEnabled(not source)
        self._heading.setText(f"{self.label} ({source})" if source else self.label)
        self._set_note("")

    def _set_note(self, note: str, *, is_problem: bool = False) -> None:
        """Display a note below the editor."""
        self.problem = note if is_problem else ""
        self.note.setText(note)
        self.note.setVisible(bool(note))
        self.note.setStyleSheet(f"color: {_PROBLEM_COLOR}" if is_problem else "")
        self.editor.setStyleSheet(f"border: 1px solid {_PROBLEM_COLOR}" if is_problem else "")


class ChoiceField(Field):
    """One of several values.

    :param choices: the label of each value.
    :param unset: the label of no value, which cannot be chosen.
    """

    other = "{}"
    """The label of a value that is not one of the choices."""

    def __init__(
        self,
        name: str,
        label: str,
        help: str,
        choices: Mapping[Any, str],
        *,
        unset: str = "not set",
    ) -> None:
        editor = qt.QComboBox()
        editor.setSizeAdjustPolicy(qt.QComboBox.AdjustToMinimumContentsLengthWithIcon)
        editor.setMinimumContentsLength(10)  # a long name does not make the window wider
        super().__init__(name, label, help, editor)
        self._choices: dict[Any, str] = {}
        self._unset = unset
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
            self._add(value, words)
        if previous in choices:
            self._display(previous)

    def value(self) -> Any:
        return self.editor.currentData()

    def _add(self, value: Any, words: str) -> None:
        self.editor.addItem(elide(words, _LONGEST_CHOICE), value)
        self.editor.setItemData(self.editor.count() - 1, words, qt.Qt.ToolTipRole)

    def _display(self, value: Any) -> None:
        shown = [self.editor.itemData(n) for n in range(self.editor.count())]
        if value not in shown:
            words = self._unset if value is None else self.other.format(value)
            self._add(value, words)
            shown.append(value)
        self.editor.setCurrentIndex(shown.index(value))


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
