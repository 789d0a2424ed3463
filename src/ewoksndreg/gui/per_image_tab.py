"""Which images are aligned, under every list."""

from __future__ import annotations

from silx.gui import qt

from .colors import list_style
from .image_axis_plot import ImageAxisPlot
from .selection import Selection
from .shown import ShownResult


class PerImageTab(qt.QWidget):  # type: ignore[misc]
    """Relative MSE of every image of the selected stack under every list."""

    def __init__(self, selection: Selection, parent: qt.QWidget | None = None) -> None:
        super().__init__(parent)
        self._selection = selection
        self._shown: ShownResult | None = None
        self.plot = ImageAxisPlot("relative MSE", self)
        self.plot.sigImageClicked.connect(selection.select_image)
        layout = qt.QVBoxLayout(self)
        layout.addWidget(self.plot)
        selection.sigStackChanged.connect(self._draw)
        selection.sigImageChanged.connect(self.plot.mark_image)

    def show_result(self, shown: ShownResult) -> None:
        self._shown = shown

    def _draw(self, name: str) -> None:
        assert self._shown is not None
        evaluation = self._shown.evaluation
        self.plot.clear()
        if evaluation is None:
            return
        values = evaluation.relative_mse[:, evaluation.names.index(name)]
        for k, stack in enumerate(evaluation.names):
            width = 3 if stack == self._shown.best else 1
            self.plot.add_list(stack, values[k], style=list_style(k), width=width)
        self.plot.show_all_images(values.shape[1])
        self.plot.mark_image(self._selection.image)
