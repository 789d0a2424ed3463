"""Files at the level of the operating system: locks, disk space, and temporary files."""

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
except ImportError:  # on Windows, HDF5 opens files in a way that locks them
    fcntl = None  # type: ignore[assignment]


def try_lock(descriptor: int) -> bool:
    """Lock an open file as HDF5 does; False if another program has locked it. Without support by
    the system, all files are free."""
    if fcntl is not None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    return True


def reserve(descriptor: int, start: int, end: int, path: str) -> None:
    """Reserve disk space: HDF5 crashes if it cannot write what is needed to close a file. This has
    no effect without support by the system (Windows, macOS).

    :raises OSError: if the disk is full or a quota is exceeded; names `path`.
    """
    if end > start and hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(descriptor, start, end - start)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise cannot_write(path, error) from error


def cannot_write(path: str, error: OSError) -> OSError:
    """Make an error of the same kind whose message names the file."""
    kind = PermissionError if isinstance(error, PermissionError) else OSError
    return kind(f"Cannot write to {path!r}: {error.strerror or error}")


def staging_prefix(path: str) -> str:
    """The prefix of the temporary files in which results for a file are collected: beside the file,
    or in the temporary folder if the folder of the file is not writable."""
    folder, name = os.path.split(path)
    if os.path.exists(path) and not os.access(folder, os.W_OK):
        folder = tempfile.gettempdir()
    if len(os.fsencode(name)) > 200:  # of the 255 that a system allows
        name = f"{name[:40]}-{zlib.crc32(os.fsencode(name)):08x}"
    return os.path.join(folder, f".{name}.")


def find_leftovers(path: str, *, age: float = 0) -> list[str]:
    """Find temporary files for a file that killed runs have left.

    :param age: minimum time in seconds since they were last written to.
    """
    found = []
    for leftover in glob.glob(f"{glob.escape(staging_prefix(path))}{'[0-9a-f]' * 32}.tmp"):
        with suppress(OSError), open(leftover, "rb+") as file:
            # A run that still uses it holds a lock.
            if time.time() - os.path.getmtime(leftover) >= age and try_lock(file.fileno()):
                found.append(leftover)
    return found
