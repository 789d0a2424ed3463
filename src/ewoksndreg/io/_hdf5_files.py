"""Open HDF5 files and datasets for reading, even while other programs have them open."""

from __future__ import annotations

import importlib
import os
import posixpath
import threading
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import nullcontext
from contextlib import suppress
from itertools import count
from itertools import takewhile
from typing import Any
from typing import TypeVar

import h5py
import numpy

from .._kept import LIMIT
from .._kept import kept
from .._messages import near_match
from .._messages import unknown_name

_T = TypeVar("_T")

# HDF5 is not parallel, and opening, reading and closing datasets must not overlap.
reading = threading.RLock()

# Bytes that HDF5 keeps of each dataset, and of each source of a virtual one. Small, because only
# some hundreds of files can be open at a time: larger chunks are kept as blocks of images.
CACHE = LIMIT // 200


class KeptDataset:
    """Owns an open dataset (:mod:`ewoksndreg._kept`).

    :param swmr: whether its file has to be read in SWMR mode; None if that is not known yet.
    """

    def __init__(self, swmr: bool | None = None) -> None:
        self.swmr = swmr
        self.closed = False
        self.reads = 0

    def __reduce__(self) -> tuple[type[KeptDataset], tuple[()]]:
        return KeptDataset, ()  # another process checks the dataset again, and imports its filters


@contextmanager
def open_to_read(path: str) -> Iterator[h5py.File]:
    """Open an HDF5 file for reading, without locks. Meanwhile, no thread of this library opens a
    file for writing, because HDF5 can open a file in only one mode at a time within a process.

    :raises FileNotFoundError: if there is no such file.
    :raises OSError: if the file cannot be read or is not HDF5.
    """
    with reading, _open(path) as file:
        yield file


def _open(path: str, *, swmr: bool = False) -> h5py.File:
    """:param swmr: the mode that is tried first."""
    if not os.path.exists(path):
        folder, name = os.path.split(path)
        near = ""
        with suppress(OSError):  # no such folder
            near = near_match(name, os.listdir(folder or "."))
        raise FileNotFoundError(f"there is no file {path!r}{near}")
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
    mode = {"mode": "r", "swmr": swmr, "libver": "latest" if swmr else None, "rdcc_nbytes": CACHE}
    try:
        return h5py.File(path, locking=False, **mode)
    except OSError as error:
        # The user has the file open in this process already, with a lock.
        if "locking flag" not in str(error):
            raise
        return h5py.File(path, **mode)


def explain(path: str, problem: str) -> str:
    """Explain why HDF5 cannot open a file, and what to do."""
    if "truncated" in problem:
        return (
            "the file is truncated, as if it was not copied completely or the program that wrote it"
            " crashed"
        )
    if not any(each in problem for each in ("open for", "SWMR", "lock file")):
        return problem
    try:  # HDF5 checks the lock before the flag
        h5py.File(path, "r", locking=True).close()
    except OSError as error:
        if "lock file" in str(error):
            return (
                "another program has it open for writing in a way that does not allow reading: wait"
                " until it is closed"
            )
    return (
        "it is marked as open for writing: the program that wrote it crashed, or still writes it"
        f" without a lock; if no program writes it anymore, run `h5clear -s {path}`"
    )


def read_file(path: str, read: Callable[[h5py.File], _T]) -> _T:
    """Read from a file that the function gets, and closes. If a link or a virtual dataset refers to
    a file in SWMR mode, HDF5 needs this mode for the referring file, too."""
    with reading:
        try:
            return _read_in_mode(path, read, swmr=False)
        except (FileNotFoundError, PermissionError):
            raise
        except (OSError, ValueError) as error:
            # In SWMR mode, HDF5 does not notice that a file is truncated.
            if "truncated" not in str(error):
                kept.drop_all(KeptDataset)
                with suppress(OSError, ValueError):
                    return _read_in_mode(path, read, swmr=True)
            raise


def _read_in_mode(path: str, read: Callable[[h5py.File], _T], *, swmr: bool) -> _T:
    file = _open(path, swmr=swmr)
    try:
        return read(file)
    except BaseException:
        file.close()
        raise


def open_dataset(path: str, name: str, swmr: bool | None = None) -> h5py.Dataset:
    """Open an HDF5 dataset for reading; its file stays open as long as the dataset.

    :param swmr: the mode of the file; None to find it out, and to check whether it can be read.
    """

    def find(file: h5py.File) -> h5py.Dataset:
        dataset = _find_dataset(file, name)
        if swmr is None:
            _check_storage(dataset)
        return dataset

    return read_file(path, find) if swmr is None else _read_in_mode(path, find, swmr=swmr)


@contextmanager
def no_readers() -> Iterator[None]:
    """Close the files of all stacks, and keep them closed inside this context."""
    with reading:
        kept.drop_all(KeptDataset)
        yield


def find_item(group: h5py.Group, name: str) -> Any:
    """Find an item of a group; None if there is none, or if it is a broken link."""
    try:
        return group.get(name)
    except (OSError, RuntimeError):  # a link to itself
        return None


def read_attribute(item: h5py.HLObject, name: str) -> Any:
    """Read an attribute, also from an array of one; h5py reads strings of fixed length as bytes.
    None if it is missing."""
    value = item.attrs.get(name)
    if isinstance(value, numpy.ndarray) and value.size == 1:
        value = value.item()
    return value.decode(errors="replace") if isinstance(value, bytes) else value


