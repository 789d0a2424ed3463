"""Make the pictures of the canvas and its widgets: ``python doc/screenshots.py``.

Needs ``pip install ".[orange]"``. Nothing appears on a screen.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from contextlib import chdir
from importlib.resources import files
from pathlib import Path
from typing import Any

# Before Qt starts; what Orange remembers of the user's windows is not for pictures.
os.environ["QT_QPA_PLATFORM"] = "offscreen"
os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp()

import h5py
from ewoksorange.gui.canvas.handler import OrangeCanvasHandler
from orangecanvas.styles import breeze_dark
from silx.gui import qt

from ewoksndreg.demo.samples import make_sample
from ewoksndreg.tasks.reg2d_intensities import Reg2DIntensities
from orangecontrib.ewoksndreg import tutorials
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
    _canvas_pictures(application)
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
    _settle(application)
    widget.grab().save(str(IMAGES / f"orange_{name}.png"))
    widget.onDeleteWidget()
    widget.close()


def _canvas_pictures(application: qt.QApplication) -> None:
    """The workflow from a file to an aligned file, for the tutorial."""
    sample = make_sample("coins", images=6, size=128, step=3, seed=1)
    with ExitStack() as context:
        folder = context.enter_context(tempfile.TemporaryDirectory())
        context.enter_context(chdir(folder))
        with h5py.File("maps.h5", "w") as file:
            maps = file.create_group("entry/maps")
            for name in ("Ca-K", "Fe-K", "S-K", "Ar-K"):
                maps[name] = sample.stacks[name]
            maps.attrs["NX_class"] = "NXdata"
            maps.attrs["signal"] = "Ca-K"
        canvas = context.enter_context(OrangeCanvasHandler())
        canvas.load_ows(str(files(tutorials) / "align_a_file.ows"))
        (select,) = canvas.widgets_from_name("NXdata stacks")
        select.update_default_inputs(
            input_root_uri="maps.h5::/entry", output_root_uri="aligned.h5::/entry/aligned"
        )
        canvas.start_workflow()
        canvas.wait_widgets(timeout=60)
        canvas.canvas.resize(1130, 500)
        canvas.canvas.show()
        _settle(application)
        canvas.canvas.grab().save(str(IMAGES / "canvas_workflow.png"))
        (evaluation,) = canvas.widgets_from_name("Post-Registration Evaluation")
        for widget, size, name in (
            (select, (700, 360), "select"),
            (evaluation, SIZE, "evaluation"),
        ):
            widget.resize(*size)
            widget.show()
            _settle(application)
            widget.grab().save(str(IMAGES / f"canvas_{name}.png"))
            widget.hide()
        canvas.scheme.ewoks_finalize()


def _settle(application: qt.QApplication) -> None:
    end = time.monotonic() + _SETTLED
    while time.monotonic() < end:
        application.processEvents()


def _tab(title: str) -> Callable[[OWReg2DPostEvaluation], None]:
    def show(widget: OWReg2DPostEvaluation) -> None:
        tabs = widget.view.tabs
        titles = [tabs.tabText(n).replace("&", "") for n in range(tabs.count())]
        tabs.setCurrentIndex(titles.index(title))

    return show


if __name__ == "__main__":
    main()
