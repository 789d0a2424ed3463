"""Describe stacks and their axes in NXdata groups (https://www.nexusformat.org).

Groups are described as in :mod:`silx.io.dictdump`: datasets by name, attributes by ``"@name"`` or
``"dataset@name"``. Here each group has its own dictionary, by its path.
"""

from __future__ import annotations

import os
import posixpath
import warnings
from collections.abc import Container
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from itertools import count
from typing import Any

import h5py
import numpy
from silx.io.dictdump import dicttonx
from silx.io.url import DataUrl

from ._crop import Rectangle
from .io import Axis
from .io import find_axes
from .io import open_to_read

Groups = dict[str, dict[str, Any]]

# Names of the axes of a cropped stack that had none.
_PIXEL_AXES = ("row", "column")


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
    groups: Groups = {"/": {"@NX_class": "NXroot"}}
    for path, names in names_of.items():
        above = "/"
        for part in filter(None, path.split("/")):
            groups[above].setdefault("@default", part)
            nx_class = "NXentry" if above == "/" else "NXcollection"
            above = posixpath.join(above, part)
            groups.setdefault(above, {"@NX_class": nx_class})
        signal = next((name for name in names if name in signals), names[0])
        names.sort(key=signal.__ne__)
        same_shape = {name: sources[name] for name in names if shapes[name] == shapes[signal]}
        groups[path].update(_describe_group(path, same_shape))
    return groups


def _describe_group(path: str, sources: Mapping[str, Any]) -> dict[str, Any]:
    signal, *others = map(posixpath.basename, sources)
    group: dict[str, Any] = {"@NX_class": "NXdata", "@signal": signal}
    if others:
        group["@auxiliary_signals"] = others
    found = []
    for name, source in zip((signal, *others), sources.values(), strict=True):
        known = find_axes(source)
        group[f"{name}@interpretation"] = "image"
        if known.units:
            group[f"{name}@units"] = known.units
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
            group.update({f"{name}@{key}": value for key, value in axis.attributes.items()})
        names.append(name)
    if any(name != "." for name in names):
        group["@axes"] = names
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


def crop_axes(group: dict[str, Any], shape: tuple[int, int], rectangle: Rectangle) -> None:
    """Crop the axes of an NXdata group as its stacks were cropped. Rows and columns without an axis
    are counted from the edge of the uncropped images.

    :param shape: `(H, W)` of the uncropped images.
    """
    if rectangle.shape == shape:
        return
    axes = list(group.get("@axes", ()))
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
    group["@axes"] = axes


def flatten(tree: Mapping[str, Any], path: str = "/") -> Groups:
    """Convert a tree for :func:`silx.io.dictdump.dicttonx` to groups by path."""
    groups: Groups = {path: {}}
    for key, value in tree.items():
        if isinstance(value, Mapping):
            for inner, group in flatten(value, posixpath.join(path, key.strip("/"))).items():
                groups.setdefault(inner, {}).update(group)
        else:
            groups[path][key] = value
    return groups


def update_groups(groups: Groups, tree: Mapping[str, Any]) -> None:
    """Replace the contents of groups with those in a tree, and add the other groups of the tree. Of
    the replaced contents, only the attributes that the tree does not have are kept."""
    for path, given in flatten(tree).items():
        replaced = {"@axes"}
        if "@signal" in given:
            replaced |= {"@signal", "@auxiliary_signals"}
        known = groups.get(path, {})
        if given:
            known = {key: known[key] for key in known if key[0] == "@" and key not in replaced}
        groups[path] = {**known, **given}


def nest(groups: Groups) -> dict[str, Any]:
    """Make the tree from groups by path, the inverse of :func:`flatten`."""
    tree: dict[str, Any] = {}
    for path, group in groups.items():
        inner = tree
        for part in filter(None, path.split("/")):
            inner = inner.setdefault(part, {})
        inner.update(group)
    return tree


def find_process(groups: Groups, url: DataUrl) -> str:
    """Find the path of the `NXprocess` group that records how stacks were aligned: the one above
    them or, if there is none or it exists in the file already, one beside them.

    :param url: URL of the group of the stacks.
    """
    root, file = str(url.data_path()), str(url.file_path())
    above = root
    while above != "/" and groups.get(above, {}).get("@NX_class") != "NXprocess":
        above = posixpath.dirname(above)
    if above != "/" and not find_taken(file, [above]):
        return above
    return find_free(file, "/alignment" if root == "/" else f"{root}_alignment")


def write_groups(file: h5py.File, url: DataUrl, groups: Groups) -> None:
    """Write groups to a new file whose content will be added to another one. What exists in either
    of the two files is kept.

    :param url: URL with the path of the other file.
    """
    places = [_place(path, key) for path, group in groups.items() for key in group if key[0] != "@"]
    taken = find_taken(str(url.file_path()), [*groups, *places])
    for path, group in groups.items():
        new = {}
        for key, value in group.items():
            if key[0] == "@":
                # An existing process is not replaced.
                wanted = not (path in taken and value == "NXprocess")
            else:
                place = _place(path, key)
                wanted = place not in taken and ("@" in key or place not in file)
            if wanted:
                new[key] = value
        dicttonx(  # type: ignore[no-untyped-call, unused-ignore]
            new, file, h5path=path, update_mode="modify"
        )


def _place(path: str, key: str) -> str:
    """Find the path of the dataset that a key describes."""
    return posixpath.join(path, key.lstrip(">").partition("@")[0])


def find_taken(path: str, places: Iterable[str]) -> set[str]:
    """Find the paths that already exist in a file."""
    if not os.path.exists(path):
        return set()
    with open_to_read(path) as file:
        return {place for place in places if place in file}


def find_free(path: str, place: str) -> str:
    """Find a path that does not exist in a file, with a number appended if needed."""
    numbered = (place if n == 1 else f"{place}_{n}" for n in count(1))
    return next(each for each in numbered if not find_taken(path, [each]))
