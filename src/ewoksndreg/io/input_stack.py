"""Stacks of images, in whatever form they are given, as a mapping of names to lazy stacks."""

from __future__ import annotations

import logging
import os
import posixpath
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import ExitStack
from contextlib import contextmanager
from typing import Any

import h5py
import numpy
from silx.io.url import DataUrl

from .._messages import add_context
from .._stacks import ArrayStack
from .._stacks import Stack
from ..transformation import is_url
from ._hdf5_files import check_links
from ._hdf5_files import find_item
from ._hdf5_files import open_to_read
from ._hdf5_stack import Hdf5Stack
from ._several_files import ImageFile
from ._several_files import JoinedStack
from ._storage import chunk_shape
from ._urls import Url
from ._urls import as_data_url
from ._urls import stack_names
from ._urls import url_text

_logger = logging.getLogger(__name__)


class InputStacks(dict[str, Stack]):
    """Stack names and their stacks, in the order in which they were given. A stack is a lazy
    sequence of 2D images with `shape` `(N, H, W)` and `dtype`."""


ImageStacks = InputStacks | dict[str, Any] | Url | Sequence[Url]
"""All forms in which stacks of images are given, see :func:`open_stacks`."""


def named_sources(data: Any) -> dict[str, Any]:
    """Name every stack, without opening any file.

    :param data: see :func:`open_stacks`, but for groups.
    :returns: name to stack, arrays or URL as given; a list of URLs and h5py datasets gets the names
        of :func:`.stack_names`.
    :raises TypeError: when it has another form.
    :raises ValueError: when a URL of a list is not valid, the file of a dataset is closed, or two
        stacks would have one name.
    """
    if _is_dictionary(data):
        for name in data:
            if not isinstance(name, str) or not name.strip("/ "):
                raise TypeError(f"A stack needs a name that is a string, not {name!r}")
        return {str(name): source for name, source in data.items()}
    return _name([_locate(item) for item in _as_items(data)])


def find_sources(data: Any) -> dict[str, Any]:
    """:func:`named_sources`, with the stacks in a group in place of the group.

    :raises OSError: when a file is missing or cannot be read.
    :raises ValueError: when a group holds no 3D dataset.
    """
    if _is_dictionary(data):
        return named_sources(data)
    return _name([each for item in _as_items(data) for each in _expand_group(item)])


def _is_dictionary(data: Any) -> bool:
    return isinstance(data, Mapping) and not isinstance(data, h5py.Group)


def _as_items(data: Any) -> list[Any]:
    """The URLs and open datasets and groups of a list, or a single one."""
    items = data
    if is_url(data) or isinstance(data, h5py.HLObject):
        items = [data]
    elif isinstance(data, numpy.ndarray) and data.ndim == 1:
        items = data.tolist()
    if not isinstance(items, Sequence):
        raise TypeError(
            "Image stacks are a dictionary of arrays or URLs, or a list of URLs, not"
            f" {type(data).__name__}"
        )
    for item in items:
        if not is_url(item) and not isinstance(item, h5py.HLObject):
            raise TypeError(
                "A list of image stacks holds URLs of datasets, not"
                f" {type(item).__name__}: give arrays as a dictionary with names"
            )
    return list(items)


def _locate(item: Any) -> tuple[DataUrl, Any]:
    """The URL of an item, and the item: an open dataset or group, or the same URL."""
    if not isinstance(item, h5py.HLObject):
        if _is_image_file(item):
            raise ValueError(
                f"{str(item)!r} is an image file: give the stacks as a dictionary with names"
            )
        url = as_data_url(item)
        return url, url
    if not item:
        raise ValueError("The file of an h5py dataset is closed: give its URL")
    return DataUrl(file_path=item.file.filename, data_path=item.name), item


def _name(items: Sequence[tuple[DataUrl, Any]]) -> dict[str, Any]:
    names = stack_names([url for url, _ in items])
    return {name: item for name, (_, item) in zip(names, items, strict=True)}


def _expand_group(item: Any) -> list[tuple[DataUrl, Any]]:
    url, item = _locate(item)
    path, root = str(url.file_path()), str(url.data_path())
    with ExitStack() as context:
        group = item
        if item is url and os.path.exists(path):
            try:
                group = find_item(context.enter_context(open_to_read(path)), root)
            except OSError as error:
                raise add_context(error, url_text(url)) from error
        if not isinstance(group, h5py.Group):
            return [(url, item)]  # opening it says what is wrong
        found = []
        for name in _find_stacks(group, url):
            member = DataUrl(file_path=path, data_path=posixpath.join(root, name))
            found.append((member, member if item is url else group[name]))
        return found


