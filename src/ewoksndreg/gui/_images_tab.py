"""The selected image, as measured and aligned with any registration."""

from __future__ import annotations

import math
from dataclasses import replace

from silx.gui import qt
from silx.gui.colors import Colormap
from silx.gui.plot.ColorBar import ColorBarWidget

from ._before_after import BeforeAfter
from ._colors import INVALID
from ._image_loader import ImageLoader
from ._image_modes import EXPLANATIONS
from ._image_modes import Display
from ._image_modes import Mode
from ._image_modes import find_limits
from ._image_modes import make_picture
from ._image_reader import ImageRequest
from ._image_reader import LoadedImages
from ._labels import make_heading
from ._labels import make_label
from ._result import RunResult
from ._selection import Selection

_BLINK_INTERVAL = 600  # ms
_READING_DELAY = 150  # ms, after which the tab says that an image is being read
_PANEL_WIDTH = 130  # px

_AS_MEASURED = "as measured"
_INVALID = f'<br><span style="color: rgb{INVALID}">■</span> invalid, or outside the image'


class ImagesTab(qt.QWidget):
    """The selected image of the selected stack over its reference image: picture A as measured or
    aligned with any registration, picture B aligned with the selected one.

    :param selection: another registration of picture B is selected in all tabs.
    :param loader: reads the images.
    """

    def __init__(
        self, selection: Selection, loader: ImageLoader, parent: qt.QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._selection = selection
        self._loader = loader
        self._result = RunResult({}, {})
        self.loaded: LoadedImages | None = None
        """The displayed images; None before they are read or where that failed."""
        self._display = Display()
        self._shown_limits: dict[str, tuple[float, float]] = {}
        self._gray = Colormap("gray")
        # K. Moreland, Diverging Color Maps for Scientific Visualization (2009)
        self._diverging = Colormap("coolwarm")
        for colormap in (self._gray, self._diverging):
            colormap.setNaNColor((*(channel / 255 for channel in INVALID), 1.0))

        self.plots = BeforeAfter(self)
        self.side_a, self.side_b = self.plots.sides
        self.mode_buttons = {mode: qt.QRadioButton(mode.value, self) for mode in Mode}
        self.side_buttons = [
            qt.QRadioButton(text, self) for text in ("B&oth", "&Just A", "J&ust B")
        ]
        self.own_scale = qt.QCheckBox("&Each on its\nown scale", self)
        self.own_scale.setToolTip(
            "For images whose brightness differs, as across an absorption edge"
        )
        self.amplified = qt.QCheckBox("Difference ×&4", self)  # noqa: RUF001
        self.color_bar = ColorBarWidget(self, plot=self.side_a.plot)
        self.color_bar.getColorScaleBar().setMinimumHeight(60)
        self.correlations = (make_label(self), make_label(self))
        self.explanation = make_label(self)
        self.explanation.setTextFormat(qt.Qt.RichText)
        self.values = make_label(self)
        self.values.setWordWrap(False)
        self.error = make_heading(self)

        self._blink = qt.QTimer(self)
        self._blink.setInterval(_BLINK_INTERVAL)
        self._blink.timeout.connect(self._swap)
        self._delay = qt.QTimer(self)
        self._delay.setInterval(_READING_DELAY)
        self._delay.setSingleShot(True)
        self._delay.timeout.connect(self._show_reading)
        self._arrange()

        for button in (*self.mode_buttons.values(), self.own_scale, self.amplified):
            button.toggled.connect(self._on_display_changed)
            button.setFocusPolicy(qt.Qt.TabFocus)  # after a click, space still blinks
        for button in self.side_buttons:
            button.toggled.connect(self._show_sides)
            button.setFocusPolicy(qt.Qt.TabFocus)
        self.side_a.choice.activated.connect(self._load)
        self.side_b.choice.activated.connect(self._select_registration)
        self.plots.sigSwiped.connect(self._on_swiped)
        self.plots.sigHovered.connect(self._show_values)
        selection.sigStackChanged.connect(self._on_stack_changed)
        selection.sigImageChanged.connect(self._load)
        selection.sigRegistrationChanged.connect(self._on_registration_changed)
        loader.sigLoaded.connect(self._show_images)
        loader.sigFailed.connect(self._show_error)
        self._on_display_changed()

    def show_result(self, result: RunResult) -> None:
        """Start over; images appear as soon as a stack is selected."""
        self._result = result
        self.loaded = None
        self.plots.clear()

    def update_choice(self, result: RunResult) -> None:
        """Another registration was chosen for all stacks."""
        self._result = result
        self._fill_choices()

    def forget_stacks(self) -> None:
        """Read no more images; the displayed picture stays."""
        self._result = RunResult({}, {})
        self._delay.stop()

    def toggle_blinking(self) -> None:
        """Blink, or, if it blinks, show red and blue."""
        mode = Mode.OVERLAY if self._display.mode is Mode.BLINK else Mode.BLINK
        self.mode_buttons[mode].setChecked(True)

    def _arrange(self) -> None:
        panel = qt.QWidget(self)
        panel.setFixedWidth(_PANEL_WIDTH)
        column = qt.QVBoxLayout(panel)
        column.setContentsMargins(6, 0, 0, 0)
        column.setSpacing(3)
        modes, sides = qt.QButtonGroup(self), qt.QButtonGroup(self)
        column.addWidget(qt.QLabel("<b>Compare</b>", self))
        for button in self.mode_buttons.values():
            modes.addButton(button)
            column.addWidget(button)
        column.addWidget(self.own_scale)
        column.addWidget(self.amplified)
        column.addSpacing(6)
        column.addWidget(qt.QLabel("<b>Show</b>", self))
        for button in self.side_buttons:
            sides.addButton(button)
            column.addWidget(button)
        column.addSpacing(6)
        column.addWidget(qt.QLabel("<b>Correlation</b>", self))
        for label in self.correlations:
            column.addWidget(label)
        column.addSpacing(6)
        column.addWidget(self.color_bar, 1)
        column.addStretch()
        column.addWidget(self.explanation)
        self.mode_buttons[Mode.OVERLAY].setChecked(True)
        self.side_buttons[0].setChecked(True)
        self._pages = qt.QStackedWidget(self)
        self._pages.addWidget(self.plots)
        self._pages.addWidget(self.error)
        pictures = qt.QVBoxLayout()
        pictures.setSpacing(2)
        pictures.addWidget(self._pages, 1)
        pictures.addWidget(self.values)
        layout = qt.QHBoxLayout(self)
        layout.setContentsMargins(4, 4, 4, 2)
        layout.setSpacing(0)
        layout.addLayout(pictures, 1)
        layout.addWidget(panel)

    def _on_stack_changed(self, name: str) -> None:
        self._fill_choices()
        self._load()

    def _fill_choices(self) -> None:
        """The registrations that fit the selected stack; what was chosen stays where it fits."""
        stack, best = self._selection.stack, self._result.best
        if stack is None:
            return
        before = self.side_a.choice.currentData()
        names = self._result.find_fitting(stack)
        self.side_a.choice.clear()
        self.side_a.choice.addItem(_AS_MEASURED, None)
        self.side_b.choice.clear()
        for name in names:
            label = f"★ {name}" if name == best else name
            if name == self._result.find_applied(stack):
                label = f"✓ {label}"
            self.side_a.choice.addItem(label, name)
            self.side_b.choice.addItem(label, name)
        self.side_b.choice.setEnabled(bool(names))
        self.side_a.choice.setCurrentIndex(max(0, self.side_a.choice.findData(before)))
        self._show_registration(self._selection.registration)

    def _show_registration(self, name: str | None) -> None:
        index = self.side_b.choice.findData(name)
        if index < 0 and self._selection.stack is not None:
            index = self.side_b.choice.findData(self._result.find_applied(self._selection.stack))
        self.side_b.choice.setCurrentIndex(max(0, index))

    def _on_registration_changed(self, name: str) -> None:
        self._show_registration(name)
        self._load()

    def _select_registration(self) -> None:
        name = self.side_b.choice.currentData()
        if name == self._selection.registration:
            self._load()
        else:
            self._selection.select_registration(name)

    def _load(self) -> None:
        name, result = self._selection.stack, self._result
        if name is None or name not in result.stack_names:
            return
        if name not in result.stacks:
            self._show_error(
                result.unreadable or f"There is no file with the images of stack {name!r}."
            )
            return
        shown = result.shown
        a, b = (shown.get(side.choice.currentData()) for side in self.plots.sides)
        self._delay.start()
        reference = min(result.reference_image, len(result.stacks[name]) - 1)
        self._loader.load(
            ImageRequest(name, result.stacks[name], self._selection.image, reference, (a, b))
        )

    def _show_images(self, loaded: LoadedImages) -> None:
        self.loaded = loaded
        self._delay.stop()
        self.values.clear()
        self._pages.setCurrentWidget(self.plots)
        self._draw()

    def _show_error(self, sentence: str) -> None:
        self.loaded = None
        self._delay.stop()
        self.values.clear()
        self.plots.clear()
        self.error.setText(sentence)
        self._pages.setCurrentWidget(self.error)

    def _show_reading(self) -> None:
        self.values.setText(f"reading image {self._selection.image}…")

    def _on_display_changed(self) -> None:
        mode = next(mode for mode, button in self.mode_buttons.items() if button.isChecked())
        self._display = replace(
            self._display,
            mode=mode,
            own_scale=self.own_scale.isChecked() and mode is not Mode.IMAGE,
            amplified=self.amplified.isChecked(),
            blink_reference=False,
        )
        self.own_scale.setEnabled(mode is not Mode.IMAGE)
        self.amplified.setEnabled(mode is Mode.DIFFERENCE)
        self.color_bar.setVisible(mode is not Mode.OVERLAY)
        for side in self.plots.sides:
            side.tools.colormap.setEnabled(mode is not Mode.OVERLAY)
        self.explanation.setText(EXPLANATIONS[mode] + _INVALID)
        self._run_blinking()
        self._draw()

    def _show_sides(self) -> None:
        _, only_a, only_b = self.side_buttons
        self.side_a.setHidden(only_b.isChecked())
        self.side_b.setHidden(only_a.isChecked())

    def _on_swiped(self, fraction: float) -> None:
        fraction = min(max(fraction, 0), 1)
        if fraction != self._display.swipe:
            self._display = replace(self._display, swipe=fraction)
            self._draw()

    def _swap(self) -> None:
        self._display = replace(self._display, blink_reference=not self._display.blink_reference)
        self._draw()

    def _run_blinking(self) -> None:
        if self._display.mode is Mode.BLINK and self.isVisible():
            self._blink.start()
        else:
            self._blink.stop()

    def _draw(self) -> None:
        loaded, display = self.loaded, self._display
        if loaded is None:
            return
        colormap = self._diverging if display.mode is Mode.DIFFERENCE else self._gray
        limits = find_limits(loaded, display)
        kind = "difference" if colormap is self._diverging else "image"
        if self._shown_limits.get(kind) != limits:  # else those that the user has set
            self._shown_limits[kind] = limits
            colormap.setVRange(*limits)
        self.plots.show_pictures(
            [make_picture(pair, loaded, display) for pair in loaded.pairs], colormap
        )
        self.plots.show_swipe(display.swipe if display.mode is Mode.SWIPE else None)
        for name, label, pair in zip("AB", self.correlations, loaded.pairs, strict=True):
            known = not math.isnan(pair.correlation)
            correlation = f"{pair.correlation:.3f}" if known else "unknown"
            label.setText(f"{name}: r = {correlation}")
            label.setToolTip(
                f"Correlation of image {loaded.number} with the reference image, image"
                f" {loaded.reference}"
            )

    def _show_values(self, row: int, column: int) -> None:
        if self.loaded is None:
            return
        height, width = self.loaded.pairs[0].image.shape
        if not (0 <= row < height and 0 <= column < width):
            self.values.clear()
            return
        parts = [f"row {row}, column {column}"]
        for name, pair in zip("AB", self.loaded.pairs, strict=True):
            image, reference = (
                "invalid" if math.isnan(pixels[row, column]) else f"{pixels[row, column]:.6g}"
                for pixels in (pair.image, pair.reference)
            )
            parts.append(f"{name}: image {image}, reference {reference}")
        self.values.setText("   |   ".join(parts))

    def showEvent(self, event: qt.QShowEvent) -> None:
        super().showEvent(event)
        self._run_blinking()

    def hideEvent(self, event: qt.QHideEvent) -> None:
        super().hideEvent(event)
        self._blink.stop()
