"""Make the pictures of the Orange widget: ``python doc/screenshots.py``.

Needs ``pip install ".[orange]"``. Nothing appears on a screen.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

# Before Qt starts; what Orange remembers of the user's windows is not for pictures.
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp()

from orangecanvas.styles import breeze_dark
from silx.gui import qt

from ewoksndreg.demo.samples import make_sample
from ewoksndreg.tasks.reg2d_intensities import Reg2DIntensities
from orangecontrib.ewoksndreg.reg2d_posteval import OWReg2DPostEvaluation

IMAGES = Path(__file__).parent / "images"
SIZE = (1100, 750)

_SETTLED = 1.5  # s in which images are read and plots are drawn


def main() -> None:
    """Write `orange_*.png` into the folder of the pictures."""
    application = qt.QApplication([])
    application.setStyle("Fusion")
    stacks = make_sample("coins", step=2.5).stacks
    registering = Reg2DIntensities(
        inputs={"image_stacks": stacks, "transformation_type": "translation"}
    )
    registering.execute()
    values = {
        "image_stacks": stacks,
        "transformations": registering.get_output_value("transformations"),
    }
    without_a_registration = {
        **values,
        "transformations": {
            name: found for name, found in values["transformations"].items() if name != "Fe-K"
        },
    }
    _picture(application, "ranking", values, _tab("Ranking"))
    _picture(application, "images", values, _tab("Images"))
    _picture(application, "per_image", values, _tab("Per image"))
    _picture(application, "motion", values, _tab("Motion"))
    _picture(application, "error", without_a_registration)
    application.setPalette(breeze_dark())  # the dark theme of the canvas
    _picture(application, "dark", values, _tab("Images"))


def _picture(
    application: qt.QApplication,
    name: str,
    inputs: dict[str, Any],
    prepare: Callable[[OWReg2DPostEvaluation], None] | None = None,
) -> None:
    widget = OWReg2DPostEvaluation()
    widget.resize(*SIZE)
    widget.show()
    for input_name, value in inputs.items():
        widget.set_dynamic_input(input_name, value)
    widget.handleNewSignals()
    while widget.task_executor.isRunning():
        application.processEvents()
    if prepare is not None:
        application.processEvents()
        prepare(widget)
    end = time.monotonic() + _SETTLED
    while time.monotonic() < end:
        application.processEvents()
    widget.grab().save(str(IMAGES / f"orange_{name}.png"))
    widget.onDeleteWidget()
    widget.close()


def _tab(title: str) -> Callable[[OWReg2DPostEvaluation], None]:
    def show(widget: OWReg2DPostEvaluation) -> None:
        tabs = widget.view.tabs
        titles = [tabs.tabText(n) for n in range(tabs.count())]
        tabs.setCurrentIndex(titles.index(title))

    return show


if __name__ == "__main__":
    main()