def follow(file: h5py.File, data_path: str) -> tuple[h5py.Group | h5py.Dataset, str, list[str]]:
    """Follow a path as far as it leads.

    :returns: the last item that exists, its path, and the names that it does not have.
    :raises ValueError: if there is a broken link on the path; explains it.
    """
    item, path = file, "/"
    names = [name for name in data_path.split("/") if name]
    for n, name in enumerate(names):
        link = item.get(name, getlink=True) if isinstance(item, h5py.Group) else None
        if link is None:
            return item, path, names[n:]
        path = posixpath.join(path, name)
        try:
            item = item[name]
        except (KeyError, OSError, RuntimeError) as error:
            external = getattr(link, "filename", "")
            target = os.path.join(os.path.dirname(file.filename), external)
            raise ValueError(
                f"{path!r} in {file.filename!r} is a link to '{external and external + '::'}"
                f"{link.path}', where nothing can be read: {explain(target, str(error.args[0]))}"
            ) from error
    return item, path, []


def _find_dataset(file: h5py.File, data_path: str) -> h5py.Dataset:
    item, path, missing = follow(file, data_path)
    if missing and isinstance(item, h5py.Group):
        what = "dataset" if len(missing) == 1 else "group"
        where = f"{what} in '{file.filename}::{path}' called"
        raise ValueError(unknown_name(where, missing[0], item))
    if missing:
        raise ValueError(f"{path!r} in {file.filename!r} is a dataset, not a group")
    if isinstance(item, h5py.Group):
        names = ", ".join(map(repr, item))
        raise ValueError(
            f"{path!r} in {file.filename!r} is a group, not a dataset: "
            + (f"it contains {names}" if names else "it is empty")
        )
    return item


def _check_storage(dataset: h5py.Dataset) -> None:
    """Reject data that cannot be read, or for which HDF5 would return zeros or fill values.

    Some files of a virtual dataset may be missing, so that incomplete measurements can be read.

    :raises OSError: if a filter or a file is missing, or a file is truncated; names it.
    """
    with suppress(ImportError):  # importing it registers its filters in HDF5
        importlib.import_module("hdf5plugin")
    for number, name in find_filters(dataset).items():
        if not h5py.h5z.filter_avail(number):
            raise OSError(
                f"the dataset is compressed with {name or 'a filter'} (HDF5 filter {number}),"
                " which is not installed: `pip install hdf5plugin`"
            )
    sources = dataset.virtual_sources() if dataset.is_virtual else ()
    found = dict(each for source in sources for each in find_sources_of(dataset, source))
    if sources and not found:
        missing = os.path.join(os.path.dirname(dataset.file.filename), sources[0].file_name)
        raise OSError(
            f"the images of the virtual dataset are in {missing!r}, which does not exist"
            if len(sources) == 1
            else f"the images of the virtual dataset are in {len(sources)} files, of which none"
            f" exists, such as {missing!r}"
        )
    for path, name in found.items():
        if path == dataset.file.filename:
            continue
        try:
            with open_source(dataset, path, name) as source:
                if isinstance(source, h5py.Dataset):
                    _check_storage(source)
        except OSError as error:
            raise OSError(
                f"the virtual dataset contains data of {path!r}, which cannot be read:"
                f" {explain(path, str(error))}"
            ) from error
    _check_raw_files(dataset)


def _check_raw_files(dataset: h5py.Dataset) -> None:
    prefix = os.environ.get("HDF5_EXTFILE_PREFIX", "")
    prefix = prefix.replace("${ORIGIN}", os.path.dirname(dataset.file.filename))
    rest = dataset.nbytes
    for name, offset, size in dataset.external or ():
        path = os.path.abspath(os.path.join(prefix, name))  # as in HDF5
        where = f"the pixels are in the raw file {path!r}, which"
        if not os.path.exists(path):
            raise OSError(f"{where} does not exist")
        needed = offset + min(size, rest)
        rest -= min(size, rest)
        if (found := os.path.getsize(path)) < needed:
            raise OSError(f"{where} is truncated: it has {found} bytes instead of {needed}")


def find_filters(dataset: h5py.Dataset) -> dict[int, str]:
    """Find the filters of a dataset, by their number."""
    pipeline = dataset.id.get_create_plist()
    filters = [pipeline.get_filter(n) for n in range(pipeline.get_nfilters())]
    return {
        number: name.decode(errors="replace").partition(";")[0].strip()
        for number, *_, name in filters
    }


def find_sources_of(dataset: h5py.Dataset, source: h5py.h5d.VDSmap) -> Iterator[tuple[str, str]]:
    """Find the existing files of a source of a virtual dataset, and the name of the dataset in
    each; there may be one for each number in place of ``%b``."""
    own = dataset.file.filename
    path = os.path.join(os.path.dirname(own), source.file_name)
    if source.file_name == ".":
        path = own.replace("%", "%%")
    several = "%b" in path.replace("%%", "")
    numbers = count() if several else range(1)
    found = ((_number(path, n), _number(source.dset_name, n)) for n in numbers)
    return takewhile(lambda each: os.path.exists(each[0]), found)


@contextmanager
def open_source(dataset: h5py.Dataset, path: str, name: str) -> Iterator[Any]:
    """Open an item from which a virtual dataset gets its data; None if there is no such item."""
    own = dataset.file
    options = {"locking": False, "swmr": own.swmr_mode}
    with nullcontext(own) if path == own.filename else h5py.File(path, "r", **options) as file:
        yield find_item(file, name)


def _number(pattern: str, number: int) -> str:
    return "%".join(part.replace("%b", str(number)) for part in pattern.split("%%"))
