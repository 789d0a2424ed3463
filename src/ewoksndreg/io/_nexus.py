"""Groups and attributes that make an HDF5 file explain itself (https://www.nexusformat.org)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from datetime import datetime
from itertools import count
from typing import Any

import h5py
from numpy.typing import ArrayLike

from .. import __version__


@dataclass(frozen=True)
class Axis:
    """The positions along one axis: energies, angles, motor positions; `attributes` are `units` and
    `long_name`."""

    name: str
    values: ArrayLike
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plot:
    """Arrays of one shape that viewers draw.

    :param title: what is drawn.
    :param signals: by name; the first one is drawn first.
    :param interpretation: `image` or `spectrum`: what the last axes are drawn as.
    :param axes: for each axis of the signals where it has one, else None.
    :param units: of the signals.
    :param columns: arrays of any shape that belong to it and are not drawn.
    """

    title: str
    signals: Mapping[str, ArrayLike]
    interpretation: str = "image"
    axes: Sequence[Axis | None] = ()
    units: str = ""
    columns: Mapping[str, ArrayLike] = field(default_factory=dict)


@dataclass(frozen=True)
class Quantity:
    """A number, or an array of numbers, with its units."""

    value: ArrayLike
    units: str


def create_plot_group(file: h5py.File, path: str) -> h5py.Group:
    """A group to be plotted, which viewers find from the root of the file.

    :param path: absolute path of the group.
    :returns: the `NXdata` group, below `NXcollection` groups in an `NXentry`; or the root.
    """
    names = path.strip("/").split("/") if path.strip("/") else []
    classes = ["NXentry", *["NXcollection"] * (len(names) - 2), "NXdata"][-len(names) :]
    group: h5py.Group = file
    group.attrs["NX_class"] = "NXroot"
    for name, nx_class in zip(names, classes, strict=False):
        group.attrs["default"] = name
        group = group.create_group(name)
        group.attrs["NX_class"] = nx_class
    return group


def plot_images(group: h5py.Group, signal: str, auxiliary_signals: Sequence[str]) -> None:
    """Make a viewer show a stack of images, and others of the same shape beside it.

    :param group: `NXdata` group with datasets of shape `(N, H, W)`; the root is no plot itself.
    :param signal: name of the dataset that is shown first.
    :param auxiliary_signals: names of further datasets; those of another shape are left out.
    """
    shape = group[signal].shape
    for name in (signal, *auxiliary_signals):
        group[name].attrs["interpretation"] = "image"
    if group.attrs["NX_class"] == "NXdata":
        _mark_signals(group, [signal, *(n for n in auxiliary_signals if group[n].shape == shape)])


def write_plot(parent: h5py.Group, name: str, plot: Plot) -> None:
    """Write a :class:`Plot` as an `NXdata` group."""
    group = parent.create_group(name, track_order=True)
    group.attrs["NX_class"] = "NXdata"
    group["title"] = plot.title
    for key, values in {**plot.signals, **plot.columns}.items():
        group[key] = values
        if isinstance(values, h5py.SoftLink):  # to something that says for itself what it is
            continue
        if key in plot.signals:
            group[key].attrs["interpretation"] = plot.interpretation
            group[key].attrs.update({"units": plot.units} if plot.units else {})
    _mark_signals(group, list(plot.signals))
    names = ["." if axis is None else free_name(group, axis.name) for axis in plot.axes]
    for key, axis in zip(names, plot.axes, strict=True):
        if axis is not None:
            group[key] = axis.values
            group[key].attrs.update(axis.attributes)
    if any(plot.axes):
        group.attrs["axes"] = names


def write_process(parent: h5py.Group, name: str, inputs: Mapping[str, Any]) -> h5py.Group:
    """An `NXprocess` group that says which program made data, and from what (JSON-able, no NaN)."""
    process = parent.create_group(name, track_order=True)
    process.attrs["NX_class"] = "NXprocess"
    process["program"] = "ewoksndreg"
    process["version"] = __version__
    process["date"] = datetime.now().astimezone().isoformat(timespec="seconds")
    note = process.create_group("inputs")
    note.attrs["NX_class"] = "NXnote"
    note["type"] = "application/json"
    lines = [f"{json.dumps(key)}: {json.dumps(inputs[key], allow_nan=False)}" for key in inputs]
    note["data"] = "{\n" + ",\n".join(lines) + "\n}"
    return process


def write_matrices(parent: h5py.Group, name: str, matrices: Mapping[str, ArrayLike]) -> None:
    """Write registrations, passive matrices `(N, 3, 3)`, so that they can be read as such."""
    collection = parent.create_group(name, track_order=True)
    collection.attrs["NX_class"] = "NXcollection"
    for key, values in matrices.items():
        collection[key] = values
        collection[key].attrs["convention"] = "passive"
        collection[key].attrs["coordinates"] = "(row, column, 1) of the aligned image -> image"


def write_values(parent: h5py.Group, name: str, values: Mapping[str, Any]) -> None:
    """Write what is not drawn: strings, numbers, arrays, lists of strings, and dictionaries as
    JSON."""
    collection = parent.create_group(name, track_order=True)
    collection.attrs["NX_class"] = "NXcollection"
    for key, value in values.items():
        if isinstance(value, Quantity):
            collection[key] = value.value
            collection[key].attrs["units"] = value.units
        elif isinstance(value, list):  # may be empty
            collection.create_dataset(key, data=value, dtype=h5py.string_dtype())
        elif isinstance(value, dict):
            collection[key] = json.dumps(value)
        else:
            collection[key] = value


def _mark_signals(group: h5py.Group, names: Sequence[str]) -> None:
    group.attrs["signal"] = names[0]
    if names[1:]:
        group.attrs["auxiliary_signals"] = names[1:]


def free_name(group: h5py.Group, name: str) -> str:
    """A name that nothing in a group has, with a number behind where that is needed."""
    numbered = (name if n == 1 else f"{name}_{n}" for n in count(1))
    return next(each for each in numbered if group.get(each, getlink=True) is None)
