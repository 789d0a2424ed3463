"""The sources of virtual datasets, which show data of other files as if it were their own."""

from __future__ import annotations

import os
from typing import Any

import h5py


def check_sources(dataset: h5py.Dataset) -> None:
    """Older HDF5 versions silently show fill values in place of a file that cannot be opened.

    A file that does not exist is no error: measurements are shown before they are complete.

    :raises OSError: when a file exists and cannot be read; names it.
    """
    if not dataset.is_virtual:
        return
    paths = {_path(dataset, source) for source in dataset.virtual_sources()}
    for path in sorted(paths - {dataset.file.filename}):
        if not os.path.exists(path):
            continue
        try:
            h5py.File(path, "r", locking=False).close()
        except OSError as error:
            raise OSError(
                f"the virtual dataset shows data of {path!r}, which cannot be read: {error}"
            ) from error


def _path(dataset: h5py.Dataset, source: Any) -> str:
    own: str = dataset.file.filename
    if source.file_name == ".":
        return own
    return os.path.join(os.path.dirname(own), source.file_name)


def virtual_chunks(dataset: h5py.Dataset, axis: int) -> tuple[int, list[tuple[int, int, int]]]:
    """Along one axis, the length of the chunks of the first source (1 when they do not matter), and
    for each source where it begins and ends and a place where one of its chunks begins."""
    sources = dataset.virtual_sources()
    if not sources:
        return 1, []
    length = _source_chunk_length(dataset, sources[0], axis)
    if length == 1:
        return 1, []
    places = set()
    for source in sources:
        begin, end = _bounds(source.vspace, dataset.shape, axis)
        first, _ = _bounds(source.src_space, dataset.shape, axis)
        places.add((begin, end, begin - first))
    return length, sorted(places)


def _bounds(space: Any, shape: tuple[int, ...], axis: int) -> tuple[int, int]:
    if space.get_select_type() == h5py.h5s.SEL_ALL:
        return 0, shape[axis]
    first, last = space.get_select_bounds()
    return int(first[axis]), int(last[axis]) + 1


def _source_chunk_length(dataset: h5py.Dataset, source: Any, axis: int) -> int:
    try:
        if source.file_name == ".":
            return _chunk_length(dataset.file[source.dset_name], dataset.ndim, axis)
        with h5py.File(_path(dataset, source), "r", locking=False) as file:
            return _chunk_length(file[source.dset_name], dataset.ndim, axis)
    except (KeyError, OSError, ValueError):
        # Missing sources are fill values; reading will tell what is wrong with others.
        return 1


def _chunk_length(dataset: h5py.Dataset, ndim: int, axis: int) -> int:
    return int(dataset.chunks[axis]) if dataset.chunks and dataset.ndim == ndim else 1
