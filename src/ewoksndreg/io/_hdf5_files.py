"""Open HDF5 files and datasets for reading, even while other programs have them open."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from typing import Any

import h5py
import numpy
from numpy.typing import NDArray

from .._kept import kept
from .._messages import near_match
from .._messages import unknown_name
from ._selection import Selection
from ._storage import check_storage
from ._storage import explain
from ._urls import Url
from ._urls import as_data_url

# HDF5 is not parallel, and opening, reading and closing datasets must not overlap.
reading = threading.RLock()


class KeptDataset:
    """Owns an open dataset (:mod:`ewoksndreg._kept`), and its state in this process."""

    closed = False
    sent = False  # to another process, where it is open inside `with stack:`
    swmr: bool | None = None  # whether the file has to be read in SWMR mode; None before it was
    cache = 0  # bytes
    thread: int | None = None  # the one that reads, or the first of several
    shared = False

    def __init__(self) -> None:
        self.rows: set[int] = set()

    def __reduce__(self) -> tuple[type[KeptDataset], tuple[()], dict[str, bool]]:
        return KeptDataset, (), {"sent": True}


@contextmanager
def open_to_read(path: str, *, swmr: bool = False) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading, without locks. Meanwhile, no thread of this library opens a
    file for writing, because HDF5 can open a file in only one mode at a time within a process.

    :param swmr: also read what another program writes in SWMR mode, behind links.
    :raises FileNotFoundError: if there is no such file.
    :raises OSError: if the file cannot be read or is not HDF5.
    """
    with reading, _open_to_read(path, swmr=swmr) as file:
        yield file


def _open_to_read(path: str, *, swmr: bool = False) -> h5py.File:
    """Open an HDF5 file for reading, without locks.

    :param swmr: whether to use SWMR mode only; otherwise it is used if the normal mode fails.
    :raises FileNotFoundError: if there is no such file.
    :raises OSError: if the file cannot be read or is not HDF5.
    """
    if not os.path.exists(path):
        raise FileNotFoundError(f"there is no file {path!r}{_near_file(path)}")
    try:
        return _open_in_mode(path, swmr)
    except OSError as error:
        problem = str(error)
    if "SWMR" in problem or "already open for write" in problem:
        if swmr:  # HDF5 can open a file in only one mode at a time within a process
            kept.drop_all(KeptDataset)
        for mode in (True, False):
            with suppress(OSError):
                return _open_in_mode(path, mode)
    if os.path.isdir(path):
        raise OSError(f"{path!r} is a folder, not an HDF5 file")
    if not os.access(path, os.R_OK):
        raise PermissionError(f"no permission to read {path!r}")
    if not h5py.is_hdf5(path):
        raise OSError(f"{path!r} is not an HDF5 file")
    raise OSError(f"cannot read {path!r}: {explain(path, problem)}")


def _open_in_mode(path: str, swmr: bool) -> h5py.File:
    mode = {"mode": "r", "swmr": swmr, "libver": "latest" if swmr else None}
    try:
        return h5py.File(path, locking=False, **mode)
    except OSError as error:
        # The user has the file open in this process already, with a lock.
        if "locking flag" not in str(error):
            raise
        return h5py.File(path, **mode)


def open_dataset(
    path: str, name: str, access: h5py.h5p.PropDAID | None = None, swmr: bool | None = None
) -> h5py.Dataset:
    """Open an HDF5 dataset for reading; its file stays open as long as the dataset.

    :param access: access properties that define the cache of HDF5.
    :param swmr: the mode of the file; None to find it out, and to check whether it can be read.
    :raises ValueError: if there is no such dataset.
    :raises OSError: if it cannot be read.
    """
    if swmr is not None:
        return _open_dataset(path, name, access, swmr)
    try:
        return _open_dataset(path, name, access, False, check=True)
    except (FileNotFoundError, PermissionError):
        raise
    except (OSError, ValueError) as error:
        # A link or a virtual dataset may refer to a file in SWMR mode. HDF5 opens it in the mode of
        # the referring file, in which it does not notice that the file is truncated.
        if "truncated" in str(error):
            raise
        kept.drop_all(KeptDataset)
        try:
            return _open_dataset(path, name, access, True, check=True)
        except (OSError, ValueError):
            raise error from error.__cause__


