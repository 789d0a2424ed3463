"""The ewoks task that finds the stacks of a NeXus file."""

from __future__ import annotations

import os
import posixpath
import re
from collections.abc import Iterator
from typing import Any
from typing import NamedTuple

import h5py
from ewokscore import Task
from ewokscore.model import BaseOutputModel
from pydantic import Field
from pydantic import ValidationInfo
from pydantic import field_validator
from silx.io.url import DataUrl

from .._messages import unknown_name
from .._nexus import describe_nxdata
from .._nexus import nest
from ..io import as_data_url
from ..io import find_item
from ..io import find_stacks
from ..io import follow
from ..io import free_name
from ..io import open_to_read
from ..io import read_attribute
from ..io import stack_names
from ..io import url_text
from ._models import TaskInputs

# The groups that `Reg2DPostEvaluation` and `Reg2DTransform` write beside a group of stacks
_RESULT_OF = re.compile(r"(.*)_(?:evaluation|alignment)(?:_\d+)?")


class SelectInputs(TaskInputs):
    """Inputs of :class:`.SelectNXdataImageStacks`."""

    input_root_uri: str | DataUrl = Field(
        description="HDF5 group in which to search for NXdata groups with stacks.",
        examples=["/path/to/file.h5::/entry/process/"],
    )
    output_root_uri: DataUrl | str | None = Field(
        default=None,
        description="HDF5 group in which to save the aligned stacks. By default 'align', beside the"
        " process that the stacks come from.",
        examples=["/path/to/file.h5::/entry"],
    )

    stack_names: list[str] | None = Field(
        default=None,
        description="The names of the stacks to select, as found below the group; None for all.",
        examples=[["Ca-K", "Fe-K"]],
    )

    @field_validator("input_root_uri", "output_root_uri", mode="plain")
    @classmethod
    def _check_url(cls, value: Any, info: ValidationInfo) -> Any:
        if info.field_name == "output_root_uri" and value in (None, ""):
            return None
        return _as_group_url(value)


class SelectOutputs(BaseOutputModel):
    """Outputs of :class:`.SelectNXdataImageStacks`."""

    image_stacks: dict[str, str] = Field(description="The URLs of the stacks, by name.")
    output_root_uri: str = Field(
        description="HDF5 group in which to save the aligned stacks.",
        examples=["/path/to/file.h5::/entry"],
    )
    image_stacks_nxmetadata: dict[str, Any] = Field(
        description="NeXus groups, attributes and axes for the aligned stacks, from the root of the"
        " file, in the form of silx.io.dictdump."
    )


class SelectNXdataImageStacks(  # type: ignore[call-arg]  # ewokscore has no types
    Task, input_model=SelectInputs, output_model=SelectOutputs
):
    """Find the stacks of a NeXus file: the 3D datasets in NXdata groups whose signal is 3D.

    Results of this library are skipped, so that a workflow that is run again finds the same stacks,
    unless the URL names a result or something in it.
    """

    def run(self) -> None:
        given = self.inputs.input_root_uri
        path = str(given.file_path())
        if not os.path.exists(path):
            raise FileNotFoundError(f"There is no file {path!r}")
        with open_to_read(path) as file:
            found = list(_find_stacks(_find_group(file, given)))
            if not found:
                raise ValueError(_explain_none(file, given))
            urls = [_url(given, each.dataset.name) for each in found]
            names = stack_names(urls)
            place = _choose_place(file, given, urls, self.inputs.output_root_uri)
            selected = _select(dict(zip(names, found, strict=True)), self.inputs.stack_names)
            groups = describe_nxdata(
                {name: each.dataset for name, each in selected.items()},
                {name: each.dataset.shape for name, each in selected.items()},
                str(place.url.data_path()),
                {name for name, each in selected.items() if each.is_signal},
            )
        process = groups[place.process]
        if process["", "NX_class"] == "NXcollection":
            process["", "NX_class"] = "NXprocess"
        self.outputs.image_stacks = {
            name: url_text(url) for name, url in zip(names, urls, strict=True) if name in selected
        }
        self.outputs.output_root_uri = url_text(place.url)
        self.outputs.image_stacks_nxmetadata = nest(groups)


class _Found(NamedTuple):
    dataset: h5py.Dataset
    is_signal: bool


class _Place(NamedTuple):
    """Where to save the aligned stacks.

    :param url: URL of the group.
    :param process: path of the group that describes how they were made: `url`, or above it.
    """

    url: DataUrl
    process: str


