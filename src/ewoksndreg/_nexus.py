"""Describe stacks and results in NeXus files (https://www.nexusformat.org).

A `Tree` is the content of a group as for :func:`silx.io.dictdump.dicttoh5`: datasets, links and
groups by name, attributes by two names: that of the item, empty for the group itself, and theirs.
`Groups` are the trees of single groups, by path.
"""

from __future__ import annotations

import json
import posixpath
import warnings
from collections.abc import Container
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from datetime import datetime
from typing import Any

import h5py
import numpy
from numpy.typing import ArrayLike
from numpy.typing import NDArray
from silx.io.dictdump import dicttonx
from silx.io.nxdata.parse import NXdata
from silx.io.url import DataUrl

from . import __version__
from ._crop import Rectangle
from ._stacks import Stack
from .io import Hdf5OutputStacks
from .io import describe_parents
from .io import free_name
from .io import open_to_read
from .io import read_attribute
from .io import select
from .transformation import Transformation

Tree = dict[Any, Any]
Groups = dict[str, Tree]

# Names of the axes of a cropped stack that had none.
_PIXEL_AXES = ("row", "column")


@dataclass(frozen=True)
class Axis:
    """The positions along one axis: energies, angles, motor positions; `attributes` are `units` and
    `long_name`."""

    name: str
    values: ArrayLike
    attributes: Mapping[str, Any] = field(default_factory=dict)


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
    tree |= _mark_signals(*signals)
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
    registrations: Tree = {("", "NX_class"): "NXcollection", **matrices}
    for name in matrices:
        registrations[name, "convention"] = "passive"
        registrations[name, "coordinates"] = "(row, column, 1) of the aligned image -> image"
    return tree | {"transformations": registrations}


def passive_matrices(
    registrations: Mapping[str, Sequence[Transformation | None]],
) -> dict[str, NDArray[numpy.float64]]:
    """The registrations as arrays `(N, 3, 3)`, except those with transformations without matrix;
    NaN for an image that failed (None)."""
    nothing = numpy.full((3, 3), numpy.nan)
    return {
        name: numpy.array(
            [nothing if each is None else each.passive_matrix for each in registration], dtype=float
        )
        for name, registration in registrations.items()
        if registration
        and all(each is None or hasattr(each, "passive_matrix") for each in registration)
    }


def _mark_signals(signal: str, *others: str) -> Tree:
    tree: Tree = {("", "NX_class"): "NXdata", ("", "signal"): signal}
    return tree | ({("", "auxiliary_signals"): list(others)} if others else {})


def describe_evaluation(
    output: Hdf5OutputStacks,
    *,
    signal: str,
    inputs: Mapping[str, Any],
    title: str = "Aligned images",
    axes: Sequence[Axis | None] = (),
    units: Mapping[str, str] | None = None,
    results: Tree | None = None,
    matrices: Mapping[str, ArrayLike] | None = None,
) -> str:
    """Make a group of stacks a default plot, and write beside it how the stacks were made.

    A group `/entry/aligned` itself only gets attributes. The description is in
    `/entry/aligned_evaluation`, or in `evaluation` for the root group, with a number appended if
    that name exists. The root group cannot be a plot itself.

    :param output: the stacks, all written.
    :param signal: name of the stack that viewers show first.
    :param inputs: what the stacks were made from, JSON types without NaN.
    :param title: title of the images.
    :param axes: axes of the images, rows and columns.
    :param units: units of the pixels, by stack name.
    :param results: further groups, see :func:`make_plot`.
    :param matrices: registrations by name: passive matrices of shape `(N, 3, 3)`.
    :returns: the path of the description.
    """
    root = str(output.url.data_path())
    stacks = output.file[root]
    names = sorted(output.data_for_input(), key=signal.__ne__)
    plotted = [name for name in names if stacks[name].shape == stacks[signal].shape]
    group: Tree = {(name, "interpretation"): "image" for name in names}
    group |= {(name, "units"): unit for name, unit in (units or {}).items()}
    group |= {("", "title"): title} | (_mark_signals(*plotted) if root != "/" else {})
    output.write(root, group)
    links = {name.replace("/", "_"): h5py.SoftLink(posixpath.join(root, name)) for name in plotted}
    place = "/evaluation" if root == "/" else f"{root}_evaluation"
    place = free_name(output, free_name(output.file, place))
    output.write(posixpath.dirname(place), {("", "default"): posixpath.basename(place)})
    process = make_process({"inputs": inputs}, matrices or {})
    plot = make_plot(title, links, axes=axes)
    output.write(place, {**process, ("", "default"): "stacks", "stacks": plot, **(results or {})})
    return place


