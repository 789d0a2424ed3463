"""The widget "2D Transformation"."""

from __future__ import annotations

from collections.abc import Iterable

from ewoksndreg.tasks.reg2d_transform import Reg2DTransform

from .controls.fields import CheckField
from .controls.fields import ChoiceField
from .controls.fields import Field
from .controls.stack_fields import make_output_field
from .controls.stack_fields import make_stacks_field
from .controls.stack_fields import make_transformations_field
from .controls.status_widget import OWStatusWidget
from .controls.task_widget import make_input
from .controls.task_widget import make_output
from .controls.text_values import summarize

__all__ = ["OWReg2DTransform"]


class OWReg2DTransform(  # type: ignore[call-arg]  # ewoksorange has no types
    OWStatusWidget, ewokstaskclass=Reg2DTransform
):
    """Aligns the images of each stack with its registration, and saves them."""

    name = "2D Transformation"
    description = "Align the images of each stack with its registration, and save them"
    icon = "icons/reg2d_transform.svg"
    keywords = ("registration", "alignment", "warp", "crop", "save")
    priority = 12

    explanation = "Aligns the images of each stack with its transformations."

    class Inputs:
        image_stacks = make_input("image_stacks", default=True)
        transformations = make_input("transformations")
        output_root_uri = make_input("output_root_uri", explicit=True)
        image_stacks_nxmetadata = make_input("image_stacks_nxmetadata", explicit=True)
        crop = make_input("crop", explicit=True)
        interpolation_order = make_input("interpolation_order", explicit=True)
        output_configuration = make_input("output_configuration", explicit=True)

    class Outputs:
        image_stacks = make_output("image_stacks", dict, default=True)
        output_configuration = make_output("output_configuration", dict)

    def _make_fields(self) -> Iterable[Field]:
        return (
            make_stacks_field(),
            make_transformations_field(),
            CheckField(
                "crop",
                "Crop to what all images show",
                "All stacks are cut to the largest rectangle that is visible in all images.",
            ),
            ChoiceField(
                "interpolation_order",
                "Interpolation",
                "What is between pixels: an order of the spline above 1 is smoother, but spreads"
                " noise and missing pixels.",
                {
                    0: "0 (nearest pixel)",
                    1: "1 (linear)",
                    2: "2",
                    3: "3 (cubic)",
                    4: "4",
                    5: "5",
                },
            ),
            make_output_field(
                "The group of an HDF5 file. Nothing is ever overwritten. Empty: the aligned stacks"
                " stay in memory."
            ),
        )

    def _show_result(self, task: Reg2DTransform) -> None:
        stacks = task.get_output_values()["image_stacks"]
        saved = task.get_input_value("output_root_uri", None)
        where = "saved" if saved else "in memory"
        self._show_status(f"{len(stacks)} aligned stacks, {where}:\n{summarize(stacks)}")
