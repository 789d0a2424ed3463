"""Read and write NeXus groups and attributes (https://www.nexusformat.org)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from datetime import datetime
from itertools import count
from typing import Any

import h5py
import numpy
from numpy.typing import ArrayLike
from silx.io.nxdata.parse import NXdata
from silx.io.url import DataUrl

from .. import __version__
from .._messages import locate_errors
from .._stacks import Stack
from ._hdf5_files import find_item
from ._hdf5_files import open_to_read


@dataclass(frozen=True)
class Axis:
    """The positions along one axis: energies, angles, motor positions; `attributes` are `units` and
    `long_name`."""

    name: str
    values: ArrayLike
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Plot:
    """Arrays of the same shape for an `NXdata` group, which viewers plot.

    :param title: title of the plot.
    :param signals: arrays by name; the first one is the default signal.
    :param interpretation: `image` or `spectrum`, the meaning of the last axes.
    :param axes: the axes of the signals, None for those that are unknown.
    :param units: units of the signals.
    :param columns: further arrays of any shape, which are not plotted.
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
    """Create a group that viewers plot by default.

    :param path: absolute path of the group.
    :returns: the `NXdata` group, in `NXcollection` groups of an `NXentry`; or the root group.
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
    """Set the signals of a group, so that viewers plot stacks of images.

    :param group: `NXdata` group with datasets of shape `(N, H, W)`, or the root group, which cannot
        be a plot itself.
    :param signal: name of the dataset that is plotted first.
    :param auxiliary_signals: names of further datasets; those of another shape are ignored.
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
        if isinstance(values, h5py.SoftLink):  # the target has its own attributes
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


def write_process(process: h5py.Group, notes: Mapping[str, Any]) -> None:
    """Make a group an `NXprocess` of this program.

    :param notes: its inputs and parameters, by the name of the note: JSON types, without NaN.
    """
    process.attrs["NX_class"] = "NXprocess"
    process["program"] = "ewoksndreg"
    process["version"] = __version__
    process["date"] = datetime.now().astimezone().isoformat(timespec="seconds")
    for name, content in notes.items():
        note = process.create_group(name)
        note.attrs["NX_class"] = "NXnote"
        note["type"] = "application/json"
        pairs = ((json.dumps(key), json.dumps(content[key], allow_nan=False)) for key in content)
        note["data"] = "{\n" + ",\n".join(map(": ".join, pairs)) + "\n}"


def write_matrices(parent: h5py.Group, name: str, matrices: Mapping[str, ArrayLike]) -> None:
    """Write registrations as passive matrices `(N, 3, 3)`, with their convention."""
    collection = parent.create_group(name, track_order=True)
    collection.attrs["NX_class"] = "NXcollection"
    for key, values in matrices.items():
        collection[key] = values
        collection[key].attrs["convention"] = "passive"
        collection[key].attrs["coordinates"] = "(row, column, 1) of the aligned image -> image"


def write_values(parent: h5py.Group, name: str, values: Mapping[str, Any]) -> None:
    """Write values that are not plotted: strings, numbers, arrays, lists of strings, and
    dictionaries as JSON."""
    collection = parent.create_group(name, track_order=True)
    collection.attrs["NX_class"] = "NXcollection"
    for key, value in values.items():
        if isinstance(value, Quantity):
            collection[key] = value.value
            collection[key].attrs["units"] = value.units
        elif isinstance(value, list):  # may be empty
            collection.create_dataset(key, data=value, dtype=h5py.string_dtype())
        elif isinstance(value, dict):
            collection[key] = json.dumps(value, allow_nan=False)
        else:
            collection[key] = value


def _mark_signals(group: h5py.Group, names: Sequence[str]) -> None:
    group.attrs["signal"] = names[0]
    if names[1:]:
        group.attrs["auxiliary_signals"] = names[1:]


