"""Are the images really on top of each other now?"""

from __future__ import annotations

import math
from collections.abc import Sequence

from silx.gui import qt

from ..transformation import Transformation
from ._before_after import BeforeAfter
from ._image_loader import ImageLoader
from ._image_modes import EXPLANATIONS
from ._image_modes import Mode
from ._image_modes import colormap
from ._image_modes import pictures
from ._image_reader import ImageRequest
from ._image_reader import LoadedImages
from ._image_reader import Pair
from ._image_slider import ImageSlider
from ._labels import heading
from ._labels import on_button
from ._labels import text_label
from ._pictures import MISSING_COLOR
from ._result import ShownResult
from ._selection import Selection

_BLINK_INTERVAL = 600  # ms
_A_MOMENT = 150  # ms, after which the user is told that an image is being read

_BUTTON_WIDTH = 86  # px, of all modes
_CHECKED = (
    "QPushButton:checked {background: palette(highlight); color: palette(highlighted-text);"
    " border: 1px solid palette(highlight); border-radius: 3px; padding: 4px 2px}"
)

_MISSING = (
    f'&nbsp;&nbsp;<span style="color: rgb{MISSING_COLOR}">■</span> missing, or outside the image'
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
        self._shown = ShownResult({}, {}, {})
        self.loaded: LoadedImages | None = None
        """What is shown now; None where nothing could be read yet."""
        self._blink_first = False

        self.plots = BeforeAfter(self)
        self.slider = ImageSlider(selection, self)
        self.chosen_registration = qt.QRadioButton(self)
        self.own_registration = qt.QRadioButton(self)
        self.chosen_registration.setChecked(True)
        self.mode_buttons = {mode: self._mode_button(mode) for mode in Mode}
        self.explanation = text_label(self)
        self.explanation.setTextFormat(qt.Qt.RichText)
        self.error = heading(self)
        self.reading = qt.QLabel(self)

        self._blink = qt.QTimer(self)
        self._blink.setInterval(_BLINK_INTERVAL)
        self._blink.timeout.connect(self._swap)
        self._patience = qt.QTimer(self)
        self._patience.setInterval(_A_MOMENT)
        self._patience.setSingleShot(True)
        self._patience.timeout.connect(self._say_reading)
        self._arrange()

        self.chosen_registration.toggled.connect(self._load)
        for button in self.mode_buttons.values():
            button.toggled.connect(self._mode_changed)
        selection.sigStackChanged.connect(self._stack_changed)
        selection.sigImageChanged.connect(self._load)
        loader.sigLoaded.connect(self._show_images)
        loader.sigFailed.connect(self._show_error)

    @property
    def mode(self) -> Mode:
        """How the images are compared."""
        return next(mode for mode, button in self.mode_buttons.items() if button.isChecked())

    def show_result(self, shown: ShownResult) -> None:
        """Start over; images are shown as soon as a stack is selected."""
        self._shown = shown
        self.loaded = None
        self.plots.clear()
        if shown.unreadable is not None:
            self._show_error(shown.unreadable)

    def forget_stacks(self) -> None:
        """Read no more images; the picture that is shown stays."""
        self._shown = ShownResult({}, {}, {})
        self._stop_waiting()

    def _mode_button(self, mode: Mode) -> qt.QPushButton:
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
        whole = qt.QPushButton("Whole image", self)
        whole.setToolTip("Undo zooming (drag over a part of an image to zoom in)")
        whole.clicked.connect(self.plots.show_whole_image)
        compare = qt.QHBoxLayout()
        modes = qt.QButtonGroup(self)
        compare.addWidget(qt.QLabel("Compare", self))
        for button in self.mode_buttons.values():
            modes.addButton(button)
            compare.addWidget(button)
        compare.addStretch(1)
        compare.addWidget(whole)
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

    def _stack_changed(self, name: str) -> None:
        reference = self._shown.reference_stack
        self.chosen_registration.setText(
            "the registration that is passed on"
            if reference is None
            else f"the chosen registration ({on_button(reference)})"
        )
        self.own_registration.setText(f"its own registration ({on_button(name)})")
        self.chosen_registration.setEnabled(bool(self._shown.chosen.get(name)))
        self.own_registration.setEnabled(bool(self._shown.registrations.get(name)))
        self._load()

    def _transformations(self) -> Sequence[Transformation] | None:
        registrations = (
            self._shown.chosen
            if self.chosen_registration.isChecked()
            else self._shown.registrations
        )
        return registrations.get(self._selection.stack or "") or None

    def _load(self) -> None:
        name = self._selection.stack
        if name is None or name not in self._shown.stacks:
            return
        self._patience.start()
        self._loader.load(
            ImageRequest(
                name, self._shown.stacks[name], self._selection.image, self._transformations()
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

    def _say_reading(self) -> None:
        self.reading.setText(f"reading image {self._selection.image}…")

    def _stop_waiting(self) -> None:
        self._patience.stop()
        self.reading.clear()

    def _mode_changed(self, checked: bool) -> None:
        if checked:
            self._blink_first = False
            self._run_blinking()
            self._draw()

    def _swap(self) -> None:
        self._blink_first = not self._blink_first
        self._draw()

    def _run_blinking(self) -> None:
        if self.mode is Mode.BLINK and self.isVisible():
            self._blink.start()
        else:
            self._blink.stop()

    def _draw(self) -> None:
        mode, loaded = self.mode, self.loaded
        self.explanation.setText(EXPLANATIONS[mode] + _MISSING)
        if loaded is None:
            return
        before, after = pictures(loaded, mode, blink_first=self._blink_first)
        self.plots.show_pictures(before, after, colormap(mode, loaded.limits))
        number = loaded.number
        self.plots.before_title.setText(self._title("Before", number, loaded.before))
        self.plots.after_title.setText(self._title("After", number, loaded.after))

    def _title(self, when: str, number: int, pair: Pair | None) -> str:
        if pair is None:
            return f"{when}: there is no registration"
        what = {
            Mode.SIDE_BY_SIDE: f"image {number}",
            Mode.BLINK: "image 0" if self._blink_first else f"image {number}",
            Mode.DIFFERENCE: f"image {number} minus image 0",
            Mode.OVERLAY: f"image {number} over image 0",
        }[self.mode]
        known = not math.isnan(pair.correlation)
        similarity = f"{pair.correlation:.3f}" if known else "unknown"
        return f"{when}: {what}\ncorrelation with image 0: {similarity}"

    def showEvent(self, event: qt.QShowEvent) -> None:
        super().showEvent(event)
        self._run_blinking()

    def hideEvent(self, event: qt.QHideEvent) -> None:
        super().hideEvent(event)
        self._blink.stop()