def _find_stacks(group: h5py.Group, url: DataUrl) -> list[str]:
    """The names of the 3D datasets of numbers in a group. The log names what else there is, except
    for the axes of an NXdata group and for what an evaluation has saved about itself."""
    members = {name: find_item(group, name) for name in group}
    stacks = [name for name, item in members.items() if _is_stack(item)]
    if not stacks:
        for name in (name for name, item in members.items() if item is None):
            check_links(group.file, f"{group.name}/{name}")
        raise ValueError(
            f"{url_text(url)} is a group without stacks, which are 3D datasets of numbers:"
            f" it holds {', '.join(map(repr, group)) or 'nothing'}"
        )
    known = {*stacks, *_name_axes(group)}
    others = [
        repr(name) for name, item in members.items() if name not in known and not _is_process(item)
    ]
    if others:
        _logger.warning("%s: left out what is no stack: %s", url_text(url), ", ".join(others))
    return stacks


def _is_stack(item: Any) -> bool:
    return isinstance(item, h5py.Dataset) and item.ndim == 3 and item.dtype.kind in "biuf"


def _name_axes(group: h5py.Group) -> list[str]:
    axes = numpy.ravel(group.attrs.get("axes", ()))
    return [name.decode() if isinstance(name, bytes) else str(name) for name in axes]


def _is_process(item: Any) -> bool:
    nx_class = getattr(item, "attrs", {}).get("NX_class", "")
    return (nx_class.decode() if isinstance(nx_class, bytes) else nx_class) == "NXprocess"


@contextmanager
def open_stacks(data: Any) -> Iterator[InputStacks]:
    """Open stacks of images, in any of these forms.

    - an :class:`.InputStacks`, which is passed through and not closed,
    - a dictionary with a value for each stack:

      - the URL of an HDF5 dataset of shape `(N, H, W)`: a string, a path or a `DataUrl`,
      - a list of URLs of datasets that hold one image, `(H, W)`, or several, and of image files
        (TIFF, EDF and whatever else fabio reads),
      - images: an array `(N, H, W)` of numpy, h5py, zarr, Dask, xarray or
        another package, or a sequence of arrays or nested lists `(H, W)`,

    - the URL of a dataset, or of a group, which stands for the 3D datasets in it; or an open h5py
      dataset or group,
    - a list of these, see :func:`.stack_names` for the names.

    Images in files are read when they are asked for, one at a time, as long as the context lasts.
    Chunks that hold several images are kept until they are all read, at most 256 MiB.

    :raises TypeError: when it has another form or the pixels are not real numbers.
    :raises ValueError: when a stack is not a stack of images; names the stack.
    :raises OSError: when a file is missing or cannot be read; names the stack.

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
            chunk = chunk_shape(source)
            stack = ArrayStack(source, chunk[0] if chunk else None)
            stack.source, stack.origin = f"{source.file.filename}::{source.name}", source
            return stack
        is_list = isinstance(source, numpy.ndarray) and source.ndim == 1
        parts = source.tolist() if is_list else source
        if isinstance(parts, (list, tuple)) and any(map(is_url, parts)):
            return JoinedStack([_open_part(part, f"item {n}") for n, part in enumerate(parts)])
        return ArrayStack(source)
    except Exception as error:  # foreign arrays may raise anything
        raise add_context(error, label) from error


def _open_part(part: Any, label: str) -> Stack:
    if not is_url(part):
        found = type(part).__name__
        raise TypeError(f"{label}: expected the URL of an image, as the others, not {found}")
    return _open_url(part, label, one_image=True)


def _open_url(url: Url, label: str, *, one_image: bool = False) -> Stack:
    """:param label: in front of what goes wrong."""
    try:
        if _is_image_file(url):
            return ImageFile(str(url))
        place = as_data_url(url)
        label += f" ({url_text(place)})"
        return Hdf5Stack(place, one_image=one_image)
    except (OSError, TypeError, ValueError) as error:
        raise add_context(error, label) from error


def _is_image_file(source: Any) -> bool:
    """Whether it is the name of a file that is not HDF5."""
    if isinstance(source, DataUrl):
        return False
    path = os.path.expanduser(source)
    return os.path.isfile(path) and not h5py.is_hdf5(path)
