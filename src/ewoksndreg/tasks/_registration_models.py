"""The pydantic models of the inputs and outputs of the tasks that register stacks.

Names, types and defaults are those of ewoksndreg 0.5.0.
"""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Annotated
from typing import Any

from ewokscore.model import BaseOutputModel
from pydantic import Field
from pydantic import SkipValidation
from pydantic import field_validator
from silx.io.url import DataUrl

from .._messages import unknown_name
from ..io import ImageStacks
from ..registration import FILTERS
from ..registration import Features
from ..registration import Method
from ..transformation import Transformation
from ..transformation import TransformationType
from ._models import StackInputs

# The options of each mapper of ewoksndreg 0.5.0, and the names that are their values
MAPPER_OPTIONS: dict[str, dict[str, tuple[str, ...]]] = {
    "CrossCorrelation-Numpy": {},
    "CrossCorrelation-SciKitImage": {"upsample_factor": (), "normalization": ()},
    "Optimization-SimpleITK": {
        "metric": (
            "MeanSquares",
            "CrossCorrelation",
            "ANTSNeighborhoodCorrelation",
            "JointHistogramMutualInformation",
            "MattesMutualInformation",
        ),
        "optimizer": (
            "LBFGSB",
            "Exhaustive",
            "Powell",
            "Evolutionary",
            "GradientDescent",
            "GradientDescentLineSearch",
            "CGLineSearch",
        ),
        "order": (),
        "pyramid_levels": (),
        "mesh_size": (),
        "sampling": ("none", "random", "regular"),
        "sampling_percentage": (),
    },
    "Optimization-Kornia": {
        "metric": ("MeanSquaredError", "MeanAbsoluteError", "MutualInformation"),
        "optimizer": ("RMSprop", "Adam", "SGD"),
        "pyramid_levels": (),
    },
}
DETECTORS: dict[str, Method] = {
    "Sift-SciKitImage": "sift",
    "Orb-SciKitImage": "orb",
    "Sift-Silx": "sift",
}
MATCHERS = ("Descriptor-SciKitImage", "Descriptor-Silx")
FEATURE_MAPPERS = ("LstSq-Numpy", "LstSq-Scipy", "Ransac-SciKitImage")

PREPROCESSING = (
    "apply_filter",
    "filter_parameter",
    "apply_low_pass",
    "apply_high_pass",
    "apply_window",
    "pin_range",
)
WINDOWS = (
    "barthann",
    "bartlett",
    "blackman",
    "blackmanharris",
    "bohman",
    "boxcar",
    "cosine",
    "exponential",
    "flattop",
    "hamming",
    "hann",
    "lanczos",
    "nuttall",
    "parzen",
    "taylor",
    "triang",
    "tukey",
)


class _RegisteringInputs(StackInputs):
    reference_stack: str | None = Field(
        default=None,
        description="Register only this stack, and use its registration for all stacks.",
        examples=["stack1"],
    )

    @field_validator("reference_stack", mode="after")
    @classmethod
    def _empty_is_none(cls, value: str | None) -> str | None:
        return value or None


class _RegistrationInputs(_RegisteringInputs):
    transformation_type: TransformationType = Field(
        description="How the sample may move from image to image.",
        examples=["translation", "rigid", "similarity", "affine"],
    )
    reference_image: int | float = Field(
        default=0,
        description="The image with which all others are aligned: an index (negative: from the end)"
        " or a relative position in the stack, a float from 0.0 to 1.0.",
        examples=[0, -1, 0.5],
    )
    mask: Any = Field(
        default=None,
        description="Mask of the detector pixels to use (True), shape (H, W).",
    )
    max_workers: Annotated[int, Field(strict=True, ge=-1)] | None = Field(
        default=None,
        description="Number of threads that register. None or -1: one per available processor; 0:"
        " no additional threads.",
    )

    @field_validator("reference_image", mode="before")
    @classmethod
    def _check_reference_image(cls, value: Any) -> Any:
        if isinstance(value, bool):
            raise ValueError(f"expected an index or a relative position, not {value}")
        return value

    @field_validator("transformation_type", mode="before")
    @classmethod
    def _check_type(cls, value: Any) -> Any:
        names = [each.value for each in TransformationType]
        if value not in names:
            raise ValueError(unknown_name("transformation type", value, names))
        return value


