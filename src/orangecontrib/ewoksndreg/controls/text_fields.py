"""Fields for values that are typed, or chosen in a dialog."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from typing import Any

from silx.gui import qt

from .fields import Field

# Legible on light and on dark themes, also for values from a link.
_LEGIBLE_GRAY = "#808080"

_SOME_LINES = 9


class TextField(Field):
    """A value that is typed.

    :param read: converts what was typed to a value, or raises a `ValueError` that says what is
        wrong.
    :param write: the inverse; None for a value that cannot be typed.
    :param summarize: what to show of a value that a link brings.
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
        summarize: Callable[[Any], str],
        browse: Callable[[qt.QWidget], Sequence[str]] | None = None,
    ) -> None:
        super().__init__(name, label, help, editor)
        self._read = read
        self._write = write
        self._summarize = summarize
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
        self._set_linked(False)
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
            self._set_linked(True)
        if not self.editor.isEnabled():
            text = self._summarize(value)
            self._replace_text(text)
            self.editor.setToolTip(text)
        elif self.problem or text != self._write(self.value()):
            self._replace_text(text or "")  # else what the user typed stays as it is
            self._check()

    def _set_linked(self, linked: bool) -> None:
        was_linked = not self.editor.isEnabled()
        super()._set_linked(linked)
        self._browse_button.setEnabled(not linked)
        if was_linked and not linked:
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
            self._set_problem(str(error))
        else:
            self._set_problem("")

    def _browse_and_add(self) -> None:
        chosen = self._browse(self) if self._browse is not None else ()
        if chosen:
            self._write_text(self._add(chosen))


class LinesField(TextField):
    """Several lines; what is chosen in the dialog is added as further lines.

    :param placeholder: an example in gray while nothing is typed.
    :param options: see :class:`TextField`.
    """

    def __init__(self, name: str, label: str, help: str, placeholder: str, **options: Any) -> None:
        editor = qt.QPlainTextEdit()
        editor.setPlaceholderText(placeholder)
        editor.setLineWrapMode(qt.QPlainTextEdit.NoWrap)
        editor.setTabChangesFocus(True)
        editor.setFixedHeight(_SOME_LINES * editor.fontMetrics().lineSpacing())
        super().__init__(name, label, help, editor, **options)

    def text(self) -> str:
        return str(self.editor.toPlainText())

    def _write_text(self, text: str) -> None:
        self.editor.setPlainText(text)

    def _add(self, chosen: Sequence[str]) -> str:
        lines = self.text().strip().splitlines()
        if lines and lines[0].startswith(("[", "{")):
            lines = []  # JSON, to which no line can be added
        return "\n".join([*lines, *(line for line in chosen if line not in lines)])


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
