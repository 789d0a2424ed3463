"""The widget "2D Example Stacks"."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from ewoksndreg.demo.steady_motion import STEADY_PICTURES
from ewoksndreg.tasks.example2d_stacks import Example2DStacks

from .controls.fields import ChoiceField
from .controls.fields import Field
from .controls.fields import NumberField
from .controls.hdf5_datasets import describe_stacks
from .controls.stack_fields import make_type_field
from .controls.status_widget import OWStatusWidget
from .controls.task_widget import make_inputs
from .controls.task_widget import make_outputs
from .controls.text_fields import LineField
from .controls.text_values import format_json
from .controls.text_values import read_shape

__all__ = ["OWExample2DStacks"]


class OWExample2DStacks(  # type: ignore[call-arg]  # ewoksorange has no types
    OWStatusWidget, ewokstaskclass=Example2DStacks
):
    """Makes stacks that show a picture moving in a known way."""

    name = "2D Example Stacks"
    description = "Make image stacks that show a picture moving in a known way"
    icon = "icons/example2d_stacks.svg"
    keywords = ("registration", "alignment", "demo", "simulation")
    priority = 2

    explanation = (
        "Makes stacks of a picture that moves by the same step from image to image, each with"
        " more noise than the one before."
    )
    initial_inputs: ClassVar = {
        "name": "astronaut",
        "transformation_type": "translation",
        "nimages": 4,
        "nstacks": 3,
        "noise": "s&p",
    }

    Inputs = make_inputs(Example2DStacks)
    Outputs = make_outputs(Example2DStacks, "image_stacks")

    def _make_fields(self) -> Iterable[Field]:
        return (
            ChoiceField(
                "name", "Picture", "What the images show.", {name: name for name in STEADY_PICTURES}
            ),
            make_type_field("Motion", "How the picture moves from image to image."),
            LineField(
                "shape",
                "Shape (px)",
                "Rows and columns of the images.",
                "200, 220",
                read=read_shape,
                write=format_json,
            ),
            NumberField("nimages", "Images", "How many images each stack has.", least=1, most=500),
            NumberField("nstacks", "Stacks", "How many stacks to make.", least=1, most=50),
            ChoiceField(
                "noise",
                "Noise",
                "The first stack has none, each other one more than the one before.",
                {"s&p": "salt and pepper", "uniform": "uniform", "none": "none"},
            ),
            NumberField("seed", "Seed", "Another seed, another noise.", least=0, most=9999),
        )

    def _show_result(self, task: Example2DStacks) -> None:
        stacks = task.get_output_values()["image_stacks"]
        self._show_rows("Made:", describe_stacks(stacks))