def free_name(group: h5py.Group, name: str) -> str:
    """Find a name that does not exist in a group, with a number appended if needed."""
    numbered = (name if n == 1 else f"{name}_{n}" for n in count(1))
    return next(each for each in numbered if group.get(each, getlink=True) is None)


def find_stacks(group: h5py.Group) -> dict[str, h5py.Dataset]:
    """Find the 3D datasets of numbers in a group, by name, except the uncertainties of another one
    (`<name>_errors`).

    :raises TypeError: if a 3D dataset has a type that numpy does not have; names it.
    """
    stacks = {}
    for name in group:
        item = find_item(group, name)
        is_error = name.endswith("_errors") and name.removesuffix("_errors") in group
        if isinstance(item, h5py.Dataset) and item.ndim == 3 and not is_error:
            with locate_errors(f"dataset {item.name!r}"):
                if item.dtype.kind in "biuf":
                    stacks[name] = item
    return stacks


@dataclass(frozen=True)
class StackAxes:
    """The axes of a stack according to its file.

    :param axes: those of the images, rows and columns, each None if it is unknown; or empty.
    :param units: units of the pixels.
    """

    axes: tuple[Axis | None, ...] = ()
    units: str | None = None


def find_axes(source: Stack | h5py.Dataset | DataUrl | None) -> StackAxes:
    """Find the axes of a stack in an `NXdata` group, and the units of its pixels.

    :param source: h5py dataset or its URL, or a stack that comes from there. None has no axes.
    """
    if isinstance(source, Stack):
        known = find_axes(source.origin)
        images, *others = known.axes or [None]
        if images is not None:
            images = replace(images, values=numpy.asarray(images.values)[source.indices])
        return replace(known, axes=(images, *others) if known.axes else ())
    if isinstance(source, h5py.Dataset):
        return _axes_in(source.parent, source, ())
    if source is None:
        return StackAxes()
    parent, _, name = str(source.data_path()).rpartition("/")
    with open_to_read(str(source.file_path())) as file:
        group = file[parent or "/"]
        return _axes_in(group, group[name], source.data_slice() or ())


def _axes_in(group: h5py.Group, dataset: h5py.Dataset, selection: tuple[Any, ...]) -> StackAxes:
    if not isinstance(dataset, h5py.Dataset):
        return StackAxes()
    units = read_attribute(dataset, "units")
    if read_attribute(group, "NX_class") != "NXdata":
        return StackAxes(units=units)
    try:
        plot: Any = NXdata(group)
        valid = plot.is_valid and plot.signal.shape == dataset.shape
    except Exception:  # silx raises anything for attributes of a wrong type
        valid = False
    if not valid:
        return StackAxes(units=units)
    axes = tuple(
        None if found is None else _axis(found, index, length)
        for found, index, length in zip(
            plot.axes, _per_axis(selection, dataset.ndim), dataset.shape, strict=True
        )
        if not isinstance(index, int)
    )
    return StackAxes(axes if any(axes) and len(axes) == 3 else (), units)


def _per_axis(selection: tuple[Any, ...], ndim: int) -> list[Any]:
    """Expand a selection to one index per axis of a dataset."""
    indices = list(selection)
    if ... not in indices:
        indices.append(...)
    at = indices.index(...)
    indices[at : at + 1] = [slice(None)] * (ndim - len(indices) + 1)
    return indices


def _axis(found: h5py.Dataset, index: slice, length: int) -> Axis | None:
    if found.shape != (length,) or found.dtype.kind not in "biuf":
        return None
    attributes = {key: found.attrs[key] for key in ("units", "long_name") if key in found.attrs}
    return Axis(found.name.rpartition("/")[2], numpy.asarray(found[()])[index], attributes)


def read_attribute(item: h5py.HLObject, name: str) -> Any:
    """Read an attribute, also from an array of one; h5py reads strings of fixed length as bytes.
    None if it is missing."""
    value = item.attrs.get(name)
    if isinstance(value, numpy.ndarray) and value.size == 1:
        value = value.item()
    return value.decode(errors="replace") if isinstance(value, bytes) else value
