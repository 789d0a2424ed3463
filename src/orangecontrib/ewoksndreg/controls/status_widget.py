"""A widget that shows in one sentence what came out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from typing import ClassVar

from ewoksorange.gui.utils.invalid_data import is_invalid_data
from silx.gui import qt

from .task_widget import OWTaskWidget


class OWStatusWidget(  # type: ignore[call-arg]  # ewoksorange has no types
    OWTaskWidget, openclass=True
):
    """Fields, buttons, and above them what the task does and what came out. Has no main area."""

    category = "Registration"
    want_main_area = False

    explanation = ""
    """What the task does, shown until it runs."""

    initial_inputs: ClassVar[Mapping[str, Any]] = {}
    """Values of inputs that have no default, for a widget that is new."""

    def __init__(self) -> None:
        self._status = qt.QLabel()
        self._status.setTextFormat(qt.Qt.PlainText)
        self._status.setWordWrap(True)
        policy = self._status.sizePolicy()
        policy.setHorizontalPolicy(qt.QSizePolicy.Ignored)  # a long path stays inside
        self._status.setSizePolicy(policy)
        super().__init__()
        self.controlArea.layout().insertWidget(0, self._status)
        saved = self.get_default_input_values()
        for name, value in self.initial_inputs.items():
            if is_invalid_data(saved.get(name)) and name not in self.invalid_entries:
                self.set_default_input(name, value)
        self._show_inputs()
        self._show_status(self.explanation)

    def _show_status(self, sentence: str) -> None:
        self._status.setText(sentence)
        self._status.setToolTip(sentence)