class IntensityInputs(_RegistrationInputs):
    """Inputs of :class:`.Reg2DIntensities`."""

    mapper: str | None = Field(
        default=None,
        description="A mapper of ewoksndreg 0.5.0, as 'Name-Backend' or a pair of both. Optional:"
        " the same method replaces all of them.",
        examples=list(MAPPER_OPTIONS),
    )
    block_size: int = Field(
        default=1,
        description="Each image is registered with the reference image itself, so that errors do"
        " not accumulate. An image that is not found starts where the image before it is: the last"
        " one of the block of so many images before. 1 for the next image.",
    )
    preprocessing_options: dict[str, Any] | None = Field(
        default=None,
        description="Filters that are applied to the images before the registration:"
        f" apply_filter ({', '.join(FILTERS)}), filter_parameter (px), apply_low_pass (px),"
        " apply_high_pass (px). apply_window and pin_range have no effect.",
        examples=[{"apply_filter": "gaussian", "filter_parameter": 1}],
    )
    mapper_options: dict[str, Any] | None = Field(
        default=None,
        description="Options of the mapper of ewoksndreg 0.5.0. They have no effect.",
        examples=[{"upsample_factor": 5}],
    )

    @field_validator("mapper", mode="before")
    @classmethod
    def _check_mapper(cls, value: Any) -> Any:
        return None if not value else find_name("mapper", value, MAPPER_OPTIONS)

    @field_validator("preprocessing_options", mode="after")
    @classmethod
    def _check_preprocessing(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        for name in value or ():
            if name not in PREPROCESSING:
                raise ValueError(unknown_name("preprocessing option", name, PREPROCESSING))
        window = (value or {}).get("apply_window")
        if window and _name_of(window) not in WINDOWS:
            raise ValueError(unknown_name("window", _name_of(window), WINDOWS))
        return value

    @field_validator("mapper_options", mode="after")
    @classmethod
    def _check_mapper_options(cls, value: dict[str, Any] | None, info: Any) -> Any:
        mapper = info.data.get("mapper")
        known: dict[str, tuple[str, ...]] = {}
        for name, options in MAPPER_OPTIONS.items():
            if mapper in (None, name):
                for option, names in options.items():
                    known[option] = (*known.get(option, ()), *names)
        for option, given in (value or {}).items():
            if option not in known:
                raise ValueError(unknown_name("mapper option", option, known))
            lower = [name.lower() for name in known[option]]
            if given is not None and lower and _name_of(given).lower() not in lower:
                raise ValueError(unknown_name(option, _name_of(given), known[option]))
        return value


class FeatureInputs(_RegistrationInputs):
    """Inputs of :class:`.Reg2DFeatures`."""

    detector: str = Field(
        description="The feature detector, as 'Name-Backend' or a pair of both.",
        examples=list(DETECTORS),
    )
    matcher: str = Field(
        default="Descriptor-SciKitImage",
        description="The method that matches the features of two images. The same method replaces"
        " all of them.",
        examples=list(MATCHERS),
    )
    mapper: str = Field(
        default="Ransac-SciKitImage",
        description="The method that fits a transformation to the matches. The same method, which"
        " is robust against wrong matches, replaces all of them.",
        examples=list(FEATURE_MAPPERS),
    )

    @field_validator("detector", "matcher", "mapper", mode="before")
    @classmethod
    def _check_name(cls, value: Any, info: Any) -> Any:
        names: Mapping[str, Collection[str]] = {
            "detector": DETECTORS,
            "matcher": MATCHERS,
            "mapper": FEATURE_MAPPERS,
        }
        return find_name(info.field_name, value, names[info.field_name])


def _name_of(value: Any) -> str:
    """Convert a name, or a member of an enumeration, to a string."""
    return str(getattr(value, "value", value))


def find_name(what: str, value: Any, names: Collection[str]) -> str:
    """Find a name of ewoksndreg 0.5.0, also from a pair of name and backend, ignoring case.

    :raises ValueError: if there is no such name; suggests the closest match.
    """
    pair = not isinstance(value, str) and isinstance(value, Sequence) and len(value) == 2
    text = "-".join(map(_name_of, value)) if pair else str(value)
    for name in names:
        if name.lower() == text.lower():
            return name
    raise ValueError(unknown_name(what, text, names))


class PreEvaluationInputs(_RegisteringInputs):
    """Inputs of :class:`.Reg2DPreEvaluation`."""

    skip: bool = Field(default=False, description="Pass everything on without ranking.")


class PreEvaluationOutputs(BaseOutputModel):
    """Outputs of :class:`.Reg2DPreEvaluation`."""

    image_stacks: Annotated[ImageStacks, SkipValidation] = Field(
        description="The image stacks, unchanged.",
    )
    reference_stack: str | None = Field(
        description="The stack to register: the best one, or the given one."
    )
    ranked_stack_names: list[str] | None = Field(
        description="Stack names from the one that shows the motion best to the worst; None if they"
        " were not ranked.",
    )
    output_configuration: dict[Any, Any] | None = Field(
        description="The given parameters and the reference stack.",
    )


class RegistrationOutputs(BaseOutputModel):
    """Outputs of :class:`.Reg2DIntensities`."""

    image_stacks: Annotated[ImageStacks, SkipValidation] = Field(
        description="The image stacks, unchanged.",
    )
    transformations: Annotated[dict[str, list[Transformation] | DataUrl], SkipValidation] = Field(
        description="One transformation per image for each stack; NaN for an image that failed.",
    )
    reference_stack: str | None = Field(
        description="The stack whose registration is used for all stacks, as given."
    )
    output_configuration: dict[Any, Any] | None = Field(
        description="The given parameters and those of the registration.",
    )
    correlations: dict[str, list[float]] = Field(
        description="The correlation of each aligned image with the reference image, by stack.",
    )
    failed_images: dict[str, dict[int, str]] = Field(
        description="The images of each stack that could not be registered, with the reason.",
    )


class FeatureOutputs(RegistrationOutputs):
    """Outputs of :class:`.Reg2DFeatures`."""

    features: Annotated[dict[str, list[Features]], SkipValidation] = Field(
        description="The features of each image, by stack.",
    )
    matches: Annotated[dict[str, list[Any]], SkipValidation] = Field(
        description="For each stack and image a pair: features of the reference image, and the"
        " matching features of the image; (None, None) for the reference image.",
    )
