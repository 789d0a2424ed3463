"""Step through the images of a stack."""

from __future__ import annotations

from silx.gui import qt

from ._selection import Selection


class ImageSlider(qt.QWidget):
    """A slider and a field with the number of the selected image, from 0."""

    def __init__(self, selection: Selection, parent: qt.QWidget | None = None) -> None:
        super().__init__(parent)
        self._selection = selection
        self.slider = qt.QSlider(qt.Qt.Horizontal, self)
        self.slider.setPageStep(1)
        self.number = qt.QSpinBox(self)
        self.number.setKeyboardTracking(False)  # so that typing "12" does not load image 1
        self._last = qt.QLabel(self)

        layout = qt.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(qt.QLabel("Image", self))
        layout.addWidget(self.slider, 1)
        layout.addWidget(self.number)
        layout.addWidget(self._last)

        selection.sigStackChanged.connect(self._update)
        selection.sigImageChanged.connect(self._update)
        self.slider.valueChanged.connect(selection.select_image)
        self.number.valueChanged.connect(selection.select_image)

    def _update(self) -> None:
        last = max(0, self._selection.number_of_images - 1)
        for widget in (self.slider, self.number):
            with qt.QSignalBlocker(widget):
                widget.setRange(0, last)
                widget.setValue(self._selection.image)
            widget.setEnabled(last > 0)
        self._last.setText(f"/ {last}")
