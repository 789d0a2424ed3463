"""A measurement without mistakes, and the form in which a mistake is described."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

import h5py
import numpy

from ..conftest import smooth_image

FOLDER = "{folder}"

# Of the file `maps.h5`, which holds both stacks without mistakes and others with them.
MAPS = FOLDER + "/maps.h5::/entry/maps"
BAD = FOLDER + "/maps.h5::/entry/bad"

OUTPUT = FOLDER + "/out.h5::/entry/aligned"

_SAMPLE = smooth_image(seed=3, shape=(40, 44), sigma=1.5)
IMAGES = numpy.stack([_SAMPLE[n : n + 32, n : n + 36] for n in range(3)])

SHIFTS = {
    "Ca-K": [[0, 0], [-1, -1], [-2, -2]],
    "Fe-K": [[0, 0], [-1, 0], [0, -2]],
}


@dataclass(frozen=True)
class Mistake:
    """What somebody did and what the library says.

    :param title: what was done.
    :param kind: type of the exception, None when only a warning is given.
    :param message: of the exception or warning; `{folder}` stands for the folder of the files.
    :param changes: inputs of the task that differ from :func:`good_inputs`. A change of
        `image_stacks` or `transformations` that is a dictionary is merged into the good one, where
        None removes a stack.
    :param direct: the function that says the same when it is called without the task:
        `"input_context"`, `"evaluate_stacks"`, `"output_context"` or `""`.
    :param names: what the message has to name: the stack, the URL, the near match.
    :param mode: files and folders whose permissions are taken away, and what is left.
    :param full: whether the disk is full.
    """

    title: str
    kind: type[Exception] | None
    message: str
    changes: Mapping[str, Any]
    direct: str = ""
    names: tuple[str, ...] = ()
    mode: Mapping[str, int] = field(default_factory=dict)
    full: bool = False


def write_measurement(folder: Path) -> None:
    """The files that the inputs name."""
    (folder / "notes.txt").write_text("not HDF5")
    with h5py.File(folder / "private.h5", "w") as file:
        file["/entry/Fe-K"] = IMAGES
    with h5py.File(folder / "maps.h5", "w") as file:
        maps = file.create_group("/entry/maps")
        for name in SHIFTS:
            maps[name] = IMAGES
        bad = file.create_group("/entry/bad")
        bad["rgb"] = numpy.zeros((3, 32, 36, 3))
        bad["one image"] = IMAGES[0]
        bad["number"] = 5.0
        bad["complex"] = IMAGES * 1j
        bad["text"] = numpy.full((3, 2, 2), b"one")
        bad["empty"] = IMAGES[:0]
        bad["short"] = IMAGES[:2]
        bad["narrow"] = IMAGES[:, :, :30]
        bad["matrices"] = numpy.tile(numpy.identity(4), (3, 1, 1))

    with h5py.File(folder / "links.h5", "w") as file:
        file["1.1"] = h5py.ExternalLink("maps.h5", "/entry")
    with h5py.File(folder / "writing.h5", "w", libver="latest") as file:
        file["raw"] = IMAGES
        file.swmr_mode = True
        (folder / "swmr.h5").write_bytes((folder / "writing.h5").read_bytes())


def good_inputs() -> dict[str, Any]:
    return {
        "image_stacks": {name: f"{MAPS}/{name}" for name in SHIFTS},
        "transformations": SHIFTS,
        "output_root_uri": OUTPUT,
    }


def inputs_of(mistake: Mistake, folder: Path) -> dict[str, Any]:
    """The inputs of the task with the mistake in them."""
    inputs = good_inputs()
    for name, change in mistake.changes.items():
        if isinstance(change, dict) and name in ("image_stacks", "transformations"):
            merged = {**inputs[name], **change}
            change = {key: value for key, value in merged.items() if value is not None}
        inputs[name] = change
    return {name: _fill(value, str(folder)) for name, value in inputs.items()}


def _fill(value: Any, folder: str) -> Any:
    if isinstance(value, str):
        return value.replace(FOLDER, folder)
    if isinstance(value, list):
        return [_fill(item, folder) for item in value]
    if isinstance(value, dict):
        return {name: _fill(item, folder) for name, item in value.items()}
    return value
