"""The widget "Example Stacks"."""

from __future__ import annotations

from collections.abc import Iterable
from typing import get_args

from ewoksndreg.demo.samples import PICTURES
from ewoksndreg.demo.samples import Motion
from ewoksndreg.tasks.example_stacks import ExampleStacks

from .controls.fields import ChoiceField
from .controls.fields import Field
from .controls.fields import NumberField
from .controls.status_widget import OWStatusWidget
from .controls.task_widget import make_input
from .controls.task_widget import make_output

__all__ = ["OWExampleStacks"]


class OWExampleStacks(  # type: ignore[call-arg]  # ewoksorange has no types
    OWStatusWidget, ewokstaskclass=ExampleStacks
):
    """Simulates stacks of one moving sample, and registers each of them by itself."""

    name = "Example Stacks"
    description = "Simulate image stacks of one moving sample, and register each of them by itself"
    icon = "icons/example_stacks.svg"
    keywords = ("registration", "alignment", "demo", "simulation")
    priority = 20
    resizing_enabled = False

    explanation = (
        "Simulates six channels of one sample that moves from image to image, and registers"
        " each of them by itself."
    )

    class Inputs:
        picture = make_input("picture", explicit=True)
        motion = make_input("motion", explicit=True)
        images = make_input("images", explicit=True)
        size = make_input("size", explicit=True)
        step = make_input("step", explicit=True)
        seed = make_input("seed", explicit=True)

    class Outputs:
        image_stacks = make_output("image_stacks", dict, default=True)
        transformations = make_output("transformations", dict)

    def _make_fields(self) -> Iterable[Field]:
        return (
            ChoiceField(
                "picture",
                "Picture",
                "What the sample looks like.",
                {name: name for name in PICTURES},
            ),
            ChoiceField(
                "motion",
                "Motion",
                "Rigid: the sample also rotates. Affine: it is also distorted. The registration"
                " finds translations only.",
                {name: name for name in get_args(Motion)},
            ),
            NumberField("images", "Images", "How many images each stack has.", least=1, most=500),
            NumberField("size", "Size (px)", "Height and width of the images.", least=32, most=512),
            NumberField("seed", "Seed", "Another seed, another motion.", least=0, most=9999),
        )

    def _show_result(self, task: ExampleStacks) -> None:
        stacks = task.get_output_values()["image_stacks"]
        shape = " x ".join(str(length) for length in next(iter(stacks.values())).shape)
        self._show_status(f"{len(stacks)} stacks of {shape}:\n{', '.join(stacks)}")
