"""The ewoks task that aligns stacks with given registrations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from typing import Any

import numpy
from ewokscore.model import BaseOutputModel
from numpy.typing import NDArray
from pydantic import Field
from pydantic import SkipValidation

from .._progress import Reporter
from .._stacks import Stack
from ..alignment import align_stacks
from ..io import ImageStacks
from ..io import url_text
from ._cancellable import CancellableTask
from ._models import RegisteredInputs


class TransformInputs(RegisteredInputs):
    """Inputs of :class:`.Reg2DTransform`."""

    image_stacks_nxmetadata: dict[str, Any] | None = Field(
        default=None,
        description="NeXus groups, attributes and axes to save with the stacks, from the root of"
        " the file, in the form of silx.io.dictdump. By default the axes of the image stacks.",
        examples=[{"@NX_class": "NXroot", "entry": {"@NX_class": "NXentry"}}],
    )
    crop: bool = Field(
        default=False,
        description="Crop all stacks to the largest rectangle that is visible in all images.",
    )
    interpolation_order: int = Field(
        default=1,
        ge=0,
        le=5,
        description="Order of the spline, from 0 (nearest pixel) and 1 (linear) to 5.",
    )


class TransformOutputs(BaseOutputModel):
    """Outputs of :class:`.Reg2DTransform`."""

    image_stacks: Annotated[ImageStacks, SkipValidation] = Field(
        description="The aligned stacks: URLs if they were saved, otherwise lists of images.",
    )
    output_configuration: dict[Any, Any] | None = Field(
        description="The parameters of the registration, crop and interpolation_order.",
        examples=[{"param1": 0, "crop": False, "interpolation_order": 1}],
    )


class Reg2DTransform(  # type: ignore[call-arg]  # ewokscore has no types
    CancellableTask, input_model=TransformInputs, output_model=TransformOutputs
):
    """Apply the registration of each stack to its images, and save the aligned stacks.

    See :func:`ewoksndreg.align_stacks`.
    """

    def run(self) -> None:
        inputs = self.inputs
        configuration = {
            **(inputs.output_configuration or {}),
            "crop": inputs.crop,
            "interpolation_order": inputs.interpolation_order,
        }
        saved = inputs.output_root_uri is not None
        aligned: Mapping[str, Any] = align_stacks(
            inputs.image_stacks,
            inputs.transformations,
            inputs.output_root_uri,
            convention=inputs.convention,
            crop=inputs.crop,
            interpolation_order=inputs.interpolation_order,
            progress=self._report if saved else None,
            should_stop=lambda: self.cancelled,
            nxmetadata=inputs.image_stacks_nxmetadata,
            configuration=configuration,
        )
        self.outputs.image_stacks = (
            {name: url_text(url) for name, url in aligned.items()} if saved else self._load(aligned)
        )
        self.outputs.output_configuration = configuration
        self.progress = 100

    def _load(self, stacks: Mapping[str, Stack]) -> dict[str, list[NDArray[numpy.floating[Any]]]]:
        loaded: dict[str, list[NDArray[Any]]] = {}
        total = sum(map(len, stacks.values()))
        reporter = Reporter("alignment", total, self._report, lambda: self.cancelled)
        for name, stack in stacks.items():
            loaded[name] = []
            with stack:
                for image in stack:
                    reporter.check()
                    loaded[name].append(image)
                    reporter.count()
        return loaded
