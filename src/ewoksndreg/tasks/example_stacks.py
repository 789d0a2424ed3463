"""The ewoks task that simulates image stacks to rank."""

from __future__ import annotations

from concurrent.futures import CancelledError
from typing import Any

from ewokscore import TaskWithProgress
from ewokscore.model import BaseInputModel
from ewokscore.model import BaseOutputModel
from pydantic import Field


class ExampleInputs(BaseInputModel):
    """Inputs of :class:`.ExampleStacks`."""

    picture: str = Field(
        default="coins",
        description="What the sample looks like: a picture of scikit-image.",
        examples=["coins", "camera", "moon"],
    )
    motion: str = Field(
        default="translation",
        description="How the sample moves from image to image.",
        examples=["translation", "rigid", "affine"],
    )
    images: int = Field(default=12, ge=1, description="Number of images of each stack.")
    size: int = Field(default=256, ge=32, description="Height and width of the images in px.")
    step: float = Field(
        default=2.5,
        ge=0,
        description="Standard deviation of the steps of the sample along rows and columns in px.",
    )
    seed: int = Field(
        default=0, ge=0, description="The same seed gives the same motion and the same noise."
    )


class ExampleOutputs(BaseOutputModel):
    """Outputs of :class:`.ExampleStacks`."""

    image_stacks: dict[str, Any] = Field(
        description="Six channels of one moving sample, each an array of shape (N, H, W).",
    )
    transformations: dict[str, Any] = Field(
        description="For each stack the registration that was found from it.",
    )


class ExampleStacks(  # type: ignore[call-arg]  # ewokscore has no types
    TaskWithProgress, input_model=ExampleInputs, output_model=ExampleOutputs
):
    """Simulate image stacks of one moving sample and register each of them by itself.

    Needs ``pip install ".[demo]"``. See :func:`ewoksndreg.demo.samples.make_sample`.
    """

    def run(self) -> None:
        # Not needed to list the tasks of this package, nor installed with it.
        try:
            from ..demo.registration import register
            from ..demo.samples import make_sample
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "skimage":
                raise
            raise ModuleNotFoundError(
                'The example needs scikit-image: pip install ".[demo]" in the folder of the'
                " sources",
                name=error.name,
            ) from error

        inputs = self.inputs
        sample = make_sample(
            inputs.picture,
            motion=inputs.motion,
            images=inputs.images,
            size=inputs.size,
            step=inputs.step,
            seed=inputs.seed,
        )
        registrations = {}
        for name, stack in sample.stacks.items():
            if self.cancelled:
                raise CancelledError(f"The example was cancelled before stack {name!r}")
            registrations[name] = register(stack)
            self.progress = int(100 * len(registrations) / len(sample.stacks))
        self.outputs.image_stacks = sample.stacks
        self.outputs.transformations = registrations

    def cancel(self) -> None:
        """Ask the running task to stop; it raises :class:`concurrent.futures.CancelledError`
        after the current stack."""
        self.cancelled = True
