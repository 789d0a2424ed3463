"""Read and write NeXus groups and attributes (https://www.nexusformat.org)."""

from __future__ import annotations

import json
from collections.abc import Container
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
from ._file_stacks import select
from ._hdf5_files import find_item
from ._hdf5_files import open_to_read


@dataclass(frozen=True)
class Axis:
    """The positions along one axis: energies, angles, motor positions; `attributes` are `units` and
    `long_name`."""

    name: str
    values: ArrayLike
    attributes: Mapping[str, Any] = field(default_factory=dict)


Tree = dict[Any, Any]
"""The content of a group, as for :func:`silx.io.dictdump.dicttoh5`: datasets, links and groups by
name, and attributes by the name of the item, or an empty one for the group itself, and their own.
"""


def make_plot(
    title: str,
    signals: Mapping[str, Any],
    interpretation: str = "image",
    *,
    axes: Sequence[Axis | None] = (),
    units: str = "",
    columns: Mapping[str, Any] | None = None,
) -> Tree:
    """Make an `NXdata` group, which viewers plot.

    :param signals: arrays of the same shape, or links to them; the first is the default signal.
    :param interpretation: `image` or `spectrum`, the meaning of the last axes.
    :param axes: the axes of the signals, None for those that are unknown.
    :param units: units of the signals.
    :param columns: further arrays of any shape, which are not plotted.
    """
    tree: Tree = {"title": title, **signals, **(columns or {})}
    tree |= _mark_signals(list(signals))
    for name, values in signals.items():
        if not isinstance(values, h5py.SoftLink):  # the target has its own attributes
            tree[name, "interpretation"] = interpretation
            tree |= {(name, "units"): units} if units else {}
    names = ["." if axis is None else free_name(tree, axis.name) for axis in axes]
    for name, axis in zip(names, axes, strict=True):
        if axis is not None:
            tree[name] = axis.values
            tree |= {(name, key): value for key, value in axis.attributes.items()}
    return tree | ({("", "axes"): names} if any(axes) else {})


def make_process(notes: Mapping[str, Any], matrices: Mapping[str, ArrayLike]) -> Tree:
    """Make an `NXprocess` group of this program.

    :param notes: its inputs and parameters, by the name of the note: JSON types, without NaN.
    :param matrices: registrations by name: passive matrices of shape `(N, 3, 3)`.
    """
    tree: Tree = {
        ("", "NX_class"): "NXprocess",
        "program": "ewoksndreg",
        "version": __version__,
        "date": datetime.now().astimezone().isoformat(timespec="seconds"),
    }
    for name, content in notes.items():
        pairs = ((json.dumps(key), json.dumps(content[key], allow_nan=False)) for key in content)
        data = "{\n" + ",\n".join(map(": ".join, pairs)) + "\n}"
        tree[name] = {("", "NX_class"): "NXnote", "type": "application/json", "data": data}
    registrations: Tree = dict(matrices)
    for name in matrices:
        registrations[name, "convention"] = "passive"
        registrations[name, "coordinates"] = "(row, column, 1) of the aligned image -> image"
    return tree | {"transformations": registrations}


def write_tree(group: h5py.Group, tree: Tree) -> None:
    """Write a tree in the given order; groups without a class become an `NXcollection`."""
    for key, value in tree.items():
        if isinstance(value, Mapping):
            content = {("", "NX_class"): "NXcollection", **value}
            write_tree(group.create_group(key, track_order=True), content)
        elif isinstance(value, list) and all(isinstance(each, str) for each in value):
            if isinstance(key, str):  # may be empty
                group.create_dataset(key, data=value, dtype=h5py.string_dtype())
        elif isinstance(key, str):
            group[key] = value
    for key, value in tree.items():
        if isinstance(key, tuple):
            (group[key[0]] if key[0] else group).attrs[key[1]] = value


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


def plot_images(group: h5py.Group, names: Sequence[str]) -> None:
    """Set the signals of a group, so that viewers plot stacks of images.

    :param group: `NXdata` group with datasets of shape `(N, H, W)`, or the root group, which cannot
        be a plot itself.
    :param names: the datasets; the first one is plotted first, those of another shape are not.
    """
    tree: Tree = {(name, "interpretation"): "image" for name in names}
    if group.attrs["NX_class"] == "NXdata":
        shape = group[names[0]].shape
        tree |= _mark_signals([name for name in names if group[name].shape == shape])
    write_tree(group, tree)


def _mark_signals(names: list[str]) -> Tree:
    tree: Tree = {("", "NX_class"): "NXdata", ("", "signal"): names[0]}
    return tree | ({("", "auxiliary_signals"): names[1:]} if names[1:] else {})


def free_name(group: Container[str], name: str) -> str:
    """Find a name that does not exist in a group, with a number appended if needed."""
    numbered = (name if n == 1 else f"{name}_{n}" for n in count(1))
    return next(each for each in numbered if each not in group)


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


def _axes_in(group: h5py.Group, dataset: h5py.Dataset, data_slice: tuple[Any, ...]) -> StackAxes:
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
    selectors = select(dataset.shape, data_slice)
    axes = tuple(
        _axis(found, selector, length)
        for found, selector, length in zip(plot.axes, selectors, dataset.shape, strict=True)
        if isinstance(selector, range)
    )
    return StackAxes(axes if any(axes) and len(axes) == 3 else (), units)


def _axis(found: h5py.Dataset | None, selector: range, length: int) -> Axis | None:
    if found is None or found.shape != (length,) or found.dtype.kind not in "biuf":
        return None
    attributes = {key: found.attrs[key] for key in ("units", "long_name") if key in found.attrs}
    return Axis(found.name.rpartition("/")[2], numpy.asarray(found[()])[selector], attributes)


def read_attribute(item: h5py.HLObject, name: str) -> Any:
    """Read an attribute, also from an array of one; h5py reads strings of fixed length as bytes.
    None if it is missing."""
    value = item.attrs.get(name)
    if isinstance(value, numpy.ndarray) and value.size == 1:
        value = value.item()
    return value.decode(errors="replace") if isinstance(value, bytes) else value
