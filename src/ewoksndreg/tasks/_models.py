"""The pydantic models of the inputs and outputs of the ranking task.

Values are passed on unchanged: an output is the same object as the input.
"""

from __future__ import annotations

import os
import re
from typing import Annotated
from typing import Any
from typing import Literal

import numpy
from ewokscore.model import BaseInputModel
from ewokscore.model import BaseOutputModel
from pydantic import Field
from pydantic import SkipValidation
from pydantic import ValidationError
from pydantic import ValidationInfo
from pydantic import field_validator
from pydantic import model_validator
from silx.io.url import DataUrl

from .._messages import near_match
from ..io import ImageStacks
from ..io import as_data_url
from ..io import name_sources
from ..transformation import Conventions
from ..transformation import TransformationSource
from ..transformation import assign_conventions
from ..transformation import check_registrations_have_names


class TaskInputs(BaseInputModel):
    """Inputs of a task.

    :raises ValueError: if a value is not valid.
    :raises TypeError: if a value has the wrong type. Both messages are one sentence.
    """

    def __init__(self, **inputs: Any) -> None:
        fields = type(self).model_fields
        # A form sends None for an empty field.
        given = {
            name: _plain(value)
            for name, value in inputs.items()
            if value is not None or name not in fields or fields[name].is_required()
        }
        try:
            super().__init__(**given)
        except ValidationError as error:
            raise ValueError(_make_sentence(error)) from None


class StackInputs(TaskInputs):
    """Inputs of all tasks that work on stacks."""

    image_stacks: ImageStacks = Field(
        description="The image stacks: a dictionary of arrays or of HDF5 dataset URLs by stack"
        " name (a list of URLs of images is one stack), or a list of HDF5 dataset URLs.",
        examples=[
            {
                "stack1": "/path/to/file1.h5::/entry/process/results/parameters/Ca-K",
                "stack2": "/path/to/file1.h5::/entry/process/results/parameters/Fe-K",
            },
            {"stack1": [[0, 0, 0], [1, 1, 1], [2, 2, 2]]},
        ],
    )
    output_configuration: dict[Any, Any] | None = Field(
        default=None,
        description="Parameters of earlier tasks, which are passed on and saved.",
        examples=[{"param1": 0, "param2": 1}],
    )

    @field_validator("image_stacks", mode="plain")
    @classmethod
    def _check_image_stacks(cls, value: Any) -> Any:
        name_sources(value)
        return value


class RegisteredInputs(StackInputs):
    """Inputs of the tasks that apply registrations to stacks."""

    transformations: dict[str, TransformationSource | DataUrl] = Field(
        description="The registration that was found from each stack, by stack name, with one"
        " transformation per image: objects, matrices or shifts (passive, row and column), or the"
        " URL of an HDF5 dataset of matrices or shifts.",
        examples=[
            {
                "stack1": "/path/to/file1.h5::/entry/process/results/matrices/Ca-K",
                "stack2": [[0, 0], [0.5, -2], [1.25, -3.5]],
            },
        ],
    )
    convention: Conventions = Field(
        default=None,
        description="What the numbers of the transformations mean: the name of the tool that found"
        " them, or of a convention, for all registrations or by stack name. None: passive matrices"
        " in (row, column) order.",
        examples=["opencv", {"stack1": "pystackreg"}],
    )
    output_root_uri: DataUrl | str | os.PathLike[str] | None = Field(
        default=None,
        description="HDF5 group in which to save the transformed stacks.",
        examples=["/path/to/file2.h5::/entry/process/results/parameters/"],
    )

    @field_validator("transformations", mode="plain")
    @classmethod
    def _check_transformations(cls, value: Any) -> Any:
        check_registrations_have_names(value)
        return value

    @field_validator("convention", mode="after")
    @classmethod
    def _check_convention(cls, value: Any, info: ValidationInfo) -> Any:
        assign_conventions(value, info.data.get("transformations", ()))
        return value

    @field_validator("output_root_uri", mode="plain")
    @classmethod
    def _check_output_root_uri(cls, value: Any) -> Any:
        if value is None or (isinstance(value, str) and not value):
            return None
        if not isinstance(value, (str, os.PathLike, DataUrl)):
            raise TypeError(
                "Input 'output_root_uri' must be the URL of a group (string, path or silx DataUrl),"
                f" not {type(value).__name__}"
            )
        as_data_url(value)
        return value


