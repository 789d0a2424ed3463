"""Compare stacks before and after the alignment."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import contextmanager
from typing import Any

import numpy
from silx.gui import qt
from silx.gui.plot.CompareImages import CompareImages
from silx.gui.plot.tools.compare.core import VisualizationMode
from silx.gui.widgets.FrameBrowser import HorizontalSliderWithBrowser

from ewoksndreg.io import find_sources
from ewoksndreg.io import open_stacks

from .fields import make_note
from .text_values import elide

_LONGEST_NAME = 40  # characters


class CompareView(qt.QWidget):
    """An image of a stack over image 0: as measured on the left, aligned on the right."""

    def __init__(self) -> None:
        super().__init__()
        self._sources: tuple[dict[str, Any], dict[str, Any]] = ({}, {})
        self.message = make_note()
        self.choice = qt.QComboBox()
        self.choice.setSizeAdjustPolicy(qt.QComboBox.AdjustToContents)
        self.slider = HorizontalSliderWithBrowser()
        self.before = CompareImages()
        self.after = CompareImages()
        plots = qt.QGridLayout()
        for column, (title, plot) in enumerate(
            (("As measured", self.before), ("Aligned", self.after))
        ):
            plot.setVisualizationMode(VisualizationMode.COMPOSITE_RED_BLUE_GRAY)
            picture, base = plot.getPlot(), self.palette().color(qt.QPalette.Base)
            picture.setYAxisInverted(True)
            # silx draws the ends of the ticks even without axes, and colors them only with axes.
            picture.setAxesDisplayed(True)
            picture.setBackgroundColor(base)
            picture.setForegroundColor(base)
            picture.setAxesDisplayed(False)
            plots.addWidget(qt.QLabel(title), 0, column, qt.Qt.AlignHCenter)
            plots.addWidget(plot, 1, column)
        top = qt.QHBoxLayout()
        top.addWidget(self.message, 1)
        top.addWidget(qt.QLabel("Stack"))
        top.addWidget(self.choice)
        explanation = qt.QLabel(
            "Image 0 is red, the other image is blue: where they agree, there are no colored edges."
        )
        explanation.setWordWrap(True)
        layout = qt.QVBoxLayout(self)
        layout.addLayout(top)
        layout.addLayout(plots, 1)
        layout.addWidget(explanation)
        layout.addWidget(self.slider)
        self.choice.currentIndexChanged.connect(self._start)
        self.slider.valueChanged.connect(self._draw)

    def show_stacks(self, before: Any, after: Any) -> None:
        """
        :param before: stacks in any form that :func:`ewoksndreg.io.open_stacks` takes.
        :param after: the same stacks, aligned.
        """
        self._sources = (find_sources(before), find_sources(after))
        with qt.QSignalBlocker(self.choice):
            self.choice.clear()
            for name in self._sources[1]:
                self.choice.addItem(elide(name, _LONGEST_NAME), name)
        self._start()

    def _start(self) -> None:
        last = 0
        with self._open(self._sources[1]) as stacks:
            for stack in stacks.values():
                last = len(stack) - 1
        self.slider.setRange(0, last)
        self.slider.limitWidget().setText(f" of {last} ")
        self.slider.setValue(last)  # it has usually moved furthest
        self._draw()

    def _draw(self) -> None:
        for plot, sources in zip((self.before, self.after), self._sources, strict=True):
            images = []
            with self._open(sources) as stacks:
                for stack in stacks.values():
                    images = [_make_visible(stack[n]) for n in (0, self.slider.value())]
            if images:
                plot.setData(*images)
            else:
                plot.clear()

    @contextmanager
    def _open(self, sources: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Open the chosen stack, if there is one. Its file is open only briefly, so that others can
        write to it."""
        name = self.choice.currentData()
        self.message.clear()
        try:
            with open_stacks({name: sources[name]} if name in sources else {}) as stacks:
                yield stacks
        except (OSError, ValueError) as error:
            self.message.setText(str(error))


def _make_visible(image: Any) -> Any:
    """Give pixels without a value the lowest value."""
    pixels = numpy.asarray(image, dtype=numpy.float32)
    finite = numpy.isfinite(pixels)
    least = pixels[finite].min() if finite.any() else 0
    return numpy.where(finite, pixels, least)
