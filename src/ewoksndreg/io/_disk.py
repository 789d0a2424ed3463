"""Files as the system sees them: locks, room on the disk, and what is left after a kill."""

from __future__ import annotations

import errno
import glob
import os
import tempfile
import time
import zlib
from contextlib import suppress

try:
    import fcntl
except ImportError:  # Windows: HDF5 opens files there in a way that locks them
    fcntl = None  # type: ignore[assignment]


def try_lock(descriptor: int) -> bool:
    """Lock an open file as HDF5 does; False when somebody else has locked it. Where the system has
    no locks, all files are free."""
    if fcntl is not None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    return True


def reserve(descriptor: int, start: int, end: int, path: str) -> None:
    """Make sure that the disk has room: HDF5 crashes when it cannot write what it has to write to
    close a file. Without effect where the system cannot tell (Windows, macOS).

    :raises OSError: when the disk is full or a quota exceeded; names `path`.
    """
    if end > start and hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, start, end - start)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise cannot_write(path, error) from error


def cannot_write(path: str, error: OSError) -> OSError:
    """The same error, in words that name the file."""
    kind = PermissionError if isinstance(error, PermissionError) else OSError
    return kind(f"Cannot write to {path!r}: {error.strerror or error}")


def staging_prefix(path: str) -> str:
    """How the files begin in which results for a file are collected: beside it, or among the
    temporary files where nothing can be put beside it."""
    folder, name = os.path.split(path)
    if os.path.exists(path) and not os.access(folder, os.W_OK):
        folder = tempfile.gettempdir()
    if len(os.fsencode(name)) > 200:  # of the 255 that a system allows
        name = f"{name[:40]}-{zlib.crc32(os.fsencode(name)):08x}"
    return os.path.join(folder, f".{name}.")


def find_leftovers(path: str, *, age: float = 0) -> list[str]:
    """What runs that were killed had collected for a file.

    :param age: seconds that have passed at least since it was written to.
    """
    found = []
    for leftover in glob.glob(f"{glob.escape(staging_prefix(path))}{'[0-9a-f]' * 32}.tmp"):
        with suppress(OSError), open(leftover, "rb+") as file:
            # A run that still uses it has locked it.
            if time.time() - os.path.getmtime(leftover) >= age and try_lock(file.fileno()):
                found.append(leftover)
    return found
