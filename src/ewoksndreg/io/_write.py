"""Write HDF5 so that a file receives a complete result or nothing, by HDF5's own rules.

The result is collected in a new file beside the target file. When it is complete, the new file
becomes the target; if that exists, HDF5 copies the new items into it.
"""

from __future__ import annotations

import errno
import glob
import logging
import os
import tempfile
import threading
import time
import zlib
from collections import defaultdict
from collections.abc import Callable
from collections.abc import Container
from collections.abc import Iterator
from contextlib import ExitStack
from contextlib import contextmanager
from contextlib import suppress
from io import FileIO
from itertools import count
from pathlib import Path
from uuid import uuid4

import h5py

from ._hdf5_files import explain
from ._hdf5_files import no_readers

try:
    import fcntl
except ImportError:  # on Windows, HDF5 opens files in a way that locks them
    fcntl = None  # type: ignore[assignment]

_logger = logging.getLogger(__name__)

# Space (bytes) for HDF5's own metadata.
_METADATA = 1 << 18
# Temporary files that are younger than this (s) may belong to a run that has not locked them yet.
_FRESH = 60
# How long (s) to wait for another program that has the file open.
_PATIENCE = 60.0
_PAUSE = 0.05
# On Windows, a rename never replaces a file, and an open file cannot be renamed.
_WINDOWS = os.name == "nt"

# HDF5 shares an open file within a process regardless of its lock: our threads write one at a time.
_turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)


@contextmanager
def staged_file(path: str) -> Iterator[tuple[h5py.File, Callable[[int], None]]]:
    """Provide an empty HDF5 file whose content moves to the target file after the context succeeds,
    and a function that reserves space for a number of bytes before they are added to it.

    :param path: the target file itself, not a link to it; it and its folders are created if they do
        not exist.
    """
    for leftover in _find_leftovers(path, age=_FRESH):
        _try(os.remove, leftover)
    staging = f"{_staging_prefix(path)}{uuid4().hex}.tmp"
    with ExitStack() as undo, ExitStack() as held:
        try:
            for folder in [each for each in Path(path).parents if not os.path.exists(each)][::-1]:
                undo.callback(_try, os.rmdir, str(folder))
                folder.mkdir(exist_ok=True)
            raw = FileIO(staging, "x+")
        except OSError as error:
            raise _cannot_write(path, error) from error
        held.callback(_try, os.remove, staging)
        held.enter_context(raw)
        try_lock(raw.fileno())
        reserve(raw, _METADATA, path)
        # Without the cache of HDF5, each image is on the disk once it is written, so that its size
        # there is known before the next one.
        with h5py.File(staging, "w", track_order=True, locking=False, rdcc_nbytes=0) as file:
            yield file, lambda size: reserve(raw, file.id.get_filesize() + size + _METADATA, path)
            file.flush()
            size = file.id.get_filesize()
        raw.truncate(size)  # removes the reserved space, which HDF5 does not use
        os.fsync(raw.fileno())
        if _WINDOWS:
            raw.close()
        if not _became_new_file(staging, path):
            _append(staging, path)
        undo.pop_all()


def _try(function: Callable[[str], None], path: str) -> None:
    """Clean up, unless another process uses the file or was faster."""
    with suppress(OSError):
        function(path)


def _staging_prefix(path: str) -> str:
    """The prefix of the temporary files for a file: beside it, or in the temporary folder if its
    folder is not writable."""
    folder, name = os.path.split(path)
    if os.path.exists(path) and not os.access(folder, os.W_OK):
        folder = tempfile.gettempdir()
    if len(os.fsencode(name)) > 200:  # of the 255 that a system allows
        name = f"{name[:40]}-{zlib.crc32(os.fsencode(name)):08x}"
    return os.path.join(folder, f".{name}.")


def _find_leftovers(path: str, *, age: float = 0) -> list[str]:
    """Find temporary files for a file that killed runs left at least `age` seconds ago."""
    found = []
    for leftover in glob.glob(f"{glob.escape(_staging_prefix(path))}{'[0-9a-f]' * 32}.tmp"):
        with suppress(OSError), open(leftover, "rb+") as file:
            # A run that still uses it holds a lock.
            if time.time() - os.path.getmtime(leftover) >= age and try_lock(file.fileno()):
                found.append(leftover)
    return found


def try_lock(descriptor: int) -> bool:
    """Lock an open file as HDF5 does; False if another program has locked it. Without support by
    the system, all files are free."""
    if fcntl is not None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            return error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    return True


def reserve(raw: FileIO, end: int, path: str) -> None:
    """Reserve disk space up to a position in a file: HDF5 crashes if it cannot write what is needed
    to close a file. This has no effect without support by the system (Windows, macOS)."""
    size = os.fstat(raw.fileno()).st_size
    if end > size and hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(raw.fileno(), size, end - size)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raw.truncate(size)
                raise _cannot_write(path, error) from error


