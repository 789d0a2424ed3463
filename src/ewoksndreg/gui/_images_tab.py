"""The selected image before and after alignment."""

from __future__ import annotations

import math
from collections.abc import Sequence

from silx.gui import qt

from ..transformation import Transformation
from ._before_after import BeforeAfter
from ._image_loader import ImageLoader
from ._image_modes import EXPLANATIONS
from ._image_modes import INVALID_COLOR
from ._image_modes import Mode
from ._image_modes import make_colormap
from ._image_modes import make_pictures
from ._image_reader import ImageRequest
from ._image_reader import LoadedImages
from ._image_reader import Pair
from ._image_slider import ImageSlider
from ._labels import make_heading
from ._labels import make_label
from ._labels import shorten_for_button
from ._result import RunResult
from ._selection import Selection

_BLINK_INTERVAL = 600  # ms
_READING_DELAY = 150  # ms, after which the tab says that an image is being read

_BUTTON_WIDTH = 86  # px, of all modes
_CHECKED = (
    "QPushButton:checked {background: palette(highlight); color: palette(highlighted-text);"
    " border: 1px solid palette(highlight); border-radius: 3px; padding: 4px 2px}"
)

_INVALID = (
    f'&nbsp;&nbsp;<span style="color: rgb{INVALID_COLOR}">■</span> invalid, or outside the image'
)