def _as_group_url(value: Any) -> DataUrl:
    """Parse the URL of a group; that of a file is its root group."""
    if isinstance(value, DataUrl) and not value.data_path():
        value = DataUrl(file_path=value.file_path(), data_path="/")
    elif isinstance(value, str) and value and "::" not in value and "?" not in value:
        value = f"{value}::/"
    url = as_data_url(value)
    if url.data_slice() is not None:
        raise ValueError(f"the URL {url_text(url)!r} has a slice, expected a group")
    return url


def _url(file: DataUrl, path: str) -> DataUrl:
    return DataUrl(file_path=file.file_path(), data_path=path)


def _find_group(file: h5py.File, url: DataUrl) -> h5py.Group:
    item, path, missing = follow(file, str(url.data_path()))
    if isinstance(item, h5py.Dataset):
        raise ValueError(f"{url_text(url)!r} is a dataset: give the URL of a group above it")
    if missing:
        names = [each for each in item if isinstance(find_item(item, each), h5py.Group)]
        where = f"group in '{url.file_path()}::{path}' called"
        raise ValueError(unknown_name(where, missing[0], names))
    return item


def _find_stacks(group: h5py.Group) -> Iterator[_Found]:
    if read_attribute(group, "NX_class") == "NXdata":
        stacks = find_stacks(group)
        signal = read_attribute(group, "signal")
        if signal is None:  # older files mark the dataset
            marked = (name for name, each in stacks.items() if _is_marked(each))
            signal = next(marked, None)
        if signal in stacks:
            for name, dataset in stacks.items():
                yield _Found(dataset, name == signal)
    results = _find_results(group)
    for name in group:
        # Links are not followed: they may lead to the same group twice, or in circles.
        if name not in results and isinstance(group.get(name, getlink=True), h5py.HardLink):
            item = group[name]
            if isinstance(item, h5py.Group):
                yield from _find_stacks(item)


def _select(found: dict[str, _Found], names: list[str] | None) -> dict[str, _Found]:
    if names is None:
        return found
    if not names:
        raise ValueError("Input 'stack_names' selects no stack: name at least one, or leave it out")
    for name in names:
        if name not in found:
            raise ValueError(unknown_name("stack_names", name, found))
    return {name: each for name, each in found.items() if name in names}


def _is_marked(dataset: h5py.Dataset) -> bool:
    return str(read_attribute(dataset, "signal")) == "1"


def _find_results(group: h5py.Group) -> set[str]:
    """Find the names of the groups that this library has written."""
    results = set()
    for name in group:
        program = group.get(f"{name}/program")
        if isinstance(program, h5py.Dataset) and program[()] == b"ewoksndreg":
            results.add(name)
            result = _RESULT_OF.fullmatch(name)
            if result:
                results.add(result[1])
    return results


def _explain_none(file: h5py.File, url: DataUrl) -> str:
    message = f"There is no NXdata group with a 3D signal below {url_text(url)!r}"
    group = file[str(url.data_path())]
    stacks = find_stacks(group)
    if stacks:
        return (
            f"{message}, but there are stacks in it: {', '.join(map(repr, stacks))}; give the URL"
            " of the group as 'image_stacks' to the next task"
        )
    return message


def _choose_place(
    file: h5py.File, given: DataUrl, urls: list[DataUrl], output: DataUrl | None
) -> _Place:
    parents = [posixpath.dirname(str(url.data_path())) for url in urls]
    common = posixpath.commonpath(parents)
    source, below = _find_process(file, common)
    if source == common and read_attribute(file[common], "NX_class") != "NXdata":
        # In the entry, not in its place.
        source = posixpath.join("/entry" if common == "/" else common, "process")
    path = None if output is None else str(output.data_path())
    target = given if output is None else output
    if path is None or path == "/":
        path = posixpath.join(posixpath.dirname(source), "align")
        if os.path.exists(str(target.file_path())):
            with open_to_read(str(target.file_path())) as existing:
                path = free_name(existing, path)
    return _Place(_url(target, posixpath.join(path, below).rstrip("/")), path)


def _find_process(file: h5py.File, path: str) -> tuple[str, str]:
    """Find the path of the first NXprocess group that contains a group, and the path from there to
    the group; without an NXprocess, the path of the group itself and an empty one."""
    parts = path.strip("/").split("/")
    for depth in range(1, len(parts) + 1):
        above = "/" + "/".join(parts[:depth])
        if read_attribute(file[above], "NX_class") == "NXprocess":
            return above, "/".join(parts[depth:])
    return path, ""
