"""Open stacks of images in any form, as a mapping of names to lazy stacks."""

from __future__ import annotations

import logging
import os
import posixpath
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import ExitStack
from contextlib import contextmanager
from typing import Any
from typing import TypeGuard

import h5py
import numpy
from silx.io.url import DataUrl

from .._messages import add_context
from .._messages import locate_errors
from .._stacks import ArrayStack
from .._stacks import Stack
from .._typing import is_url
from ._file_stacks import Hdf5Stack
from ._file_stacks import ImageFile
from ._file_stacks import JoinedStack
from ._file_stacks import find_chunk_starts
from ._hdf5_files import find_item
from ._hdf5_files import follow
from ._hdf5_files import read_attribute
from ._hdf5_files import read_file
from ._urls import Url
from ._urls import as_data_url
from ._urls import stack_names
from ._urls import url_text

_logger = logging.getLogger(__name__)


class InputStacks(dict[str, Stack]):
    """Stacks by name, in the given order. A stack is a lazy sequence of 2D images with `shape`
    `(N, H, W)` and `dtype`."""


ImageStacks = InputStacks | dict[str, Any] | Url | Sequence[Url]
"""All forms in which stacks of images can be given, see :func:`open_stacks`."""


def name_sources(data: Any) -> dict[str, Any]:
    """Name each stack, without opening any file.

    :param data: see :func:`open_stacks`, except groups.
    :returns: the given stacks, arrays or URLs by name; those of a list have the names of
        :func:`.stack_names`.
    :raises TypeError: if it has another form.
    :raises ValueError: if a URL of a list is not valid, the file of a dataset is closed, or two
        stacks would have the same name.
    """
    return _name(data, lambda url, item: [(url, item)])


def find_sources(data: Any) -> dict[str, Any]:
    """:func:`name_sources`, where a group is replaced with the stacks in it.

    :raises OSError: if a file is missing or cannot be read.
    :raises ValueError: if a group has no 3D dataset.
    """
    return _name(data, _expand_group)


_Located = tuple[DataUrl, Any]
"""A URL, and what is there: an open dataset or group, or the same URL."""


def _name(data: Any, expand: Callable[[DataUrl, Any], list[_Located]]) -> dict[str, Any]:
    """Name the sources.

    :param expand: returns what a source that is not in a dictionary stands for: itself, or the
        stacks in a group.
    """
    if isinstance(data, Mapping) and not isinstance(data, h5py.Group):
        for name in data:
            if not isinstance(name, str) or not name.strip("/ "):
                raise TypeError(f"The name of a stack must be a string, not {name!r}")
        return {str(name): source for name, source in data.items()}
    located = [each for item in _as_items(data) for each in expand(*_locate(item))]
    names = stack_names([url for url, _ in located])
    return {name: item for name, (_, item) in zip(names, located, strict=True)}


def _as_items(data: Any) -> Sequence[Any]:
    """Return the URLs and open datasets and groups of a list, or a single one."""
    if is_url(data) or isinstance(data, h5py.HLObject):
        return [data]
    items = data.tolist() if isinstance(data, numpy.ndarray) and data.ndim == 1 else data
    if not isinstance(items, Sequence) or isinstance(items, bytes):
        raise TypeError(
            "Image stacks are a dictionary of arrays or URLs, or a list of URLs, not"
            f" {type(data).__name__}"
        )
    return items


def _locate(item: Any) -> _Located:
    if isinstance(item, h5py.HLObject):
        if not item:
            raise ValueError("The file of an h5py dataset is closed: give its URL")
        return DataUrl(file_path=item.file.filename, data_path=item.name), item
    if not is_url(item):
        raise TypeError(
            f"A list of image stacks holds URLs of datasets, not {type(item).__name__}:"
            " give arrays as a dictionary with names"
        )
    if _is_image_file(item):
        raise ValueError(
            f"{str(item)!r} is not an HDF5 file; stacks of image files need a dictionary with names"
        )
    url = as_data_url(item)
    return url, url


def _expand_group(url: DataUrl, item: Any) -> list[_Located]:
    def find(file: h5py.File) -> list[str] | None:
        with file:
            found, _, missing = follow(file, str(url.data_path()))
            is_group = isinstance(found, h5py.Group) and not missing
            return _find_stacks(found, url) if is_group else None

    names = None
    if isinstance(item, h5py.Group):
        names = _find_stacks(item, url)
    elif item is url and os.path.exists(str(url.file_path())):
        try:
            names = read_file(str(url.file_path()), find)
        except (OSError, TypeError) as error:
            raise add_context(error, url_text(url)) from error
    if names is None:  # if there is nothing, opening it says so
        return [(url, item)]
    paths = [posixpath.join(str(url.data_path()), name) for name in names]
    members = [DataUrl(file_path=url.file_path(), data_path=path) for path in paths]
    items = members if item is url else [item[name] for name in names]
    return list(zip(members, items, strict=True))


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


