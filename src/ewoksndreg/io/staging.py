"""Write HDF5 so that a file receives all of a result or nothing.

The result is written to a file of its own beside the final one, and moves in when it is complete:
an error on the way leaves the final file as it was, and the final file may be read meanwhile.
"""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from contextlib import suppress
from functools import partial

import h5py
from silx.io import h5py_utils

from .hdf5_files import no_readers
from .hdf5_files import open_to_read


@contextmanager
def staged_file(path: str) -> Iterator[h5py.File]:
    """An empty HDF5 file whose content moves into another file when the context ends well.

    :param path: the final file; it and its folders are created where they are missing.
    :raises FileExistsError: when the final file has one of the datasets already.
    :raises OSError: when a file cannot be written.
    """
    folder = os.path.dirname(os.path.abspath(path))
    new_folders = _make_folders(folder)
    staging = os.path.join(folder, f".{os.path.basename(path)}.{uuid.uuid4().hex}.tmp")
    try:
        with h5py_utils.File(staging, mode="x") as file:
            yield file
        _move_in(staging, path)
    except BaseException:
        _remove(staging)
        for new_folder in new_folders:
            with suppress(OSError):  # somebody else uses it by now
                os.rmdir(new_folder)
        raise
    _remove(staging)


def _make_folders(folder: str) -> list[str]:
    """Create a folder; returns what was created, the innermost first."""
    missing = []
    while not os.path.isdir(folder):
        missing.append(folder)
        folder = os.path.dirname(folder)
    if missing:
        os.makedirs(missing[0], exist_ok=True)
    return missing


def _remove(path: str) -> None:
    with suppress(FileNotFoundError):
        os.remove(path)


def _move_in(staging: str, path: str) -> None:
    if not _became_new_file(staging, path):
        _merge_files(staging, path)


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


def _merge_files(staging: str, path: str) -> None:
    undo: list[Callable[[], None]] = []
    with no_readers(path), _open_to_append(path) as target:
        try:
            with open_to_read(staging) as source:
                _merge(source, target, undo)
        except BaseException:
            for step in reversed(undo):
                step()
            raise


def _open_to_append(path: str) -> h5py.File:
    try:
        return h5py_utils.File(path, mode="a")
    except OSError as error:
        raise OSError(
            f"Cannot write to {path!r}, perhaps because another program has it open: {error}"
        ) from error


def _merge(source: h5py.Group, target: h5py.Group, undo: list[Callable[[], None]]) -> None:
    """Add what is new in `source`. Groups that exist keep what they have."""
    # A plot is one thing: no auxiliary signals for somebody else's signal.
    keep = {"signal", "auxiliary_signals"} if "signal" in target.attrs else set()
    for key, value in source.attrs.items():
        if key not in target.attrs and key not in keep:
            undo.append(partial(_discard, target.attrs, key))
            target.attrs[key] = value
    for name, item in source.items():
        existing = target.get(name, getlink=True)
        if existing is None:
            undo.append(partial(_discard, target, name))
            source.copy(item, target, name=name)
        elif isinstance(item, h5py.Group) and isinstance(target.get(name), h5py.Group):
            _merge(item, target[name], undo)
        else:
            raise FileExistsError(
                f"'{target.file.filename}::{item.name}' exists already: choose another output URL"
            )


def _discard(container: h5py.Group | h5py.AttributeManager, name: str) -> None:
    if name in container:
        del container[name]
