"""Fields for values that are typed, or chosen in a dialog."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

from silx.gui import qt

from .fields import Field
from .shapes_table import ShapesTable

# Legible on light and on dark themes, also for values from a link.
_LEGIBLE_GRAY = "#808080"

_SOME_LINES = 5
READING_DELAY = 300  # ms without a key, after which files are looked at


class TextField(Field):
    """A value that is typed.

    :param read: converts what was typed to a value, or raises a `ValueError` that says what is
        wrong.
    :param write: the inverse; None for a value that cannot be typed.
    :param browse: opens a dialog; returns a string for each chosen item. None: no dialog.
    """

    def __init__(
        self,
        name: str,
        label: str,
        help: str,
        editor: qt.QWidget,
        *,
        read: Callable[[str], Any],
        write: Callable[[Any], str | None],
        browse: Callable[[qt.QWidget], Sequence[str]] | None = None,
    ) -> None:
        super().__init__(name, label, help, editor)
        self._read = read
        self._write = write
        palette = editor.palette()
        palette.setColor(qt.QPalette.PlaceholderText, qt.QColor(_LEGIBLE_GRAY))
        palette.setColor(qt.QPalette.Disabled, qt.QPalette.Text, qt.QColor(_LEGIBLE_GRAY))
        editor.setPalette(palette)
        self._browse = browse
        self._browse_button = qt.QPushButton("Browse...")
        self._browse_button.setAutoDefault(False)  # else Enter in a field would click it
        if browse is None:
            self._browse_button.hide()
        self._browse_button.clicked.connect(self._browse_and_add)
        self._heading_row.addWidget(self._browse_button)
        editor.textChanged.connect(self._on_text)

    def text(self) -> str:
        """The content of the editor."""
        raise NotImplementedError

    def show_text(self, text: str) -> None:
        """Show what the user typed before, whether it can be read or not."""
        self._set_source("")
        if text != self.text():  # else the cursor would jump while the user types
            self._replace_text(text)
        self._check()

    def value(self) -> Any:
        try:
            return self._read(self.text())
        except ValueError:
            return None

    def _write_text(self, text: str) -> None:
        raise NotImplementedError

    def _add(self, chosen: Sequence[str]) -> str:
        """The content of the editor after something was chosen in the dialog."""
        raise NotImplementedError

    def _display(self, value: Any) -> None:
        text = self._write(value)
        if text is None:
            self._set_source("from link")
        if not self.editor.isEnabled():
            self._display_fixed(value, text)
        elif self.problem or text != self._write(self.value()):
            self._replace_text(text or "")  # else what the user typed stays as it is
            self._check()
        else:
            self._check()

    def _display_fixed(self, value: Any, text: str | None) -> None:
        """Show a value that cannot be edited."""
        text = str(value) if text is None else text
        self._replace_text(text)
        self.editor.setToolTip(text)

    def _set_source(self, source: str) -> None:
        was_fixed = not self.editor.isEnabled()
        super()._set_source(source)
        self._browse_button.setVisible(self._browse is not None and not source)
        if was_fixed and not source:
            self.editor.setToolTip("")
            self._replace_text("")

    def _replace_text(self, text: str) -> None:
        with qt.QSignalBlocker(self.editor):
            self._write_text(text)

    def _on_text(self) -> None:
        self._check()
        self.sigEdited.emit()

    def _check(self) -> None:
        try:
            self._read(self.text())
        except ValueError as error:
            self._set_note(str(error), is_problem=True)
        else:
            self._set_note("")

    def _browse_and_add(self) -> None:
        chosen = self._browse(self) if self._browse is not None else ()
        if chosen:
            self._write_text(self._add(chosen))


class SourcesField(TextField):
    """Stacks or registrations: URLs in several lines, and below the names and shapes. What is
    chosen in the dialog is added as further lines.

    :param placeholder: an example in gray while nothing is typed.
    :param describe: names and shapes of what a value holds; may read files.
    :param options: see :class:`TextField`.
    """

    def __init__(
        self,
        name: str,
        label: str,
        help: str,
        placeholder: str,
        *,
        describe: Callable[[Any], Sequence[tuple[str, str]]],
        **options: Any,
    ) -> None:
        editor = qt.QPlainTextEdit()
        editor.setPlaceholderText(placeholder)
        editor.setLineWrapMode(qt.QPlainTextEdit.NoWrap)
        editor.setTabChangesFocus(True)
        editor.setFixedHeight(_SOME_LINES * editor.fontMetrics().lineSpacing())
        super().__init__(name, label, help, editor, **options)
        self._describe = describe
        self.table = ShapesTable()
        self.layout().addWidget(self.table)
        self.edit_button = qt.QPushButton("Edit")
        self.edit_button.setToolTip("Show the URLs")
        self.edit_button.setCheckable(True)
        self.edit_button.setAutoDefault(False)
        self.edit_button.toggled.connect(self._arrange)
        self._heading_row.insertWidget(self._heading_row.count() - 1, self.edit_button)
        editor.installEventFilter(self)
        self._soon = qt.QTimer(self)
        self._soon.setSingleShot(True)
        self._soon.setInterval(READING_DELAY)
        self._soon.timeout.connect(self._show_typed)

    def text(self) -> str:
        return str(self.editor.toPlainText())

    def _write_text(self, text: str) -> None:
        self.editor.setPlainText(text)

    def _add(self, chosen: Sequence[str]) -> str:
        lines = self.text().strip().splitlines()
        if lines and lines[0].startswith(("[", "{")):
            lines = []  # JSON, to which no line can be added
        return "\n".join([*lines, *(line for line in chosen if line not in lines)])

    def eventFilter(self, editor: qt.QObject, event: qt.QEvent) -> bool:
        """Show the names in place of the URLs when the field loses the focus."""
        if event.type() == qt.QEvent.FocusOut:
            self._soon.start()
        return False

    def _arrange(self) -> None:
        """Show the URLs only where they are needed."""
        fixed = not self.editor.isEnabled()
        empty = bool(self.problem) or not self.text().strip()
        self.edit_button.setVisible(not fixed and not empty)
        needed = empty or self.edit_button.isChecked() or self.editor.hasFocus()
        self.editor.setVisible(not fixed and needed)

    def _set_source(self, source: str) -> None:
        super()._set_source(source)
        self._arrange()

    def _display_fixed(self, value: Any, text: str | None) -> None:
        self._replace_text("")
        self._soon.stop()
        self._arrange()
        self._show_table(value)

    def _check(self) -> None:
        super()._check()
        if self.problem:
            self._arrange()
        self._soon.start()

    def _show_typed(self) -> None:
        self._show_table(self.value())
        self._arrange()

    def _show_table(self, value: Any) -> None:
        self.table.show_rows([] if value is None else self._describe(value))


class LineField(TextField):
    """One line, which is replaced by what is chosen in the dialog.

    :param placeholder: an example in gray while nothing is typed.
    :param options: see :class:`TextField`.
    """

    def __init__(self, name: str, label: str, help: str, placeholder: str, **options: Any) -> None:
        editor = qt.QLineEdit()
        editor.setPlaceholderText(placeholder)
        editor.setClearButtonEnabled(True)
        super().__init__(name, label, help, editor, **options)

    def text(self) -> str:
        return str(self.editor.text())

    def _write_text(self, text: str) -> None:
        self.editor.setText(text)

    def _add(self, chosen: Sequence[str]) -> str:
        return chosen[-1]
