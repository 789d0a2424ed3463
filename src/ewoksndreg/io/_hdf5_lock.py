"""One writer at a time, for this library and for all programs that use HDF5."""

from __future__ import annotations

import errno
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO

import h5py

from ._hdf5_files import no_readers
from ._journal import finish_changes
from ._journal import journal_path

try:
    import fcntl
except ImportError:  # Windows: HDF5 opens files there in a way that locks them
    fcntl = None  # type: ignore[assignment]

_logger = logging.getLogger(__name__)

# How long (s) to wait for another process that has the file open.
_PATIENCE = 60.0
_PAUSE = 0.1


@contextmanager
def locked(path: str) -> Iterator[FileIO]:
    """The file, locked as HDF5 locks a file that it writes, and closed by our own readers.

    What a killed process left undone is finished first.

    :returns: the file, open for reading and writing.
    :raises OSError: when the file cannot be written, is open in this process, or stays locked by
        another process for a minute.
    """
    with no_readers(path):
        refuse_if_open_here(path)
        try:
            file = FileIO(path, "r+")
        except OSError as error:
            raise cannot_write(path, error) from error
        with file:
            _lock(file, path)
            finish_changes(file, path)
            yield file


def finish_interrupted_write(path: str) -> None:
    """Make a file whole that a killed process left in the middle of a change.

    :raises OSError: when that is needed and not possible.
    """
    if os.path.exists(journal_path(path)):
        with locked(path):
            pass


def refuse_if_open_here(path: str) -> None:
    """:raises OSError: when the user has the file open in this Python process."""
    for file_id in h5py.h5f.get_obj_ids(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_FILE):
        name = os.fsdecode(file_id.name)
        if os.path.exists(name) and os.path.exists(path) and os.path.samefile(name, path):
            raise OSError(
                f"Cannot write to {path!r} because it is open in this Python process:"
                " close it (h5py.File.close) and run again"
            )


def cannot_write(path: str, error: OSError) -> OSError:
    """The same error, in words that name the file."""
    kind = PermissionError if isinstance(error, PermissionError) else OSError
    return kind(f"Cannot write to {path!r}: {error.strerror or error}")


def try_lock(file: FileIO) -> bool | None:
    """Lock a file as long as it is open here.

    :returns: False when somebody else has locked it, None when the system has no such locks.
    """
    if fcntl is None:
        return None
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        # Other errors come from file systems without locks, where HDF5 does without them too.
        return False if error.errno in (errno.EWOULDBLOCK, errno.EACCES) else None
    return True


def _lock(file: FileIO, path: str) -> None:
    give_up = time.monotonic() + _PATIENCE
    told = False
    while try_lock(file) is False:
        if time.monotonic() > give_up:
            raise OSError(
                f"Cannot write to {path!r} because another program has had it open for"
                f" {_PATIENCE:.0f} s: close it there and run again"
            )
        if not told:
            _logger.warning("%r is open in another program: waiting up to %.0f s", path, _PATIENCE)
            told = True
        time.sleep(_PAUSE)
