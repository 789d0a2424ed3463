"""The widget "2D Intensity-Based Registration"."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from ewoksndreg.tasks.reg2d_intensities import Reg2DIntensities

from .controls.fields import Field
from .controls.registering_widget import OWRegisteringWidget
from .controls.task_widget import make_input
from .controls.task_widget import make_output
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

    class Inputs:
        image_stacks = make_input("image_stacks", default=True)
        mapper = make_input("mapper", explicit=True)
        transformation_type = make_input("transformation_type", explicit=True)
        reference_image = make_input("reference_image", explicit=True)
        reference_stack = make_input("reference_stack", explicit=True)
        block_size = make_input("block_size", explicit=True)
        mask = make_input("mask", explicit=True)
        preprocessing_options = make_input("preprocessing_options", explicit=True)
        mapper_options = make_input("mapper_options", explicit=True)
        output_configuration = make_input("output_configuration", explicit=True)
        max_workers = make_input("max_workers", explicit=True)

    class Outputs:
        image_stacks = make_output("image_stacks", object, default=True)
        transformations = make_output("transformations", dict)
        reference_stack = make_output("reference_stack", str)
        output_configuration = make_output("output_configuration", dict)
        correlations = make_output("correlations", dict)
        failed_images = make_output("failed_images", dict)

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
                summarize=str,
            ),
        )
