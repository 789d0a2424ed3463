"""Groups and attributes that make an HDF5 file explain itself (https://www.nexusformat.org)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import h5py

from .. import __version__


def create_plot_group(file: h5py.File, path: str) -> h5py.Group:
    """A group to be plotted, which viewers find from the root of the file.

    :param path: absolute path of the group, not the root.
    :returns: the `NXdata` group, below `NXcollection` groups in an `NXentry`.
    """
    names = path.strip("/").split("/")
    classes = ["NXentry", *["NXcollection"] * (len(names) - 2), "NXdata"][-len(names) :]
    group: h5py.Group = file
    group.attrs["NX_class"] = "NXroot"
    for name, nx_class in zip(names, classes, strict=True):
        group.attrs["default"] = name
        group = group.create_group(name)
        group.attrs["NX_class"] = nx_class
    return group


def plot_images(group: h5py.Group, signal: str, auxiliary_signals: Sequence[str]) -> None:
    """Make a viewer show a stack of images, and others of the same shape beside it.

    :param group: `NXdata` group with datasets of shape `(N, H, W)`.
    :param signal: name of the dataset that is shown first.
    :param auxiliary_signals: names of further datasets; those of another shape are left out.
    """
    shape = group[signal].shape
    same_shape = [name for name in auxiliary_signals if group[name].shape == shape]
    group.attrs["signal"] = signal
    if same_shape:
        group.attrs["auxiliary_signals"] = same_shape
    for name in (signal, *auxiliary_signals):
        group[name].attrs["interpretation"] = "image"


def write_process(
    parent: h5py.Group, name: str, inputs: Mapping[str, Any], results: Mapping[str, Any]
) -> None:
    """Say which program made the data beside this group, from what, and what it found.

    :param name: of the new group.
    :param inputs: JSON-able.
    :param results: names and numbers, text or arrays.
    """
    process = parent.create_group(name)
    process.attrs["NX_class"] = "NXprocess"
    process["program"] = "ewoksndreg"
    process["version"] = __version__
    process["date"] = datetime.now().astimezone().isoformat(timespec="seconds")
    note = process.create_group("inputs")
    note.attrs["NX_class"] = "NXnote"
    note["type"] = "application/json"
    note["data"] = json.dumps(inputs, indent=2, default=str)
    if results:
        collection = process.create_group("scores")
        collection.attrs["NX_class"] = "NXcollection"
        for key, value in results.items():
            collection[key] = value
