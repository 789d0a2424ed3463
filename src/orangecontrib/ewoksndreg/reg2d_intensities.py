"""The widget "2D Intensity-Based Registration"."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from ewoksndreg.tasks.reg2d_intensities import Reg2DIntensities

from .controls.fields import Field
from .controls.registering_widget import OWRegisteringWidget
from .controls.task_widget import make_inputs
from .controls.task_widget import make_outputs
from .controls.text_fields import LineField
from .controls.text_values import format_json
from .controls.text_values import read_options

__all__ = ["OWReg2DIntensities"]


class OWReg2DIntensities(  # type: ignore[call-arg]  # ewoksorange has no types
    OWRegisteringWidget, ewokstaskclass=Reg2DIntensities
):
    """Finds the transformations that align the images of each stack, by their intensities."""

    name = "2D Intensity-Based Registration"
    description = "Register the images of each stack by the intensities of their pixels"
    icon = "icons/reg2d_intensities.svg"
    keywords = ("registration", "alignment", "correlation", "intensity")
    priority = 4

    explanation = "Registers the images of each stack by the intensities of their pixels."
    initial_inputs: ClassVar = {"transformation_type": "translation"}

    Inputs = make_inputs(Reg2DIntensities, "image_stacks")
    Outputs = make_outputs(Reg2DIntensities, "image_stacks")

    def _make_method_fields(self) -> Iterable[Field]:
        return (
            LineField(
                "preprocessing_options",
                "Preprocessing",
                "Filters for the images before they are registered, as JSON: apply_filter"
                " (gaussian, median, sobel, sato or meijering), filter_parameter, apply_low_pass"
                " and apply_high_pass (px). Empty: none.",
                '{"apply_filter": "median", "apply_high_pass": 10}',
                read=read_options,
                write=format_json,
            ),
        )
