"""What the task takes and gives, checked by pydantic.

Values pass through unchanged: an output is the very object that came in.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated
from typing import Any
from typing import Literal

from ewokscore.model import BaseInputModel
from ewokscore.model import BaseOutputModel
from pydantic import Field
from pydantic import SkipValidation
from pydantic import ValidationError
from pydantic import ValidationInfo
from pydantic import field_validator
from silx.io.url import DataUrl

from .._messages import unknown_name
from ..io.input_stack import ImageStacks
from ..io.input_stack import InputStacks
from ..io.input_stack import named_sources
from ..io.urls import as_data_url
from ..transformation.conversion import TransformationSource


class Inputs(BaseInputModel):
    """Inputs of :class:`.Reg2DPostEvaluation`.

    :raises ValueError: in one sentence, when an input is not valid.
    :raises TypeError: likewise.
    """

    image_stacks: ImageStacks = Field(
        description="The image stacks: a dictionary of arrays or of HDF5 dataset URLs by stack"
        " name, or a list of HDF5 dataset URLs.",
        examples=[
            {
                "stack1": "/path/to/file1.h5::/entry/process/results/parameters/Ca-K",
                "stack2": "/path/to/file1.h5::/entry/process/results/parameters/Fe-K",
            },
            {"stack1": [[0, 0, 0], [1, 1, 1], [2, 2, 2]]},
        ],
    )
    transformations: dict[str, TransformationSource | DataUrl] = Field(
        description="For each stack the list of transformations, one per image, that was"
        " registered from it: transformation objects, matrices or shifts (passive, row and column),"
        " or the HDF5 dataset URL of these.",
        examples=[
            {
                "stack1": "/path/to/file1.h5::/entry/process/results/matrices/Ca-K",
                "stack2": [[0, 0], [0.5, -2], [1.25, -3.5]],
            },
        ],
    )
    reference_stack: str | None = Field(
        default=None,
        description="Take the list of this stack instead of the best one.",
        examples=["stack1", "stack2"],
    )
    output_root_uri: DataUrl | str | None = Field(
        default=None,
        description="HDF5 group in which to save the transformed stacks: each with its own list"
        " where stacks are ranked, else with the list that the task puts out for it.",
        examples=["/path/to/file2.h5::/entry/process/results/parameters/"],
    )
    output_configuration: dict[str, Any] | None = Field(
        default=None,
        description="Parameters of the registration, to be handed on and saved.",
        examples=[{"param1": 0, "param2": 1}],
    )
    skip: bool = Field(default=False, description="Hand everything on without ranking.")
    evaluate_on: Literal["all", "own"] = Field(
        default="all",
        description="Judge every list on all stacks, or on the stack it was registered from.",
    )
    max_workers: int | None = Field(
        default=None,
        description="Number of workers that rank, threads or processes, whichever is faster: None"
        " or -1 for as many as this process may use, 0 to rank in this thread.",
    )
    scheduler: str | None = Field(
        default=None,
        description="Address of the scheduler of a Dask cluster, the workers of which rank.",
        examples=["tcp://localhost:8786"],
    )

    def __init__(self, **inputs: Any) -> None:
        try:
            super().__init__(**inputs)
        except ValidationError as error:
            raise ValueError(_one_sentence(error)) from None

    @field_validator("image_stacks", mode="plain")
    @classmethod
    def _check_image_stacks(cls, value: Any) -> Any:
        if not isinstance(value, InputStacks):
            named_sources(value)
        return value

    @field_validator("transformations", mode="plain")
    @classmethod
    def _check_transformations(cls, value: Any) -> Any:
        if not isinstance(value, Mapping):
            raise TypeError(
                "The transformations are a dictionary of lists by stack name, not"
                f" {type(value).__name__}"
            )
        return value

    @field_validator("evaluate_on", mode="plain")
    @classmethod
    def _check_evaluate_on(cls, value: Any) -> Any:
        if not isinstance(value, str):
            raise TypeError(f"Input 'evaluate_on' is 'all' or 'own', not {type(value).__name__}")
        if value not in ("all", "own"):
            raise ValueError(unknown_name("choice", value, ("all", "own")))
        return value

    @field_validator("max_workers", mode="plain")
    @classmethod
    def _check_max_workers(cls, value: Any) -> Any:
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"Input 'max_workers' is a whole number, not {type(value).__name__}")
        if value < -1:
            raise ValueError(f"the number of workers is 0 or more, or -1, not {value}")
        return value

    @field_validator("scheduler", mode="after")
    @classmethod
    def _check_scheduler(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value and info.data.get("max_workers") not in (None, 0):
            raise ValueError("either a scheduler or max_workers decides who ranks, not both")
        return value

    @field_validator("output_root_uri", mode="plain")
    @classmethod
    def _check_output_root_uri(cls, value: Any) -> Any:
        if value is None or (isinstance(value, str) and not value):
            return None
        if not isinstance(value, (str, DataUrl)):
            raise TypeError(
                "Input 'output_root_uri' is the URL of a group, text or a silx DataUrl, not"
                f" {type(value).__name__}"
            )
        as_data_url(value)
        return value


class Outputs(BaseOutputModel):
    """Outputs of :class:`.Reg2DPostEvaluation`."""

    image_stacks: Annotated[ImageStacks, SkipValidation] = Field(
        description="The image stacks as they came in.",
    )
    transformations: Annotated[dict[str, TransformationSource | DataUrl], SkipValidation] = Field(
        description="For each stack the list of transformations to apply to it.",
    )
    reference_stack: str | None = Field(
        description="The stack whose list of transformations serves all stacks.",
        examples=["stack1", "stack2"],
    )
    ranked_stack_names: list[str] | None = Field(
        description="Stack names from the best registration to the worst; None when they were not"
        " ranked.",
    )
    output_configuration: dict[str, Any] | None = Field(
        description="The parameters of the registration and the reference stack.",
        examples=[{"param1": 0, "param2": 1, "reference_stack": "stack1"}],
    )
    scores: dict[str, dict[str, float]] | None = Field(
        description="For each stack: score, relative_mse, own_relative_mse, smoothness and"
        " smallest_overlap of its list; None when they were not ranked.",
    )


def _one_sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    name, message = first["loc"][0], first["msg"].removeprefix("Input ")
    if first["type"] == "value_error":  # a sentence of ours
        return f"Input {name!r}: {message.removeprefix('Value error, ')}"
    found = " ".join(f"{first['input']!r:.80}".split())
    return f"Input {name!r} {message}, not {found}"
