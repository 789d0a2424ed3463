"""Write HDF5 so that a file receives all of a result or nothing.

The result is written to a file of its own beside the final one, and moves in when it is complete.
An error on the way, and even the end of the process, leaves the final file as it was.
"""

from __future__ import annotations

import glob
import os
import time
import uuid
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from io import FileIO

import h5py

from ._hdf5_files import open_to_read
from ._hdf5_lock import cannot_write
from ._hdf5_lock import locked
from ._hdf5_lock import try_lock
from ._journal import finish_changes
from ._journal import write_journal
from ._pending_file import PendingFile
from ._positioned import size_of

# Younger files (s) may belong to a process that has not locked them yet.
_FRESH = 60


class StagedFile:
    """The file of its own.

    :param file: open for writing.
    :param check: raises OSError when something could not be written: a full disk, a quota.
    """

    def __init__(self, file: h5py.File, check: Callable[[], None]) -> None:
        self.file = file
        self.check = check


@contextmanager
def staged_file(path: str) -> Iterator[StagedFile]:
    """An empty HDF5 file whose content moves into another file when the context ends well.

    :param path: the final file; it and its folders are created where they are missing.
    :raises FileExistsError: when the final file has one of the datasets already.
    :raises OSError: when a file cannot be written.
    """
    folder = os.path.dirname(os.path.abspath(path))
    new_folders: list[str] = []
    staging = os.path.join(folder, f".{os.path.basename(path)}.{uuid.uuid4().hex}.tmp")
    _remove_leftovers(path)
    try:
        file = _create(staging, folder, new_folders, path)
        with file, _new_hdf5(file, path) as staged:
            try_lock(file)
            yield staged
        if not _became_new_file(staging, path):
            _append(staging, path)
    except BaseException:
        _remove(staging)
        for new_folder in new_folders:
            with suppress(OSError):  # somebody else uses it by now
                os.rmdir(new_folder)
        raise
    _remove(staging)


def _remove_leftovers(path: str) -> None:
    """Remove what processes that were killed have left beside a file."""
    pattern = os.path.join(
        glob.escape(os.path.dirname(path)), f".{glob.escape(os.path.basename(path))}"
    )
    for leftover in glob.glob(f"{pattern}.{'[0-9a-f]' * 32}.tmp"):
        with suppress(OSError), FileIO(leftover, "r+") as file:
            # Who still works on it has locked it, or has created it just now.
            if time.time() - os.path.getmtime(leftover) > _FRESH and try_lock(file):
                os.remove(leftover)


def _create(staging: str, folder: str, new_folders: list[str], path: str) -> FileIO:
    """Create the file and its folders; the folders are added to `new_folders`, innermost first."""
    missing = []
    while not os.path.exists(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    try:
        for new_folder in reversed(missing):
            os.mkdir(new_folder)
            new_folders.insert(0, new_folder)
        return FileIO(staging, "x+")
    except OSError as error:
        raise cannot_write(path, error) from error


@contextmanager
def _new_hdf5(file: FileIO, path: str) -> Iterator[StagedFile]:
    pending = PendingFile(file)

    def check() -> None:
        if pending.error is not None:
            raise cannot_write(path, pending.error)

    try:
        with h5py.File(pending, "w", driver="fileobj", track_order=True) as hdf5:
            yield StagedFile(hdf5, check)
    finally:
        # What was not written is the cause of whatever else went wrong.
        check()
    try:
        file.truncate(pending.size)
        os.fsync(file.fileno())
    except OSError as error:
        raise cannot_write(path, error) from error


def _remove(path: str) -> None:
    with suppress(FileNotFoundError, NotADirectoryError):
        os.remove(path)


def _became_new_file(staging: str, path: str) -> bool:
    try:
        # Unlike a rename, a link never replaces a file that appeared in the meantime.
        os.link(staging, path)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        if os.path.exists(path):
            return False
        os.rename(staging, path)
    return True


def _append(staging: str, path: str) -> None:
    """Add the content of one file to another, which stays as it is until all is there."""
    with locked(path) as file:
        size = size_of(file)
        try:
            pending = PendingFile(file, _end_of_hdf5(file, path))
            with _open_pending(pending, path) as target, open_to_read(staging) as source:
                _merge(source, target, path)
            if pending.error is not None:
                raise pending.error
            file.truncate(pending.size)
            os.fsync(file.fileno())
            write_journal(file, path, pending.changed_pages)
        except BaseException as error:
            file.truncate(size)
            if isinstance(error, OSError) and error.errno is not None:
                raise cannot_write(path, error) from error
            raise
        finish_changes(file, path)


def _end_of_hdf5(file: FileIO, path: str) -> int:
    """Where the HDF5 data ends, which is before the end of the file when a process was killed
    while it appended. HDF5 tells by cutting the file there when it closes it."""
    pending = PendingFile(file, size_of(file))
    _open_pending(pending, path).close()
    return pending.size


def _open_pending(pending: PendingFile, path: str) -> h5py.File:
    try:
        return h5py.File(pending, "r+", driver="fileobj")
    except OSError as error:
        raise cannot_write(path, error) from error


def _merge(source: h5py.Group, target: h5py.Group, path: str) -> None:
    """Add what is new in `source`. Groups that exist keep what they have."""
    # A plot is one thing: no auxiliary signals for somebody else's signal.
    keep = {"signal", "auxiliary_signals"} if "signal" in target.attrs else set()
    for key, value in source.attrs.items():
        if key not in target.attrs and key not in keep:
            target.attrs[key] = value
    for name, item in source.items():
        if target.get(name, getlink=True) is None:
            source.copy(item, target, name=name)
        elif isinstance(item, h5py.Group) and isinstance(target.get(name), h5py.Group):
            _merge(item, target[name], path)
        else:
            raise FileExistsError(
                f"'{path}::{item.name}' exists already: choose another output URL"
            )