def describe_nxdata(
    sources: Mapping[str, Any],
    shapes: Mapping[str, tuple[int, ...]],
    root: str,
    signals: Container[str] = (),
) -> Groups:
    """Describe the NXdata groups for stacks that are saved below a group, and the groups above,
    with the axes and units of the NXdata groups that the stacks come from.

    :param sources: stacks or h5py datasets by name.
    :param shapes: `(N, H, W)` by name.
    :param root: path of the group.
    :param signals: the stacks that are the default signals; otherwise the first one of a group.
    :warns RuntimeWarning: if stacks that would share an axis have different ones.
    """
    names_of: dict[str, list[str]] = {}
    for name in sources:
        path = posixpath.dirname(posixpath.join(root, name))
        names_of.setdefault(path, []).append(name)
    groups: Groups = {}
    for path, names in names_of.items():
        for above, attributes in describe_parents(path).items():
            groups[above] = attributes | groups.get(above, {})
        signal = next((name for name in names if name in signals), names[0])
        names.sort(key=signal.__ne__)
        same_shape = {name: sources[name] for name in names if shapes[name] == shapes[signal]}
        groups[path].update(_describe_group(path, same_shape))
    return groups


def _describe_group(path: str, sources: Mapping[str, Any]) -> Tree:
    signal, *others = map(posixpath.basename, sources)
    group = _mark_signals(signal, *others)
    found = []
    for name, source in zip((signal, *others), sources.values(), strict=True):
        known = find_axes(source)
        group[name, "interpretation"] = "image"
        if known.units:
            group[name, "units"] = known.units
        if known.axes:
            found.append(known.axes)
    names = []
    for axes in zip(*found, strict=True):
        axis = _find_common(path, axes)
        name = "." if axis is None else axis.name
        if axis is not None:
            while name in (signal, *others):
                name += "_axis"
            group[name] = axis.values
            group |= {(name, key): value for key, value in axis.attributes.items()}
        names.append(name)
    if any(name != "." for name in names):
        group["", "axes"] = names
    return group


def _find_common(path: str, axes: Sequence[Axis | None]) -> Axis | None:
    known = [axis for axis in axes if axis is not None]
    for axis in known:
        if axis.name != known[0].name or not numpy.array_equal(axis.values, known[0].values):
            warnings.warn(
                f"The stacks in {path!r} have different axes, {known[0].name!r} and {axis.name!r}:"
                " none is saved with them",
                RuntimeWarning,
                stacklevel=2,
            )
            return None
    return known[0] if known else None


def crop_axes(group: Tree, shape: tuple[int, int], rectangle: Rectangle) -> None:
    """Crop the axes of an NXdata group as its stacks were cropped. Rows and columns without an axis
    are counted from the edge of the uncropped images.

    :param shape: `(H, W)` of the uncropped images.
    """
    if rectangle.shape == shape:
        return
    axes = list(group.get(("", "axes"), ()))
    if len(axes) != 3:
        axes = [".", ".", "."]
    for d, (size, part, pixels) in enumerate(zip(shape, rectangle, _PIXEL_AXES, strict=True), 1):
        values = numpy.asarray(group.get(axes[d], ()))
        more = len(values) - size if values.ndim == 1 else -1
        if more in (0, 1):  # centers or edges
            group[axes[d]] = values[part.start : part.stop + more]
        else:
            axes[d] = pixels
            group[pixels] = numpy.asarray(part)
    group["", "axes"] = axes


