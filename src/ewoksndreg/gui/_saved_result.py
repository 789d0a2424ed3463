"""Read the result of a ranking from a file that the task has saved."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import h5py
import numpy

from ..evaluation import Evaluation
from ..evaluation import RegistrationScore
from ..io import as_data_url
from ..io import open_to_read
from ..io import url_text
from ..refinement import Refinement
from ..transformation import Homography
from ..transformation import Transformation

_IN_MEMORY = "images in memory"  # the task writes this in place of a URL


@dataclass(frozen=True, eq=False)
class SavedResult:
    """The parameters of :meth:`.EvaluationView.show_result`.

    :param image_stacks: the URLs of those that were in a file.
    """

    image_stacks: dict[str, Any]
    registrations: dict[str, list[Transformation]]
    evaluation: Evaluation | None
    reference_stack: str | None
    refinement: Refinement | None


def read_result(url: str) -> SavedResult:
    """Read what the task has saved beside the stacks.

    :param url: file, or group of the file: that of the evaluation, or that of the saved stacks. It
        may be left out if the file has one evaluation.
    :raises ValueError: if there is no evaluation, or there are several.
    :raises OSError: if the file cannot be read.
    """
    location = as_data_url(url if "::" in url and not os.path.exists(url) else f"{url}::/")
    path, name = str(location.file_path()), location.data_path()
    with open_to_read(path) as file:
        group = _find_evaluation(file, name or "/", url_text(location))
        inputs = json.loads(group["inputs/data"][()])
        matrices = {key: group["transformations"][key][()] for key in group["transformations"]}
        evaluation = _read_evaluation(group) if "scores" in group else None
        chosen = None if inputs["skip"] else inputs["reference_stack"]
        if evaluation is not None:
            chosen = chosen or evaluation.best
        found: dict[str, list[Transformation]] = {
            key: [Homography(matrix) for matrix in values] for key, values in matrices.items()
        }
        refined = found.pop(f"{chosen}, refined", None)
        refinement = None if refined is None else _read_refinement(group["refinement"], refined)
    stacks = {
        name: source
        for name, source in inputs["image_stacks"].items()
        if not str(source).startswith(_IN_MEMORY)
    }
    return SavedResult(stacks, found, evaluation, chosen, refinement)


def _find_evaluation(file: h5py.File, name: str, url: str) -> h5py.Group:
    for candidate in (name, f"{name}_evaluation"):
        if _is_evaluation(file.get(candidate)):
            return file[candidate]
    found: list[str] = []
    file.visititems(lambda key, item: found.append(key) if _is_evaluation(item) else None)
    if len(found) == 1 and name == "/":
        return file[found[0]]
    if found:
        choices = ", ".join(f"{file.filename}::/{key}" for key in found)
        raise ValueError(f"{url} is not a saved evaluation; the file has: {choices}")
    raise ValueError(f"{url} has no saved evaluation: give a file that the ranking has saved")


def _is_evaluation(item: Any) -> bool:
    return isinstance(item, h5py.Group) and {"program", "inputs", "transformations"} <= set(item)


def _read_evaluation(group: h5py.Group) -> Evaluation:
    scores, per_image, trust = group["scores"], group["per_image"], group["trust"]
    names = _read_strings(scores["registration"])
    stacks = _read_strings(scores["stack"])
    reasons = _read_strings(scores["reason"])
    registrations = {
        name: RegistrationScore(
            score=float(scores["score"][k]),
            relative_error=float(scores["mean_relative_error"][k]),
            own_relative_error=float(scores["own_relative_error"][k]),
            smoothness=float(scores["smoothness"][k]),
            min_overlap=float(scores["min_overlap"][k]),
            reason=reasons[k] or None,
        )
        for k, name in enumerate(names)
    }
    errors = per_image["relative_error"][()]
    # The reference image has no error.
    references = numpy.flatnonzero(numpy.isnan(errors).all(axis=(0, 1)))
    verdict = _read_strings(trust["verdict"])[0] if "verdict" in trust else ""
    return Evaluation(
        stack_names=stacks,
        ranked_names=names,
        registrations=registrations,
        registered_from={name: name if name in stacks else None for name in names},
        relative_error=scores["relative_error"][()],
        relative_error_per_image=errors,
        overlap=per_image["overlap"][()],
        stack_weights=scores["stack_weight"][()],
        reference_images=tuple(map(int, references[:1])) or (0,),
        verdict="good" if verdict == "good" else "check" if verdict == "check" else None,
        reasons=_read_strings(trust["reasons"]),
        rivals={
            name: math.inf if px is None else px
            for name, px in json.loads(trust["rivals"][()]).items()
        },
        remaining_shift=float(trust["remaining_shift"][()]),
        remaining_distortion=float(trust["remaining_distortion"][()]),
        motion_groups=tuple(map(tuple, json.loads(trust["motion_groups"][()]))),
        silent_stacks=_read_strings(trust["silent_stacks"]),
        infinite_pixels=_read_dictionary(trust["infinite_pixels"]),
        marked_pixels=_read_dictionary(trust["marked_pixels"]),
        unchanging_pixels=_read_dictionary(trust["unchanging_pixels"]),
        failed_images=_read_dictionary(trust["failed_images"]),
        opposite_images=_read_dictionary(trust["opposite_images"]),
        bad_images=_read_dictionary(trust["bad_images"]),
        unaligned_error=trust["unaligned_error"][()],
        improves=bool(trust["improves"][()]),
    )


def _read_refinement(group: h5py.Group, refined: list[Transformation]) -> Refinement:
    def score(index: int) -> RegistrationScore:
        number, error = (float(group[key][index]) for key in ("score", "relative_error"))
        return RegistrationScore(number, error, math.nan, math.nan, math.nan)

    weights: Mapping[str, float] = json.loads(group["stack_weights"][()])
    before, after = map(float, group["remaining_shift"][()])
    return Refinement(
        tuple(refined),
        accepted=True,
        reason=None,
        before=score(0),
        after=score(1),
        remaining_shift_before=before,
        remaining_shift_after=after,
        moved=group["moved"][()],
        unrefined=tuple(map(int, group["unrefined"][()])),
        stack_weights=dict(weights),
        reference_image=int(group["reference_image"][()]),
    )


def _read_dictionary(dataset: h5py.Dataset) -> dict[str, Any]:
    values = json.loads(dataset[()])
    return {key: tuple(v) if isinstance(v, list) else v for key, v in values.items()}


def _read_strings(dataset: h5py.Dataset) -> tuple[str, ...]:
    values = numpy.atleast_1d(dataset.asstr()[()])
    return tuple(str(value) for value in values)
