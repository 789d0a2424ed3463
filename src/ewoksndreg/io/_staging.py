"""Write HDF5 so that a file receives a complete result or nothing.

The result is collected in a new file beside the target file. When it is complete, the new file
becomes the target; if that exists, HDF5 copies the new items into it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from contextlib import contextmanager
from contextlib import suppress
from uuid import uuid4

import h5py

from ._disk import cannot_write
from ._disk import find_leftovers
from ._disk import reserve
from ._disk import staging_prefix
from ._disk import try_lock
from ._nexus import free_name
from ._open_to_write import open_to_write

# Space (bytes) for HDF5's own metadata.
_METADATA = 1 << 18
# Files that are younger than this (s) may belong to a run that has not locked them yet.
_FRESH = 60
# On Windows, a rename never replaces a file, and an open file cannot be renamed.
_WINDOWS = os.name == "nt"


class StagedFile:
    """The new file.

    :param file: the file, open for writing.
    :param descriptor: file descriptor of the same file.
    :param path: path of the target file.
    """

    def __init__(self, file: h5py.File, descriptor: int, path: str) -> None:
        self.file = file
        self._descriptor = descriptor
        self._path = path
        self._reserved = 0

    def reserve(self, size: int) -> None:
        """Make sure that `size` more bytes can be written.

        :raises OSError: if they cannot, because of a full disk or a quota.
        """
        end = self.file.id.get_filesize() + size + _METADATA
        reserve(self._descriptor, self._reserved, end, self._path)
        self._reserved = max(self._reserved, end)


@contextmanager
def staged_file(path: str) -> Iterator[StagedFile]:
    """Provide an empty HDF5 file whose content moves to the target file after the context succeeds.

    :param path: the target file itself, not a link to it; it and its folders are created if they do
        not exist.
    :raises FileExistsError: if the target file already has one of the datasets.
    :raises OSError: if a file cannot be written.
    """
    for leftover in find_leftovers(path, age=_FRESH):
        _try(os.remove, leftover)
    staging = f"{staging_prefix(path)}{uuid4().hex}.tmp"
    with ExitStack() as undo, ExitStack() as held:
        try:
            _create_folders(os.path.dirname(path), undo)
            descriptor = os.open(staging, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o666)
        except OSError as error:
            raise cannot_write(path, error) from error
        undo.callback(_try, os.remove, staging)
        held.callback(os.close, descriptor)
        try_lock(descriptor)
        reserve(descriptor, 0, _METADATA, path)
        # Without the cache of HDF5, each image is on the disk once it is written, so that its size
        # there is known before the next one.
        with h5py.File(staging, "w", track_order=True, locking=False, rdcc_nbytes=0) as file:
            staged = StagedFile(file, descriptor, path)
            staged.reserve(0)
            yield staged
            file.flush()
            size = file.id.get_filesize()
        os.ftruncate(descriptor, size)  # removes the reserved space, which HDF5 does not use
        os.fsync(descriptor)
        if _WINDOWS:
            held.close()
        if not _became_new_file(staging, path):
            _append(staging, path)
        undo.pop_all()
    _try(os.remove, staging)


def _create_folders(folder: str, undo: ExitStack) -> None:
    if not os.path.exists(folder):
        _create_folders(os.path.dirname(folder), undo)
        with suppress(FileExistsError):  # another run was faster
            os.mkdir(folder)
            undo.callback(_try, os.rmdir, folder)


def _try(function: Callable[[str], None], path: str) -> None:
    """Clean up, unless another process uses the file or was faster."""
    with suppress(OSError):
        function(path)


def _became_new_file(staging: str, path: str) -> bool:
    """Rename the new file to the target, unless that exists."""
    try:
        if _WINDOWS:
            os.rename(staging, path)
        else:
            _link(staging, path)
    except FileExistsError:
        return False
    except OSError as error:
        raise cannot_write(path, error) from error
    return True


def _link(staging: str, path: str) -> None:
    try:
        os.link(staging, path)  # unlike a rename, it never replaces a file
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        os.close(os.open(path, os.O_CREAT | os.O_EXCL))
        try:
            os.replace(staging, path)
        except OSError:
            os.remove(path)
            raise


def _append(staging: str, path: str) -> None:
    """Copy the new items of one file to another.

    First, everything is copied to an anonymous group and flushed, which does not change any
    existing bytes of the file. Then one link per new item makes it visible: only this changes
    existing bytes.
    """
    space = os.path.getsize(staging) + _METADATA
    with (
        open_to_write(path, space) as target,
        h5py.File(staging, "r", locking=False) as source,
        open(path, "rb+", buffering=0) as raw,
    ):
        items = list(_new_items(source, target, path))
        copies = target.create_group(None)
        # Its index, which will be freed, is not at the end of the file: HDF5 would cut the file and
        # only then say so in the superblock, and it does not open a file that is too short.
        copies["first"] = h5py.SoftLink("/")
        for number, (item, _, _) in enumerate(items):
            source.copy(item, copies, name=str(number))
            # Its header gets the field that counts its links now, and later stays as it is.
            copies["again"] = copies[str(number)]
            del copies["again"]
        target.flush()
        # HDF5 has released the remaining space, and does not know about this one.
        size = raw.seek(0, os.SEEK_END)
        reserve(raw.fileno(), size, size + _METADATA, path)
        try:
            for number, (_, parent, name) in enumerate(items):
                parent[name] = copies[str(number)]
            del copies
            target.flush()
        finally:
            raw.truncate(target.id.get_filesize())


def _new_items(
    source: h5py.Group, target: h5py.Group, path: str
) -> Iterator[tuple[h5py.Group | h5py.Dataset, h5py.Group, str]]:
    """Find the items that `target` does not have, with the group to add each to and its name there.

    Existing groups keep their attributes, even if they have none: each additional attribute would
    be one more moment at which a kill does harm.
    """
    for name, item in source.items():
        if target.get(name, getlink=True) is None:
            yield item, target, name
        elif item.attrs.get("NX_class") == "NXprocess":
            yield item, target, free_name(target, name)
        elif isinstance(item, h5py.Group) and isinstance(target.get(name), h5py.Group):
            yield from _new_items(item, target[name], path)
        else:
            raise FileExistsError(
                f"'{path}::{item.name}' exists already: choose another output URL"
            )