@dataclass(frozen=True)
class StackAxes:
    """The axes of a stack according to its file.

    :param axes: those of the images, rows and columns, each None if it is unknown; or empty.
    :param units: units of the pixels.
    """

    axes: tuple[Axis | None, ...] = ()
    units: str | None = None


def find_axes(source: Any) -> StackAxes:
    """Find the axes of a stack in an `NXdata` group, and the units of its pixels.

    :param source: h5py dataset or its `DataUrl`, or a stack that comes from there. Others have no
        axes.
    """
    if isinstance(source, Stack):
        known = find_axes(source.origin)
        images, *others = known.axes or [None]
        if images is not None:
            images = replace(images, values=numpy.asarray(images.values)[source.indices])
        return replace(known, axes=(images, *others) if known.axes else ())
    if isinstance(source, h5py.Dataset):
        return _axes_in(source.parent, source, ())
    if not isinstance(source, DataUrl):
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


def flatten(tree: Mapping[str, Any], path: str = "/") -> Groups:
    """Convert a tree for :func:`silx.io.dictdump.dicttonx`, except its links (keys with `>`)."""
    groups: Groups = {path: {}}
    for key, value in tree.items():
        name, is_attribute, attribute = key.rpartition("@")
        if isinstance(value, Mapping):
            for inner, group in flatten(value, posixpath.join(path, key.strip("/"))).items():
                groups.setdefault(inner, {}).update(group)
        else:
            if hasattr(value, "magnitude"):  # a quantity of pint
                groups[path][key, "units"] = f"{value.units:~C}"
                value = value.magnitude
            groups[path][(name, attribute) if is_attribute else key] = value
    return groups


def nest(groups: Groups) -> dict[str, Any]:
    """Make the tree from groups, the inverse of :func:`flatten`."""
    tree: dict[str, Any] = {}
    for path, group in groups.items():
        inner = tree
        for part in filter(None, path.split("/")):
            inner = inner.setdefault(part, {})
        for key, value in group.items():
            inner["@".join(key) if isinstance(key, tuple) else key] = value
    return tree


def update_groups(groups: Groups, tree: Mapping[str, Any]) -> None:
    """Replace the contents of groups with those in a tree, and add the other groups of the tree. Of
    the replaced contents, only the attributes that the tree does not have are kept."""
    for path, given in flatten(tree).items():
        replaced = {"axes"}
        if ("", "signal") in given:
            replaced |= {"signal", "auxiliary_signals"}
        known = groups.get(path, {})
        if given:
            known = {key: known[key] for key in known if key[0] == "" and key[1] not in replaced}
        groups[path] = known | given


def find_process(groups: Groups, output: Hdf5OutputStacks) -> str:
    """Find the path of the `NXprocess` group that records how stacks were aligned: the one above
    them or, if there is none or it exists in the file already, one beside them."""
    above = root = str(output.url.data_path())
    while above != "/" and groups.get(above, {}).get(("", "NX_class")) != "NXprocess":
        above = posixpath.dirname(above)
    if above != "/" and above not in output:
        return above
    return free_name(output, "/alignment" if root == "/" else f"{root}_alignment")


def write_groups(output: Hdf5OutputStacks, groups: Groups) -> None:
    """Write groups beside or above the stacks. What exists in the file already is kept."""

    def find_place(path: str, key: Any) -> str:
        return posixpath.join(path, key[0] if isinstance(key, tuple) else key.removeprefix(">"))

    taken = output.find_taken(find_place(path, key) for path in groups for key in groups[path])
    for path, group in groups.items():
        new = {key: group[key] for key in group if find_place(path, key) not in taken}
        links = {key: new.pop(key) for key in group if key in new and key[0] == ">"}
        output.write(path, new)
        dicttonx(  # type: ignore[no-untyped-call, unused-ignore]
            links, output.file, h5path=path, update_mode="modify"
        )