class ImagesTab(qt.QWidget):
    """The selected image of the selected stack, as measured and aligned.

    :param selection: the slider moves its image.
    :param loader: reads the images.
    """

    def __init__(
        self, selection: Selection, loader: ImageLoader, parent: qt.QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._selection = selection
        self._loader = loader
        self._result = RunResult({}, {}, {})
        self.loaded: LoadedImages | None = None
        """The displayed images; None before they are read or where that failed."""
        self._blink_reference = False

        self.plots = BeforeAfter(self)
        self.slider = ImageSlider(selection, self)
        self.chosen_registration = qt.QRadioButton(self)
        self.own_registration = qt.QRadioButton(self)
        self.chosen_registration.setChecked(True)
        self.mode_buttons = {mode: self._make_mode_button(mode) for mode in Mode}
        self.explanation = make_label(self)
        self.explanation.setTextFormat(qt.Qt.RichText)
        self.error = make_heading(self)
        self.reading = qt.QLabel(self)

        self._blink = qt.QTimer(self)
        self._blink.setInterval(_BLINK_INTERVAL)
        self._blink.timeout.connect(self._swap)
        self._delay = qt.QTimer(self)
        self._delay.setInterval(_READING_DELAY)
        self._delay.setSingleShot(True)
        self._delay.timeout.connect(self._show_reading)
        self._arrange()

        self.chosen_registration.toggled.connect(self._load)
        for button in self.mode_buttons.values():
            button.toggled.connect(self._on_mode_changed)
        selection.sigStackChanged.connect(self._on_stack_changed)
        selection.sigImageChanged.connect(self._load)
        loader.sigLoaded.connect(self._show_images)
        loader.sigFailed.connect(self._show_error)

    @property
    def mode(self) -> Mode:
        """How the images are compared."""
        return next(mode for mode, button in self.mode_buttons.items() if button.isChecked())

    def show_result(self, result: RunResult) -> None:
        """Start over; images appear as soon as a stack is selected."""
        self._result = result
        self.loaded = None
        self.plots.clear()
        if result.unreadable is not None:
            self._show_error(result.unreadable)

    def forget_stacks(self) -> None:
        """Stop reading images; the displayed picture stays."""
        self._result = RunResult({}, {}, {})
        self._stop_waiting()

    def _make_mode_button(self, mode: Mode) -> qt.QPushButton:
        button = qt.QPushButton(mode.value, self)
        button.setCheckable(True)
        button.setChecked(mode is Mode.OVERLAY)
        button.setStyleSheet(_CHECKED)
        button.setMinimumWidth(_BUTTON_WIDTH)
        return button

    def _arrange(self) -> None:
        registrations = qt.QButtonGroup(self)
        registrations.addButton(self.chosen_registration)
        registrations.addButton(self.own_registration)
        reset = qt.QPushButton("Reset zoom", self)
        reset.setToolTip("Show the whole image (drag over a part of it to zoom in)")
        reset.clicked.connect(self.plots.reset_zoom)
        compare = qt.QHBoxLayout()
        modes = qt.QButtonGroup(self)
        compare.addWidget(qt.QLabel("Compare", self))
        for button in self.mode_buttons.values():
            modes.addButton(button)
            compare.addWidget(button)
        compare.addStretch(1)
        compare.addWidget(reset)
        align = qt.QHBoxLayout()
        align.addWidget(qt.QLabel("Align with", self))
        align.addWidget(self.chosen_registration)
        align.addWidget(self.own_registration)
        align.addStretch(1)
        self._pages = qt.QStackedWidget(self)
        self._pages.addWidget(self.plots)
        self._pages.addWidget(self.error)
        below = qt.QHBoxLayout()
        below.addWidget(self.explanation, 1)
        below.addWidget(self.reading)
        layout = qt.QVBoxLayout(self)
        layout.addLayout(compare)
        layout.addLayout(align)
        layout.addWidget(self._pages, 1)
        layout.addLayout(below)
        layout.addWidget(self.slider)

    def _on_stack_changed(self, name: str) -> None:
        reference = self._result.reference_stack
        self.chosen_registration.setText(
            "the registration that is passed on"
            if reference is None
            else f"the chosen registration ({shorten_for_button(reference)})"
        )
        self.own_registration.setText(f"its own registration ({shorten_for_button(name)})")
        self.chosen_registration.setEnabled(bool(self._result.chosen.get(name)))
        self.own_registration.setEnabled(bool(self._result.registrations.get(name)))
        self._load()

    def _find_transformations(self) -> Sequence[Transformation] | None:
        registrations = (
            self._result.chosen
            if self.chosen_registration.isChecked()
            else self._result.registrations
        )
        return registrations.get(self._selection.stack or "") or None

    def _load(self) -> None:
        name = self._selection.stack
        if name is None or name not in self._result.stacks:
            return
        self._delay.start()
        self._loader.load(
            ImageRequest(
                name, self._result.stacks[name], self._selection.image, self._find_transformations()
            )
        )

    def _show_images(self, loaded: LoadedImages) -> None:
        self.loaded = loaded
        self._stop_waiting()
        self._pages.setCurrentWidget(self.plots)
        self._draw()

    def _show_error(self, sentence: str) -> None:
        self.loaded = None
        self._stop_waiting()
        self.plots.clear()
        self.error.setText(sentence)
        self._pages.setCurrentWidget(self.error)

    def _show_reading(self) -> None:
        self.reading.setText(f"reading image {self._selection.image}…")

    def _stop_waiting(self) -> None:
        self._delay.stop()
        self.reading.clear()

    def _on_mode_changed(self, checked: bool) -> None:
        if checked:
            self._blink_reference = False
            self._run_blinking()
            self._draw()

    def _swap(self) -> None:
        self._blink_reference = not self._blink_reference
        self._draw()

    def _run_blinking(self) -> None:
        if self.mode is Mode.BLINK and self.isVisible():
            self._blink.start()
        else:
            self._blink.stop()

    def _draw(self) -> None:
        mode, loaded = self.mode, self.loaded
        self.explanation.setText(EXPLANATIONS[mode] + _INVALID)
        if loaded is None:
            return
        before, after = make_pictures(loaded, mode, blink_reference=self._blink_reference)
        self.plots.show_pictures(before, after, make_colormap(mode, loaded.limits))
        number = loaded.number
        self.plots.before_title.setText(self._make_title("Before", number, loaded.before))
        self.plots.after_title.setText(self._make_title("After", number, loaded.after))

    def _make_title(self, before_or_after: str, number: int, pair: Pair | None) -> str:
        if pair is None:
            return f"{before_or_after}: there is no registration"
        what = {
            Mode.SIDE_BY_SIDE: f"image {number}",
            Mode.BLINK: "image 0" if self._blink_reference else f"image {number}",
            Mode.DIFFERENCE: f"image {number} minus image 0",
            Mode.OVERLAY: f"image {number} over image 0",
        }[self.mode]
        known = not math.isnan(pair.correlation)
        similarity = f"{pair.correlation:.3f}" if known else "unknown"
        return f"{before_or_after}: {what}\ncorrelation with image 0: {similarity}"

    def showEvent(self, event: qt.QShowEvent) -> None:
        super().showEvent(event)
        self._run_blinking()

    def hideEvent(self, event: qt.QHideEvent) -> None:
        super().hideEvent(event)
        self._blink.stop()