class Inputs(RegisteredInputs):
    """Inputs of :class:`.Reg2DPostEvaluation`."""

    registered_from: dict[str, str | None] | None = Field(
        default=None,
        description="The stack that each registration was found from, by the name of the"
        " registration, or None. Registrations may then have any names, several may come from one"
        " stack, and even a single one is scored. By default, each has the name of its stack.",
        examples=[{"Fe-K, rigid": "Fe-K", "Fe-K, affine": "Fe-K", "motor": None}],
    )
    reference_stack: str | None = Field(
        default=None,
        description="Use the registration of this stack instead of the best one.",
        examples=["stack1", "stack2"],
    )
    save_with: Literal["own", "best"] | None = Field(
        default=None,
        description="After ranking, save each stack aligned with the registration that was found"
        " from it ('own', the default), or all stacks with the best one ('best', the default if it"
        " was refined, or with `registered_from`). Without ranking, stacks are aligned with the"
        " output `transformations`.",
    )
    compress: bool = Field(
        default=True,
        description="Compress the saved stacks (gzip, lossless): half the size, but slower.",
    )
    skip: bool = Field(default=False, description="Pass everything on without ranking.")
    evaluate_on: Literal["all", "own"] = Field(
        default="all",
        description="Score each registration on all stacks, or on the stack it was found from.",
    )
    reference_image: Annotated[int, Field(strict=True, ge=0)] | Literal["auto"] = Field(
        default="auto",
        description="Index of the image with which the others are compared. 'auto': the first one,"
        " and two more if the scores with that one are poor.",
    )
    refine: bool = Field(
        default=False,
        description="Refine the registration that is passed on with all stacks together. It is kept"
        " unchanged if refining does not improve it.",
    )
    max_workers: Annotated[int, Field(strict=True, ge=-1)] | None = Field(
        default=None,
        description="Number of workers (threads or processes, whichever is faster). None or -1: one"
        " per available processor; 0: rank in this thread.",
    )
    scheduler: str | None = Field(
        default=None,
        description="Address of the scheduler of a Dask cluster, to rank with its workers.",
        examples=["tcp://localhost:8786"],
    )

    @model_validator(mode="after")
    def _check_workers(self) -> Inputs:
        if self.scheduler and self.max_workers:
            raise ValueError("give either 'scheduler' or 'max_workers', not both")
        return self


class Outputs(BaseOutputModel):
    """Outputs of :class:`.Reg2DPostEvaluation`."""

    image_stacks: Annotated[ImageStacks, SkipValidation] = Field(
        description="The image stacks, unchanged.",
    )
    transformations: Annotated[dict[str, TransformationSource | DataUrl], SkipValidation] = Field(
        description="For each stack the registration to apply to it.",
    )
    reference_stack: str | None = Field(
        description="The stack whose registration is used for all stacks.",
        examples=["stack1", "stack2"],
    )
    ranked_stack_names: list[str] | None = Field(
        description="Stack names from the best registration to the worst; None if they were not"
        " ranked.",
    )
    output_configuration: dict[Any, Any] | None = Field(
        description="The parameters of the registration and the reference stack.",
        examples=[{"param1": 0, "param2": 1, "reference_stack": "stack1"}],
    )
    scores: dict[str, dict[str, float]] | None = Field(
        description="For each stack: score, relative_error, own_relative_error, smoothness and"
        " min_overlap of its registration; None if they were not ranked.",
    )
    trust: dict[str, Any] | None = Field(
        description="How good the best registration is, and how certain that is: verdict ('good' or"
        " 'check') with its reasons, rivals, remaining_shift in px, motion_groups, bad_images and"
        " silent_stacks; None if they were not ranked.",
    )


def _plain(value: Any) -> Any:
    """Convert a numpy scalar to a Python value."""
    return value.item() if isinstance(value, numpy.generic) else value


def _make_sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    kind, given, message = first["type"], first["input"], first["msg"].removeprefix("Input ")
    if kind == "value_error":  # raised by our own validators
        message = message.removeprefix("Value error, ")
        return f"Input {first['loc'][0]!r}: {message}" if first["loc"] else f"Inputs: {message}"
    found = " ".join(f"{given!r:.80}".split())
    choices = re.findall(r"'([^']*)'", first["ctx"]["expected"]) if kind == "literal_error" else []
    return f"Input {first['loc'][0]!r} {message}, not {found}{near_match(str(given), choices)}"
