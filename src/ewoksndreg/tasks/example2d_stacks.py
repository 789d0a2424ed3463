"""The ewoks task that simulates stacks with a known motion."""

from __future__ import annotations

from typing import Any

import numpy
from ewokscore import Task
from ewokscore.model import BaseOutputModel
from pydantic import Field
from pydantic import field_validator

from ..transformation import TransformationType
from ._models import TaskInputs


class Example2DInputs(TaskInputs):
    """Inputs of :class:`.Example2DStacks`."""

    name: str = Field(
        description="The sample: an image of scikit-image.",
        examples=["astronaut", "camera", "coins"],
    )
    transformation_type: TransformationType = Field(
        description="How the sample moves from image to image.", examples=["translation", "rigid"]
    )
    shape: tuple[int, int] | None = Field(
        default=None,
        description="Rows and columns of the images, by default 200 and 220.",
        examples=[[200, 220]],
    )
    nimages: int | None = Field(
        default=None, ge=1, description="Number of images of each stack, by default 4."
    )
    nstacks: int | None = Field(default=None, ge=1, description="Number of stacks, by default 3.")
    noise: str | int | None = Field(
        default=None,
        description="'s&p' (the default), 'uniform' or 'none'; a number means none. The first stack"
        " has no noise, and each following one has more than the one before.",
        examples=["s&p", "uniform"],
    )
    seed: int = Field(default=0, ge=0, description="The same seed gives the same noise.")

    @field_validator("shape", mode="before")
    @classmethod
    def _check_shape(cls, value: Any) -> Any:
        numbers = numpy.asarray(value if value is not None else (1, 1))
        if numbers.shape != (2,) or numbers.dtype.kind not in "iu" or (numbers < 1).any():
            raise ValueError(f"expected the numbers of rows and columns, not {value!r}")
        return value if value is None else tuple(numbers.tolist())


class Example2DOutputs(BaseOutputModel):
    """Outputs of :class:`.Example2DStacks`."""

    image_stacks: dict[str, Any] = Field(
        description="Arrays of shape (N, H, W): 'stack_0', 'stack_1' and so on.",
    )
    transformations: dict[str, Any] = Field(
        description="The transformations that align each stack exactly.",
    )


class Example2DStacks(  # type: ignore[call-arg]  # ewokscore has no types
    Task, input_model=Example2DInputs, output_model=Example2DOutputs
):
    """Simulate stacks of a sample with a known motion and increasing noise.

    Needs ``pip install ".[demo]"``. See `make_steady_stacks`.
    """

    def run(self) -> None:
        # An optional dependency, which is not needed to list the tasks of this package.
        try:
            from ..demo.steady_motion import make_steady_stacks
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "skimage":
                raise
            raise ModuleNotFoundError(
                'The example needs scikit-image: pip install ".[demo]" in the folder of the'
                " sources",
                name=error.name,
            ) from error

        inputs = self.inputs
        given = {"shape": inputs.shape, "images": inputs.nimages, "stacks": inputs.nstacks}
        noise = "none" if isinstance(inputs.noise, int) else inputs.noise
        sample = make_steady_stacks(
            inputs.name,
            inputs.transformation_type.value,
            seed=inputs.seed,
            **{key: value for key, value in {**given, "noise": noise}.items() if value is not None},
        )
        self.outputs.image_stacks = sample.stacks
        self.outputs.transformations = {name: list(sample.truth) for name in sample.stacks}
