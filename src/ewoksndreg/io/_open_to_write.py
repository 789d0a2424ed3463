"""Open existing HDF5 files for writing, by HDF5's own rules: its locks and its status flags."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import defaultdict
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import ExitStack
from contextlib import contextmanager
from typing import TypeVar

import h5py

from ._disk import cannot_write
from ._disk import find_leftovers
from ._disk import reserve
from ._disk import try_lock
from ._hdf5_files import no_readers

_logger = logging.getLogger(__name__)
_T = TypeVar("_T")

# How long (s) to wait for another program that has the file open.
_PATIENCE = 60.0
_PAUSE = 0.05

_OPEN_HERE = (
    "Cannot write to {!r} because it is open in this Python process: close it (h5py.File.close) and"
    " run again"
)
# HDF5 shares an open file within a process regardless of its lock: our threads write one at a time.
_turns: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

# The superblock of the newest format: signature, version, two sizes, status flags.
_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_WRITING = 0b001
_SWMR = 0b100


@contextmanager
def writable(path: str) -> Iterator[None]:
    """Prevent others from writing to an existing file inside the context.

    :param path: path of the file itself, not of a link to it.
    :raises OSError: if it cannot be written, is being written, or stays locked by another program
        for a minute.
    """
    with _turns[path]:
        descriptor = _when_free(path, lambda: _lock(path))
        try:
            yield
        finally:
            os.close(descriptor)


@contextmanager
def open_to_write(path: str, space: int) -> Iterator[h5py.File]:
    """Open an existing file with HDF5, while no stack has it open.

    :param space: number of bytes to reserve on the disk first, by which the file may grow.
    :raises OSError: see :func:`writable`.
    """
    with _turns[path], ExitStack() as stack:

        def check_and_open() -> h5py.File:
            os.close(_lock(path, space))
            with ExitStack() as alone:
                alone.enter_context(no_readers(path))
                file = alone.enter_context(_open(path))
                stack.push(alone.pop_all())
            return file

        yield _when_free(path, check_and_open)


def _when_free(path: str, action: Callable[[], _T]) -> _T:
    give_up = time.monotonic() + _PATIENCE
    warned = False
    while True:
        try:
            return action()
        except BlockingIOError:
            if _is_locked_here(path):
                raise OSError(_OPEN_HERE.format(path)) from None
            if time.monotonic() > give_up:
                raise OSError(
                    f"Cannot write to {path!r} because another program has had it open, with a"
                    f" lock, for {_PATIENCE:.0f} s: close it there and run again"
                ) from None
        if not warned:
            _logger.warning("%r is open in another program: waiting up to %.0f s", path, _PATIENCE)
            warned = True
        time.sleep(_PAUSE)


def _lock(path: str, space: int = 0) -> int:
    """Lock a file, check what HDF5 will check, and reserve space; returns the open file.

    :raises BlockingIOError: if another program has locked the file.
    """
    try:
        descriptor = os.open(path, os.O_RDWR)
    except OSError as error:
        raise cannot_write(path, error) from error
    try:
        if not try_lock(descriptor):
            raise BlockingIOError
        # After locking: a flag that is still set does not belong to a program that uses locks.
        _refuse_flags(path)
        size = os.fstat(descriptor).st_size
        try:
            reserve(descriptor, size, size + space, path)
        except OSError:
            os.ftruncate(descriptor, size)
            raise
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _open(path: str) -> h5py.File:
    try:
        return h5py.File(path, "r+")
    except OSError as error:
        if "unable to lock" in str(error):
            raise BlockingIOError from error
        if "already open for read" in str(error):
            raise OSError(_OPEN_HERE.format(path)) from error
        raise cannot_write(path, error) from error


def _refuse_flags(path: str) -> None:
    flags = _status_flags(path)
    if not flags & (_WRITING | _SWMR):
        return
    how = "SWMR" if flags & _SWMR else "without a lock"
    reason = (
        f"it is being written by another program ({how}), or that program crashed: choose another"
        " output file; only if no program writes it anymore, run"
    )
    leftovers = [] if flags & _SWMR else find_leftovers(path)
    if leftovers:
        reason = (
            "it is marked as being written because a run of ewoksndreg was killed while it saved"
            f" there (it left {leftovers[0]!r}). Its data is intact: before the next run, run"
        )
    raise OSError(f"Cannot write to {path!r}: {reason} `h5clear -s {path}`")


def _status_flags(path: str) -> int:
    """Read the status flags, which tell who has the file open; only the newest format has them."""
    with open(path, "rb") as raw:
        offset, head = 0, raw.read(12)
        while len(head) == 12:  # after a user block of 512, 1024, 2048, ... bytes
            if head.startswith(_SIGNATURE):
                return head[11] if head[8] >= 3 else 0
            offset = max(512, 2 * offset)
            raw.seek(offset)
            head = raw.read(12)
    return 0


def _is_locked_here(path: str) -> bool:
    """Whether the user has the file open in this process. Our own stacks do not lock files."""
    try:
        for file_id in h5py.h5f.get_obj_ids(h5py.h5f.OBJ_ALL, h5py.h5f.OBJ_FILE):
            locks = file_id.get_access_plist().get_file_locking()[0]
            name = os.fsdecode(file_id.name)
            if locks and os.path.exists(name) and os.path.samefile(name, path):
                return True
    except (OSError, RuntimeError, ValueError):  # another thread has closed one: look again later
        pass
    return False
