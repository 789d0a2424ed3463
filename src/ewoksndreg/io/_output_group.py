"""Where stacks can be saved: which groups of which files, under which names."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from collections.abc import Sequence
from itertools import pairwise

import h5py
from silx.io.url import DataUrl

from ._hdf5_files import open_to_read
from ._open_to_write import writable
from ._urls import as_data_url
from ._urls import url_text

# Control characters, and what is not Unicode. HDF5 keeps neither.
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")


def check_dataset_names(names: Sequence[str]) -> None:
    """Refuse names that HDF5 does not take, or takes for something else: one that begins with a
    slash would be written outside the group.

    :raises ValueError: names the stack, or both of two that stand in each other's way.
    """
    for name in names:
        if _NOT_IN_NAMES.search(name) or {"", ".", ".."} & set(name.split("/")):
            raise ValueError(
                f"A stack called {name!r} cannot be saved: parts of a name, between slashes, are"
                " not empty, '.' or '..' and hold no control characters"
            )
    # Sorted by parts, a group comes right before what it holds.
    in_order = sorted(names, key=lambda name: name.split("/"))
    for outer, inner in pairwise(in_order):
        if inner.startswith(f"{outer}/"):
            raise ValueError(
                f"Stacks {outer!r} and {inner!r} cannot be saved side by side: one is a dataset"
                " where the other needs a group"
            )


def find_group(url: str | DataUrl) -> DataUrl:
    """The group of an output URL, in the file to which symbolic links lead.

    :raises ValueError: when the URL names no group, or one behind a link to another file.
    :raises FileExistsError: when there is a dataset on the way to it.
    :raises OSError: when the file cannot be written, is being written, or is open in this process.
    """
    given = as_data_url(url)
    if given.data_slice() is not None:
        raise ValueError(
            f"The output URL {url_text(given)!r} must name a group, without a slice, for example"
            f" '{given.file_path()}::/entry/aligned'"
        )
    path = os.path.expanduser(str(given.file_path()))
    if not os.path.basename(path):
        raise ValueError(f"The output URL {url_text(given)!r} names a folder, not a file")
    # The place stays the same when the current folder or a link changes.
    group = DataUrl(file_path=os.path.realpath(path), data_path=given.data_path())
    check_free(group, ())
    return group


def check_free(group: DataUrl, stacks: Iterable[str]) -> None:
    """Make sure that stacks of these names can be written into a group.

    :raises ValueError: when the group, or a stack, is behind a link to another file.
    :raises FileExistsError: when the file has something of such a name already.
    :raises OSError: as :func:`find_group`.
    """
    path = str(group.file_path())
    if not os.path.exists(path):
        return
    if os.path.isdir(path):
        raise OSError(f"{path!r} is a folder, not an HDF5 file")
    with writable(path), open_to_read(path) as file:
        found = _follow(file, str(group.data_path()), group)
        for name in stacks:
            parent, _, last = name.rpartition("/")
            holder = None if found is None else _follow(found, parent, group)
            if holder is not None and holder.get(last, getlink=True) is not None:
                taken = f"{url_text(group).rstrip('/')}/{name}"
                raise FileExistsError(f"{taken!r} exists already: choose another output URL")


def _follow(start: h5py.Group, names: str, url: DataUrl) -> h5py.Group | None:
    """A group below another one; None where it does not exist yet."""
    group = start
    for name in filter(None, names.split("/")):
        link = group.get(name, getlink=True)
        if link is None:
            return None
        through = (
            f"The output URL {url_text(url)!r} goes through '{group.name.rstrip('/')}/{name}',"
        )
        item = group.get(name)
        if item is None:
            raise ValueError(
                f"{through} a link to something that does not exist ({link.path!r}): choose another"
                " group"
            )
        if isinstance(link, h5py.ExternalLink):
            raise ValueError(
                f"{through} a link to another file: choose a group of"
                f" '{item.file.filename}::{item.name}', where it leads"
            )
        if not isinstance(item, h5py.Group):
            raise FileExistsError(f"{through} which is a dataset: choose another group")
        if isinstance(link, h5py.SoftLink):  # perhaps through a link to another file
            item = _follow(start.file if link.path.startswith("/") else group, link.path, url)
        group = item
    return group
