"""A widget that describes its result in one sentence."""

from __future__ import annotations

from collections.abc import Sequence

from .fields import make_note
from .shapes_table import ShapesTable
from .task_widget import OWTaskWidget


class OWStatusWidget(  # type: ignore[call-arg]  # ewoksorange has no types
    OWTaskWidget, openclass=True
):
    """Fields, buttons, and above them a description of the task and of its result."""

    want_main_area = False

    explanation = ""
    """Description of the task, which is displayed until it runs."""

    def __init__(self) -> None:
        self._status = make_note()
        self.result_table = ShapesTable()
        super().__init__()
        self.controlArea.layout().insertWidget(0, self._status)
        self.controlArea.layout().insertWidget(1, self.result_table)
        self._show_status(self.explanation)

    def _show_status(self, sentence: str) -> None:
        self._status.setText(sentence)
        self._status.setToolTip(sentence)

    def _show_rows(self, sentence: str, rows: Sequence[tuple[str, str]]) -> None:
        """Describe the result in a sentence and a list.

        :param rows: names, for example of stacks, and a description of each.
        """
        self._show_status(sentence)
        self.result_table.show_rows(rows)
