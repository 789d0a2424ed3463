"""Step through the images of a stack."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from silx.gui import qt

from ._selection import Selection

_PLAY_INTERVAL = 150  # ms, or as long as an image needs


class ImageSlider(qt.QWidget):
    """A slider and a field with the number of the selected image, from 0, and a button to play.

    :param is_loading: whether an image is being read, which is waited for while playing.
    """

    def __init__(
        self,
        selection: Selection,
        is_loading: Callable[[], bool],
        parent: qt.QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._selection = selection
        self._is_loading = is_loading
        self.slider = qt.QSlider(qt.Qt.Horizontal, self)
        style = _JumpingStyle()
        style.setParent(self)
        self.slider.setStyle(style)
        self.slider.setPageStep(1)
        self.slider.setMinimumWidth(100)
        self.number = qt.QSpinBox(self)
        self.number.setKeyboardTracking(False)  # so that typing "12" does not load image 1
        self._last = qt.QLabel(self)
        self.play = qt.QToolButton(self)
        self.play.setText("Pla&y")
        self.play.setToolTip("Show one image after another (Alt+Y)")
        self.play.setCheckable(True)
        label = qt.QLabel("Ima&ge", self)
        label.setBuddy(self.number)

        layout = qt.QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(label)
        layout.addWidget(self.slider, 1)
        layout.addWidget(self.number)
        layout.addWidget(self._last)
        layout.addWidget(self.play)

        self._timer = qt.QTimer(self)
        self._timer.setInterval(_PLAY_INTERVAL)
        self._timer.timeout.connect(self._advance)
        self.play.toggled.connect(lambda on: self._timer.start() if on else self._timer.stop())
        selection.sigStackChanged.connect(self._update)
        selection.sigImageChanged.connect(self._update)
        self.slider.valueChanged.connect(selection.select_image)
        self.number.valueChanged.connect(selection.select_image)

    def step(self, images: int) -> None:
        """Select the next image (1) or the previous one (-1)."""
        self._selection.select_image(self._selection.image + images)

    def _advance(self) -> None:
        if not self._is_loading():
            number = max(1, self._selection.number_of_images)
            self._selection.select_image((self._selection.image + 1) % number)

    def _update(self) -> None:
        last = max(0, self._selection.number_of_images - 1)
        for widget in (self.slider, self.number):
            with qt.QSignalBlocker(widget):
                widget.setRange(0, last)
                widget.setValue(self._selection.image)
            widget.setEnabled(last > 0)
        self._last.setText(f"/ {last}")


class _JumpingStyle(qt.QProxyStyle):
    """A click on a slider moves the handle to the mouse, not one step towards it."""

    def styleHint(self, hint: qt.QStyle.StyleHint, *details: Any) -> int:
        if hint == qt.QStyle.SH_Slider_AbsoluteSetButtons:
            return int(qt.Qt.LeftButton.value)
        return int(super().styleHint(hint, *details))
