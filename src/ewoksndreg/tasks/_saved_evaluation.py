"""What is saved beside the aligned stacks: the inputs, and the result of the ranking."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import h5py
import numpy
from silx.io.url import DataUrl

from .._json import as_json
from .._nexus import Axis
from .._nexus import make_plot
from .._stacks import Stack
from ..evaluation import Evaluation
from ..io import as_data_url
from ..io import url_text
from ..refinement import Refinement
from ..transformation import Transformation
from ..transformation import find_motion


def inputs_as_json(
    inputs: Mapping[str, Any],
    stacks: Mapping[str, Stack],
    registrations: Mapping[str, Sequence[Transformation]],
) -> dict[str, Any]:
    """Convert the inputs of the task to JSON, with a URL or a summary in place of pixels.

    :param inputs: the inputs by name, among them an output URL.
    :param stacks: the opened image stacks.
    :param registrations: the registrations that are not in a file.
    :raises ValueError: if an input contains itself; names the input.
    """
    values = dict(inputs)
    values["image_stacks"] = {name: stack.describe_sources() for name, stack in stacks.items()}
    values["transformations"] = {
        name: _url(source)
        or [_describe_transformation(item) for item in registrations.get(name, ())]
        for name, source in values["transformations"].items()
    }
    values["output_root_uri"] = _url(values["output_root_uri"])
    plain = {}
    for name, value in values.items():
        try:
            plain[name] = as_json(value)
        except ValueError as error:
            raise ValueError(f"Input {name!r} {error}") from None
    return plain


def score_plot(evaluation: Evaluation) -> dict[Any, Any]:
    """The relative error of each registration on each stack, best registration first, and the
    other numbers of each registration."""
    ranked = evaluation.ranked_names
    scores = list(evaluation.scores().values())
    numbers = {key: [each[key] for each in scores] for key in scores[0]}
    numbers["mean_relative_error"] = numbers.pop("relative_error")
    return make_plot(
        "Relative error of each registration (rows, best first) on each stack (columns)",
        {"relative_error": evaluation.relative_error[evaluation.ranked_rows]},
        columns={
            "registration": list(ranked),
            "stack": list(evaluation.stack_names),
            **numbers,
            "reason": [evaluation.registrations[name].reason or "" for name in ranked],
            "stack_weight": evaluation.stack_weights,
        },
    )


def per_image_plot(evaluation: Evaluation, image_axis: Axis) -> dict[Any, Any]:
    """The relative error and the overlap of each image, for each registration and stack."""
    rows = evaluation.ranked_rows
    return make_plot(
        "Relative error of each image, for each registration (best first) and stack",
        {
            "relative_error": evaluation.relative_error_per_image[rows],
            "overlap": evaluation.overlap[rows],
        },
        "spectrum",
        axes=[None, None, image_axis],
        columns={
            "registration": list(evaluation.ranked_names),
            "stack": list(evaluation.stack_names),
        },
    )


def motion_plot(
    registrations: Mapping[str, Sequence[Transformation]],
    image_shape: tuple[int, int],
    image_axis: Axis,
) -> dict[Any, Any]:
    """How far each registration moves the center of each image. All have the same length."""
    motions = [find_motion(each, image_shape) for each in registrations.values()]
    return make_plot(
        "How far each registration moves each image along rows and columns",
        {
            "rows": numpy.array([each.rows for each in motions]),
            "columns": numpy.array([each.columns for each in motions]),
        },
        "spectrum",
        axes=[None, image_axis],
        units="px",
        columns={"registration": list(registrations)},
    )


def trust_values(evaluation: Evaluation) -> dict[Any, Any]:
    """The output `trust`, the warnings and what they are about."""
    values = {
        **evaluation.trust(),
        "remaining_shift": evaluation.remaining_shift,
        "remaining_distortion": evaluation.remaining_distortion,
        "warnings": list(evaluation.warnings),
        "infinite_pixels": evaluation.infinite_pixels,
        "marked_pixels": evaluation.marked_pixels,
        "unchanging_pixels": evaluation.unchanging_pixels,
        "failed_images": evaluation.failed_images,
        "opposite_images": evaluation.opposite_images,
        "improves": evaluation.improves,
        "unaligned_error": evaluation.unaligned_error,
    }
    values["motion_groups"] = json.dumps(values["motion_groups"])
    units = {(key, "units"): "px" for key in ("remaining_shift", "remaining_distortion")}
    return _as_collection({**values, **units})


def refinement_values(refinement: Refinement) -> dict[Any, Any]:
    """What was refined, and by how much; numbers before and after."""
    before, after = refinement.before, refinement.after
    values: dict[Any, Any] = {
        "summary": str(refinement),
        "accepted": refinement.accepted,
        "moved": refinement.moved,
        ("moved", "units"): "px",
        "unrefined": numpy.array(refinement.unrefined, dtype=int),
        "stack_weights": refinement.stack_weights,
        "reference_image": refinement.reference_image,
    }
    if before is not None and after is not None:
        shifts = refinement.remaining_shift_before, refinement.remaining_shift_after
        values |= {
            "score": numpy.array([before.score, after.score]),
            "relative_error": numpy.array([before.relative_error, after.relative_error]),
            "remaining_shift": shifts,
            ("remaining_shift", "units"): "px",
        }
    return _as_collection(values)


def _as_collection(values: Mapping[Any, Any]) -> dict[Any, Any]:
    """Make an `NXcollection` of values: dictionaries as JSON, empty lists as lists of strings."""
    found: dict[Any, Any] = {("", "NX_class"): "NXcollection"}
    for key, value in values.items():
        found[key] = value
        if isinstance(value, dict):
            found[key] = json.dumps(value, allow_nan=False)
        elif isinstance(value, list) and not value:
            found[key] = numpy.array([], h5py.string_dtype())
    return found


def _url(source: Any) -> str | None:
    """Format a URL as users write it; None if it is something else."""
    if isinstance(source, DataUrl):
        return url_text(as_data_url(source))
    return os.fspath(source) if isinstance(source, (str, os.PathLike)) else None


def _describe_transformation(transformation: Transformation) -> Any:
    try:
        return transformation.passive_matrix
    except AttributeError:
        return repr(transformation)
