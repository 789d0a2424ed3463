"""The widget "2D Feature-Based Registration"."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from ewoksndreg.tasks.reg2d_features import Reg2DFeatures

from .controls.fields import ChoiceField
from .controls.fields import Field
from .controls.registering_widget import OWRegisteringWidget
from .controls.task_widget import make_inputs
from .controls.task_widget import make_outputs

__all__ = ["OWReg2DFeatures"]


class OWReg2DFeatures(  # type: ignore[call-arg]  # ewoksorange has no types
    OWRegisteringWidget, ewokstaskclass=Reg2DFeatures
):
    """Finds the transformations that align the images of each stack, from matching features."""

    name = "2D Feature-Based Registration"
    description = "Register the images of each stack by matching features"
    icon = "icons/reg2d_features.svg"
    keywords = ("registration", "alignment", "features", "SIFT", "ORB")
    priority = 5

    explanation = "Registers the images of each stack by matching features."
    initial_inputs: ClassVar = {
        "transformation_type": "translation",
        "detector": "Sift-SciKitImage",
    }

    Inputs = make_inputs(Reg2DFeatures, "image_stacks")
    Outputs = make_outputs(Reg2DFeatures, "image_stacks")

    def _make_method_fields(self) -> Iterable[Field]:
        return (
            ChoiceField(
                "detector",
                "Detector",
                "The feature detector. ORB is faster, SIFT finds more features. Both SIFT detectors"
                " are that of scikit-image.",
                {
                    "Sift-SciKitImage": "SIFT",
                    "Orb-SciKitImage": "ORB",
                    "Sift-Silx": "SIFT (Sift-Silx)",
                },
            ),
        )