def _open_dataset(
    path: str, name: str, access: h5py.h5p.PropDAID | None, swmr: bool, *, check: bool = False
) -> h5py.Dataset:
    file = _open_to_read(path, swmr=swmr)
    try:
        dataset = _find_dataset(file, name)
        if check:
            check_storage(dataset)
        if access is None:
            return dataset
        del dataset  # an open dataset keeps its cache
        return h5py.Dataset(h5py.h5d.open(file.id, name.encode(), access), readonly=True)
    except BaseException:
        file.close()
        raise


def read_small_dataset(
    url: Url, check: Callable[[tuple[int, ...], numpy.dtype[Any]], None]
) -> tuple[NDArray[Any], dict[str, Any]]:
    """Read the values of a dataset that the URL selects, and its attributes.

    :param url: see :func:`.as_data_url`.
    :param check: called with the shape and type of the selection before it is read; raises an error
        if these are wrong. If the URL is that of images by mistake, they may not fit into memory.
    :raises ValueError: if there is no such dataset, or the slice does not fit it.
    :raises OSError: if the file is missing or cannot be read.
    """
    place = as_data_url(url)
    with reading:
        dataset = open_dataset(str(place.file_path()), str(place.data_path()))
        with dataset.file:
            selection = Selection(dataset.shape, place.data_slice())
            check(selection.shape, dataset.dtype)
            return selection.read(dataset), dict(dataset.attrs)


@contextmanager
def no_readers(path: str) -> Iterator[None]:
    """Close the file in all stacks, and keep it closed inside this context."""
    with reading:
        kept.drop_all(KeptDataset)
        yield


def _near_file(path: str) -> str:
    folder, name = os.path.split(path)
    try:
        return near_match(name, os.listdir(folder or "."))
    except OSError:  # no such folder
        return ""


def find_item(group: h5py.Group, name: str) -> Any:
    """Find an item of a group; None if there is none, or if it is a broken link."""
    try:
        return group.get(name)
    except (OSError, RuntimeError):  # a link to itself
        return None


def _find_dataset(file: h5py.File, data_path: str) -> h5py.Dataset:
    item = find_item(file, data_path)
    if isinstance(item, h5py.Dataset):
        return item
    if item is not None:
        names = ", ".join(map(repr, item))
        raise ValueError(
            f"{data_path!r} in {file.filename!r} is a group, not a dataset: "
            + (f"it contains {names}" if names else "it is empty")
        )
    check_links(file, data_path)
    group, path = file, ""
    *groups, last = filter(None, data_path.split("/"))
    for name in (*groups, last):
        item = find_item(group, name)
        if not isinstance(item, h5py.Group):
            break
        group, path = item, f"{path}/{name}"
    if item is not None:
        raise ValueError(f"'{path}/{name}' in {file.filename!r} is a dataset, not a group")
    what = "dataset" if path.count("/") == len(groups) else "group"
    where = f"{what} in '{file.filename}::{path or '/'}' called"
    raise ValueError(unknown_name(where, name, group))


def check_links(file: h5py.File, data_path: str) -> None:
    """:raises ValueError: if there is a broken link on a path; explains it."""
    names = data_path.strip("/").split("/")
    for depth in range(1, len(names) + 1):
        path = "/" + "/".join(names[:depth])
        if find_item(file, path) is not None:
            continue
        link = file.get(path, getlink=True)
        if not isinstance(link, (h5py.SoftLink, h5py.ExternalLink)):
            return
        external = getattr(link, "filename", "")
        reason = "try again"
        try:
            file[path]
        except (KeyError, OSError, RuntimeError) as error:
            target = os.path.join(os.path.dirname(file.filename), external)
            reason = explain(target, str(error.args[0]))
        raise ValueError(
            f"{path!r} in {file.filename!r} is a link to '{external and external + '::'}"
            f"{link.path}', where nothing can be read: {reason}"
        )
