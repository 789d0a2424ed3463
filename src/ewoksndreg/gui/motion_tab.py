"""How every list moves the images."""

from __future__ import annotations

from silx.gui import qt

from .colors import list_style
from .image_axis_plot import ImageAxisPlot
from .motion import Motion
from .motion import motion
from .selection import Selection
from .shown import ShownResult

_LABELS = {
    "rows": "rows, down (px)",
    "columns": "columns, right (px)",
    "rotation": "rotation (°)",
    "scale": "change of size (%)",
}

_WIDTH, _SELECTED_WIDTH, _BEST_WIDTH = 1.0, 2.0, 3.0


class MotionTab(qt.QWidget):  # type: ignore[misc]
    """The path of the image centre, the rotation and the change of size under every list.

    :param selection: clicking selects an image or, in the legend, a stack.
    """

    def __init__(self, selection: Selection, parent: qt.QWidget | None = None) -> None:
        super().__init__(parent)
        self._selection = selection
        self._shown: ShownResult | None = None
        self._motions: dict[str, Motion] = {}
        self.plots = {what: ImageAxisPlot(label, self) for what, label in _LABELS.items()}
        self.legend = qt.QListWidget(self)
        self.legend.setMaximumWidth(220)
        self.message = qt.QLabel(self)
        self.message.setTextFormat(qt.Qt.PlainText)
        self.message.setWordWrap(True)

        grid = qt.QGridLayout(self)
        for position, plot in enumerate(self.plots.values()):
            grid.addWidget(plot, position // 2, position % 2)
            plot.sigImageClicked.connect(selection.select_image)
        grid.addWidget(self.legend, 0, 2, 2, 1)
        grid.addWidget(self.message, 2, 0, 1, 3)
        self.legend.currentTextChanged.connect(self._legend_clicked)
        selection.sigStackChanged.connect(self._draw)
        selection.sigImageChanged.connect(self._mark_image)

    def show_result(self, shown: ShownResult) -> None:
        self._shown = shown
        self._motions = {}
        for name in shown.ranked_names:
            shape, transformations = shown.image_shape(name), shown.lists.get(name)
            if shape is not None and transformations:
                self._motions[name] = motion(transformations, shape)
        with qt.QSignalBlocker(self.legend):
            self.legend.clear()
            self.legend.addItems(list(self._motions))

    def _draw(self, name: str) -> None:
        assert self._shown is not None
        number = max((len(item.rows) for item in self._motions.values()), default=0)
        for what, plot in self.plots.items():
            plot.clear()
            for index, (stack, found) in enumerate(self._motions.items()):
                width = _SELECTED_WIDTH if stack == name else _WIDTH
                width = _BEST_WIDTH if stack == self._shown.best else width
                plot.add_list(stack, getattr(found, what), style=list_style(index), width=width)
            plot.show_all_images(number)
        self._mark_image(self._selection.image)

    def _legend_clicked(self, name: str) -> None:
        if name:
            self._selection.select_stack(name)

    def _mark_image(self, number: int) -> None:
        for plot in self.plots.values():
            plot.mark_image(number)