def _find_stacks(group: h5py.Group, url: DataUrl) -> list[str]:
    """Find the names of the 3D datasets of numbers in a group. A warning in the log names the other
    items, except the axes of an NXdata group and the saved results of an evaluation."""
    stacks = list(find_stacks(group))
    if not stacks:
        for name in group:
            follow(group.file, f"{group.name}/{name}")  # explains broken links
        raise ValueError(
            f"{url_text(url)} is a group without stacks, which are 3D datasets of numbers:"
            f" it contains {', '.join(map(repr, group)) or 'nothing'}"
        )
    axes = numpy.ravel(group.attrs.get("axes", ()))
    known = {*stacks, *(axis.decode() if isinstance(axis, bytes) else str(axis) for axis in axes)}
    others = [repr(name) for name in group if name not in known and not _is_process(group, name)]
    if others:
        _logger.warning("%s: ignored, not a stack: %s", url_text(url), ", ".join(others))
    return stacks


def _is_process(group: h5py.Group, name: str) -> bool:
    item = find_item(group, name)
    return isinstance(item, h5py.Group) and read_attribute(item, "NX_class") == "NXprocess"


@contextmanager
def open_stacks(data: Any) -> Iterator[InputStacks]:
    """Open stacks of images, as a context that gives them by name.

    :param data: one of these forms:

        - a dictionary with a value for each stack:

          - the URL of an HDF5 dataset of shape `(N, H, W)`: a string, a path or a `DataUrl`,
          - a list of URLs of datasets with one image, `(H, W)`, or several, and of image files
            (TIFF, EDF and other formats of fabio),
          - images: an array `(N, H, W)` of numpy, h5py, zarr, Dask, xarray or another package, or a
            sequence of arrays or nested lists `(H, W)`,

        - the URL of a dataset, or of a group, which stands for the 3D datasets in it; or an open
          h5py dataset or group,
        - a list of these, see :func:`.stack_names` for the names,
        - the result of another `open_stacks`, which is returned unchanged and not closed.

    :returns: lazy stacks by name. Images in files are read when they are accessed, one at a time,
        inside the context only. If chunks contain several images, at most 256 MiB of them are
        cached.
    :raises TypeError: if it has another form or the pixels are not real numbers.
    :raises ValueError: if a stack is not a stack of images; names the stack.
    :raises OSError: if a file is missing or cannot be read; names the stack.

    >>> import numpy
    >>> from ewoksndreg import open_stacks
    >>> with open_stacks({"Ca-K": numpy.zeros((5, 20, 30))}) as stacks:
    ...     print(stacks["Ca-K"].shape)
    (5, 20, 30)
    """
    if isinstance(data, InputStacks):
        yield data
        return
    with ExitStack() as files:
        stacks = {}
        for name, source in find_sources(data).items():
            stacks[name] = _open_stack(name, source)
            if stacks[name] is not source:
                files.callback(stacks[name].close)
        yield InputStacks(stacks)


input_context = open_stacks
"""The name of :func:`open_stacks` in ewoksndreg 0.5.0."""


def _open_stack(name: str, source: Any) -> Stack:
    label = f"Stack {name!r}"
    if isinstance(source, Stack):
        return source
    if is_url(source):
        return _open_url(source, label)
    try:
        if isinstance(source, h5py.Dataset) and source:
            is_stack = source.ndim == 3
            starts = find_chunk_starts(source, 0, range(len(source))) if is_stack else ()
            stack = ArrayStack(source, starts)
            stack.sources, stack.origin = (f"{source.file.filename}::{source.name}",), source
            return stack
        is_list = isinstance(source, numpy.ndarray) and source.ndim == 1
        parts = source.tolist() if is_list else source
        if isinstance(parts, (list, tuple)) and any(map(is_url, parts)):
            opened = (_open_url(part, f"item {n}", one_image=True) for n, part in enumerate(parts))
            return JoinedStack(list(opened))
        return ArrayStack(source)
    except Exception as error:  # foreign arrays may raise anything
        raise add_context(error, label) from error


def _open_url(url: Any, label: str, *, one_image: bool = False) -> Stack:
    """:param label: the prefix of error messages."""
    if not is_url(url):
        found = type(url).__name__
        raise TypeError(f"{label}: expected the URL of an image, like the others, not {found}")
    try:
        if _is_image_file(url):
            return ImageFile(url)
        place = as_data_url(url)
        label += f" ({url_text(place)})"
        return Hdf5Stack(place, one_image=one_image)
    except (OSError, TypeError, ValueError) as error:
        raise add_context(error, label) from error


def _is_image_file(source: Url) -> TypeGuard[str | os.PathLike[str]]:
    """Whether a source is the name of a file that is not HDF5."""
    if isinstance(source, DataUrl):
        return False
    path = os.path.expanduser(source)
    return os.path.isfile(path) and not h5py.is_hdf5(path)
