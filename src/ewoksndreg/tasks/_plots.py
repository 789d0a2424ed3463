"""The result of a ranking in an HDF5 file, one function for each group."""

from __future__ import annotations

import json
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

import numpy
from numpy.typing import NDArray

from ..evaluation import Evaluation
from ..io import Axis
from ..io import Plot
from ..io import Quantity
from ..refinement import Refinement
from ..transformation import Transformation
from ..transformation import find_motion


def score_plot(evaluation: Evaluation) -> Plot:
    """The relative error of each registration on each stack, best registration first, and the
    other numbers of each registration."""
    ranked = evaluation.ranked_names
    scores = list(evaluation.scores().values())
    numbers = {key: [each[key] for each in scores] for key in scores[0]}
    numbers["mean_relative_error"] = numbers.pop("relative_error")
    return Plot(
        "Relative error of each registration (rows, best first) on each stack (columns)",
        {"relative_error": evaluation.relative_error[_rows(evaluation)]},
        columns={
            "registration": list(ranked),
            "stack": list(evaluation.stack_names),
            **numbers,
            "reason": [evaluation.registrations[name].reason or "" for name in ranked],
            "stack_weight": evaluation.stack_weights,
        },
    )


def per_image_plot(evaluation: Evaluation, image_axis: Axis) -> Plot:
    """The relative error and the overlap of each image, for each registration and stack."""
    rows = _rows(evaluation)
    return Plot(
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
) -> Plot:
    """How far each registration moves the center of each image. All have the same length."""
    motions = [find_motion(each, image_shape) for each in registrations.values()]
    return Plot(
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


def trust_values(evaluation: Evaluation) -> dict[str, Any]:
    """The output `trust`, the warnings and what they are about."""
    trust = evaluation.trust()
    return {
        **trust,
        "motion_groups": json.dumps(trust["motion_groups"]),
        "remaining_shift": Quantity(evaluation.remaining_shift, "px"),
        "warnings": list(evaluation.warnings),
        "infinite_pixels": evaluation.infinite_pixels,
        "marked_pixels": evaluation.marked_pixels,
        "unchanging_pixels": evaluation.unchanging_pixels,
        "failed_images": evaluation.failed_images,
        "opposite_images": evaluation.opposite_images,
        "improves": evaluation.improves,
        "unaligned_error": evaluation.unaligned_error,
    }


def refinement_values(refinement: Refinement) -> dict[str, Any]:
    """What was refined, and by how much; numbers before and after."""
    before, after = refinement.before, refinement.after
    values = {
        "summary": str(refinement),
        "accepted": refinement.accepted,
        "moved": Quantity(refinement.moved, "px"),
        "unrefined": numpy.array(refinement.unrefined, dtype=int),
        "stack_weights": refinement.stack_weights,
        "reference_image": refinement.reference_image,
    }
    if before is not None and after is not None:
        shifts = refinement.remaining_shift_before, refinement.remaining_shift_after
        values |= {
            "score": numpy.array([before.score, after.score]),
            "relative_error": numpy.array([before.relative_error, after.relative_error]),
            "remaining_shift": Quantity(shifts, "px"),
        }
    return values


def passive_matrices(
    registrations: Mapping[str, Sequence[Transformation]],
) -> dict[str, NDArray[numpy.float64]]:
    """The registrations as arrays `(N, 3, 3)`, except those with transformations without matrix."""
    return {
        name: numpy.array([each.passive_matrix for each in registration], dtype=float)
        for name, registration in registrations.items()
        if registration and all(hasattr(each, "passive_matrix") for each in registration)
    }


def _rows(evaluation: Evaluation) -> list[int]:
    """The indices of the registrations, best first."""
    names = list(evaluation.registrations)
    return [names.index(name) for name in evaluation.ranked_names]