def _cannot_write(path: str, error: OSError) -> OSError:
    """Make an error of the same kind whose message names the file."""
    kind = PermissionError if isinstance(error, PermissionError) else OSError
    return kind(f"Cannot write to {path!r}: {error.strerror or error}")


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
        raise _cannot_write(path, error) from error
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
    with (
        h5py.File(staging, "r", locking=False) as source,
        open_existing(path, os.path.getsize(staging) + _METADATA) as (target, raw),
    ):
        items = list(_new_items(source, target, path))
        copies = target.create_group(None)
        # Its index, which will be freed, is not at the end of the file: HDF5 would cut the file and
        # only then say so in the superblock, and it does not open a file that is shorter.
        copies["first"] = h5py.SoftLink("/")
        for number, (item, _, _) in enumerate(items):
            source.copy(item, copies, name=str(number))
            # Its header gets the field that counts its links now, and later stays as it is.
            copies["again"] = copies[str(number)]
            del copies["again"]
        target.flush()
        # HDF5 has released the remaining space, and does not know about this one.
        reserve(raw, raw.seek(0, os.SEEK_END) + _METADATA, path)
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
            yield item, target, free_name(set(target), name)
        elif isinstance(item, h5py.Group) and isinstance(target.get(name), h5py.Group):
            yield from _new_items(item, target[name], path)
        else:
            raise FileExistsError(
                f"'{path}::{item.name}' exists already: choose another output URL"
            )


def free_name(group: Container[str], name: str) -> str:
    """Find a name that does not exist in a group, with a number appended if needed."""
    numbered = (name if n == 1 else f"{name}_{n}" for n in count(1))
    return next(each for each in numbered if each not in group)


@contextmanager
def open_existing(path: str, space: int | None = None) -> Iterator[tuple[h5py.File, FileIO]]:
    """Open an existing file as HDF5 and raw, while nobody else writes to it and no stack has it
    open.

    :param path: path of the file itself, not of a link to it.
    :param space: number of bytes by which it may grow, to reserve them on the disk. None opens it
        for reading, to check whether it can be written.
    :raises OSError: if it cannot be written, is being written, or stays locked by another program
        for a minute.
    """
    with _turns[path], ExitStack() as stack:
        try:
            raw = stack.enter_context(FileIO(path, "r+"))
        except OSError as error:
            raise _cannot_write(path, error) from error
        give_up = 0.0
        while True:
            with suppress(BlockingIOError), ExitStack() as alone:
                alone.enter_context(no_readers())
                if _is_open_here(path):
                    raise OSError(
                        f"Cannot write to {path!r} because it is open in this Python process: close"
                        " it (h5py.File.close) and run again"
                    )
                if not try_lock(raw.fileno()):
                    raise BlockingIOError
                file = alone.enter_context(_open(path, "r"))
                if space is not None:
                    file.close()
                    reserve(raw, raw.seek(0, os.SEEK_END) + space, path)
                    file = alone.enter_context(_open(path, "r+"))
                stack.push(alone.pop_all())
                break
            if not give_up:
                _logger.warning(
                    "%r is open in another program: waiting up to %.0f s", path, _PATIENCE
                )
                give_up = time.monotonic() + _PATIENCE
            elif time.monotonic() > give_up:
                raise OSError(
                    f"Cannot write to {path!r} because another program has had it open, with a"
                    f" lock, for {_PATIENCE:.0f} s: close it there and run again"
                )
            time.sleep(_PAUSE)
        yield file, raw


def _open(path: str, mode: str) -> h5py.File:
    """:raises BlockingIOError: if another program has locked the file."""
    try:
        # Locked already, in the same way as HDF5 does it. Without blocks for metadata: HDF5 would
        # allocate one in a flush and give back its rest in the next, which cuts the file.
        return h5py.File(path, mode, locking=None if fcntl is None else False, meta_block_size=0)
    except OSError as error:
        problem = str(error)
        if "unable to lock" in problem:
            raise BlockingIOError from error
        if not h5py.is_hdf5(path):
            raise OSError(f"{path!r} is not an HDF5 file") from None
        if "already open for write" not in problem:
            raise OSError(f"Cannot write to {path!r}: {explain(path, problem)}") from error
    # Nobody holds a lock, but a flag of the file is set.
    try:
        h5py.File(path, "r", swmr=True, locking=False).close()
        how = "SWMR"
    except OSError:
        how = "without a lock"
    reason = (
        f"it is being written by another program ({how}), or that program crashed: choose another"
        " output file; only if no program writes it anymore, run"
    )
    leftovers = [] if how == "SWMR" else _find_leftovers(path)
    if leftovers:
        reason = (
            "it is marked as being written because a run of ewoksndreg was killed while it saved"
            f" there (it left {leftovers[0]!r}). Its data is intact: before the next run, run"
        )
    raise OSError(f"Cannot write to {path!r}: {reason} `h5clear -s {path}`")


def _is_open_here(path: str) -> bool:
    """Whether the user has the file open in this process, with a lock or without."""
    for file_id in h5py.h5f.get_obj_ids(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_FILE):
        with suppress(OSError, RuntimeError, ValueError):  # another thread has closed it meanwhile
            if os.path.samefile(os.fsdecode(file_id.name), path):
                return True
    return False
