"""The widget "2D Feature-Based Registration"."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from ewoksndreg.tasks.reg2d_features import Reg2DFeatures

from .controls.fields import ChoiceField
from .controls.fields import Field
from .controls.registering_widget import OWRegisteringWidget
from .controls.task_widget import make_input
from .controls.task_widget import make_output

__all__ = ["OWReg2DFeatures"]


class OWReg2DFeatures(  # type: ignore[call-arg]  # ewoksorange has no types
    OWRegisteringWidget, ewokstaskclass=Reg2DFeatures
):
    """Finds the transformations that align the images of each stack, by points that look the
    same."""

    name = "2D Feature-Based Registration"
    description = "Register the images of each stack by points that look the same"
    icon = "icons/reg2d_features.svg"
    keywords = ("registration", "alignment", "features", "SIFT", "ORB")
    priority = 5

    explanation = "Registers the images of each stack by points that look the same."
    initial_inputs: ClassVar = {
        "transformation_type": "translation",
        "detector": "Sift-SciKitImage",
    }

    class Inputs:
        image_stacks = make_input("image_stacks", default=True)
        detector = make_input("detector", explicit=True)
        matcher = make_input("matcher", explicit=True)
        mapper = make_input("mapper", explicit=True)
        transformation_type = make_input("transformation_type", explicit=True)
        reference_image = make_input("reference_image", explicit=True)
        reference_stack = make_input("reference_stack", explicit=True)
        mask = make_input("mask", explicit=True)
        output_configuration = make_input("output_configuration", explicit=True)
        max_workers = make_input("max_workers", explicit=True)

    class Outputs:
        image_stacks = make_output("image_stacks", object, default=True)
        transformations = make_output("transformations", dict)
        reference_stack = make_output("reference_stack", str)
        output_configuration = make_output("output_configuration", dict)
        correlations = make_output("correlations", dict)
        failed_images = make_output("failed_images", dict)
        features = make_output("features", dict)
        matches = make_output("matches", dict)

    def _make_method_fields(self) -> Iterable[Field]:
        return (
            ChoiceField(
                "detector",
                "Detector",
                "What finds points in the images. ORB is faster, SIFT finds more. Both SIFT"
                " detectors are that of scikit-image.",
                {
                    "Sift-SciKitImage": "SIFT",
                    "Orb-SciKitImage": "ORB",
                    "Sift-Silx": "SIFT (Sift-Silx)",
                },
            ),
        )
