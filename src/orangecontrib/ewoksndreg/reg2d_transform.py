"""The widget "2D Transformation"."""

from __future__ import annotations

from collections.abc import Iterable

from silx.gui import qt

from ewoksndreg.tasks.reg2d_transform import Reg2DTransform

from .controls.compare_view import CompareView
from .controls.fields import CheckField
from .controls.fields import ChoiceField
from .controls.fields import Field
from .controls.hdf5_datasets import describe_stacks
from .controls.stack_fields import OutputField
from .controls.stack_fields import make_convention_field
from .controls.stack_fields import make_registrations_field
from .controls.stack_fields import make_stacks_field
from .controls.status_widget import OWStatusWidget
from .controls.task_widget import make_inputs
from .controls.task_widget import make_outputs

__all__ = ["OWReg2DTransform"]

_ORDERS = {0: "0 (nearest pixel)", 1: "1 (linear)", 2: "2", 3: "3 (cubic)", 4: "4", 5: "5"}


class OWReg2DTransform(  # type: ignore[call-arg]  # ewoksorange has no types
    OWStatusWidget, ewokstaskclass=Reg2DTransform
):
    """Aligns the images of each stack with its registration, and saves them."""

    name = "2D Transformation"
    description = "Align the images of each stack with its registration, and save them"
    icon = "icons/reg2d_transform.svg"
    keywords = ("registration", "alignment", "warp", "crop", "save")
    priority = 12
    want_main_area = True

    explanation = "Aligns the images of each stack with its registration."

    Inputs = make_inputs(Reg2DTransform, "image_stacks", ["transformations"])
    Outputs = make_outputs(Reg2DTransform, "image_stacks")

    def __init__(self) -> None:
        super().__init__()
        self.view = CompareView()
        self.mainArea.layout().addWidget(self.view)

    def sizeHint(self) -> qt.QSize:
        """Wide enough for two images side by side."""
        return qt.QSize(1100, 750)

    def _make_fields(self) -> Iterable[Field]:
        return (
            make_stacks_field(),
            make_registrations_field(),
            make_convention_field(),
            CheckField(
                "crop",
                "Crop to what all images show",
                "All stacks are cut to the largest rectangle that is visible in all images.",
            ),
            ChoiceField(
                "interpolation_order",
                "Interpolation",
                "What is between pixels: an order of the spline above 1 is smoother, but spreads"
                " noise and invalid pixels.",
                _ORDERS,
            ),
            OutputField(
                "The group of an HDF5 file. Nothing is ever overwritten. Empty: the aligned stacks"
                " stay in memory."
            ),
        )

    def _show_result(self, task: Reg2DTransform) -> None:
        stacks = task.get_output_values()["image_stacks"]
        saved = task.get_input_value("output_root_uri", None)
        where = f"saved in {saved}" if saved else "in memory"
        self._show_rows(f"{len(stacks)} aligned stacks, {where}:", describe_stacks(stacks))
        self.view.show_stacks(task.get_input_value("image_stacks"), stacks)
