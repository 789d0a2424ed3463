"""Open HDF5 files for reading."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import h5py
from silx.io import h5py_utils

from .._messages import near_match


class Hdf5Reader:
    """One HDF5 file, opened when it is needed.

    :param path: of the file.
    :raises FileNotFoundError: when there is no such file.
    :raises OSError: when it cannot be read or is not HDF5.
    """

    def __init__(self, path: str) -> None:
        if not os.path.exists(path):
            raise FileNotFoundError(f"there is no file {path!r}{_near_file(path)}")
        self.path = os.path.abspath(path)
        self._lock = threading.RLock()
        self._file: h5py.File | None = None
        self._closed = False
        with self.opened():
            pass

    @contextmanager
    def opened(self) -> Iterator[h5py.File]:
        """The open file; it is not closed while this context lasts.

        :raises ValueError: when the reader was closed.
        :raises OSError: when the file cannot be read or is not HDF5.
        """
        with self._lock:
            if self._closed:
                raise ValueError(f"the file {self.path!r} is closed: read inside `input_context`")
            if self._file is None:
                self._file = open_to_read(self.path)
            yield self._file

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._close_file()

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None


def _near_file(path: str) -> str:
    folder, name = os.path.split(path)
    try:
        return near_match(name, os.listdir(folder or "."))
    except OSError:  # no such folder
        return ""


def open_to_read(path: str) -> h5py.File:
    """An HDF5 file opened for reading, also while somebody else has it open.

    :raises OSError: when the file cannot be read or is not HDF5.
    """
    try:
        return h5py_utils.File(path, mode="r")
    except OSError as error:
        if "locking flag" in str(error):
            # Open in this process already, by a handle of the user's that locks the file.
            return h5py.File(path, mode="r")
        if os.path.isdir(path):
            raise OSError(f"{path!r} is a folder, not an HDF5 file") from error
        if not os.access(path, os.R_OK):
            raise PermissionError(f"no permission to read {path!r}") from error
        if not h5py.is_hdf5(path):
            raise OSError(f"{path!r} is not an HDF5 file") from error
        if "open for" in str(error):
            raise OSError(
                f"cannot read {path!r} because another program has it open for writing in a way"
                " that does not allow reading: wait until it is closed"
            ) from error
        raise OSError(f"cannot read {path!r}: {error}") from error
