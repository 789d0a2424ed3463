"""Write HDF5 so that a file receives all of a result or nothing.

The result is collected in a new file beside the final one. When it is complete, the new file
becomes the final one; where that exists, HDF5 copies into it what is new.
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

# Room (bytes) for HDF5's own bookkeeping.
_BOOKKEEPING = 1 << 18
# Younger files (s) may belong to a run that has not locked them yet.
_FRESH = 60
# A rename never replaces a file there, and an open file cannot be renamed.
_WINDOWS = os.name == "nt"


class StagedFile:
    """The new file.

    :param file: open for writing.
    :param descriptor: of the same file.
    :param path: the final file.
    """

    def __init__(self, file: h5py.File, descriptor: int, path: str) -> None:
        self.file = file
        self._descriptor = descriptor
        self._path = path
        self._reserved = 0

    def reserve(self, size: int) -> None:
        """Make sure that `size` more bytes can be written.

        :raises OSError: when they cannot: a full disk, a quota.
        """
        end = self.file.id.get_filesize() + size + _BOOKKEEPING
        reserve(self._descriptor, self._reserved, end, self._path)
        self._reserved = max(self._reserved, end)


@contextmanager
def staged_file(path: str) -> Iterator[StagedFile]:
    """An empty HDF5 file whose content moves into another file when the context ends well.

    :param path: the final file itself, not a link to it; it and its folders are created where they
        are missing.
    :raises FileExistsError: when the final file has one of the datasets already.
    :raises OSError: when a file cannot be written.
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
        reserve(descriptor, 0, _BOOKKEEPING, path)
        # Without HDF5's cache an image is on the disk when it has been written: what it takes there
        # is known before the next one.
        with h5py.File(staging, "w", track_order=True, locking=False, rdcc_nbytes=0) as file:
            staged = StagedFile(file, descriptor, path)
            staged.reserve(0)
            yield staged
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
    """Clean up, unless somebody else uses it by now or was faster."""
    with suppress(OSError):
        function(path)


def _became_new_file(staging: str, path: str) -> bool:
    """Give the new file its final name, unless that is taken."""
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
    """Copy what is new in one file into another.

    First everything is copied to where nothing leads, and flushed, which touches nothing that was
    in the file. Then one link for each new item makes it seen: only these change old bytes.
    """
    room = os.path.getsize(staging) + _BOOKKEEPING
    with (
        open_to_write(path, room) as target,
        h5py.File(staging, "r", locking=False) as source,
        open(path, "rb+", buffering=0) as raw,
    ):
        items = list(_new_items(source, target, path))
        copies = target.create_group(None)
        for number, (item, _, _) in enumerate(items):
            source.copy(item, copies, name=str(number))
        target.flush()
        # HDF5 has given back what was left of the room, and does not know of this one.
        size = raw.seek(0, os.SEEK_END)
        reserve(raw.fileno(), size, size + _BOOKKEEPING, path)
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
    """What `target` does not have yet, each with the group to which it is added and its name there.

    Groups that exist keep their attributes, also where they have none: each attribute more would be
    one more moment in which a kill hurts.
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
