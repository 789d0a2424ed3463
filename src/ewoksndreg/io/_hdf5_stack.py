"""Stacks of images in HDF5 files."""

from __future__ import annotations

import math
import os
import threading
from typing import Any

import h5py
from numpy.typing import NDArray
from silx.io.url import DataUrl

from .._kept import LIMIT
from .._kept import Blocks
from .._kept import kept
from .._messages import add_context
from .._stacks import Stack
from ._hdf5_files import KeptDataset
from ._hdf5_files import open_dataset
from ._hdf5_files import reading
from ._selection import Selection
from ._storage import chunk_shape
from ._storage import decompresses_slowly
from ._storage import explain_filters
from ._urls import url_text

# Bytes, for one stack: enough for the rows of chunks that are being read.
_LARGEST_CACHE = LIMIT // 2
_THREADS = os.cpu_count() or 1
# HDF5 reuses this memory, which halves the time compared to new memory for each chunk.
_SPARE_CHUNKS = 2
# The minimum size of a dataset, or of a source of a virtual one, in the cache: it may be a file,
# and only some hundreds of files can be open at a time.
_SOURCE = LIMIT // 200


class Hdf5Stack(Stack):
    """A dataset in an HDF5 file. It is opened when the first image is read, and stays open, so that
    HDF5, with its cache, decompresses each chunk once. Only the URL is sent to another process.

    :param url: URL of the dataset, or of a part of it.
    :param one_image: whether the URL may select a single image, shape `(H, W)`.
    :raises ValueError: if there is no such dataset, or it is not a stack of images.
    :raises TypeError: if the pixels are not real numbers.
    :raises OSError: if the file or the dataset cannot be read.
    """

    in_file = True

    def __init__(self, url: DataUrl, *, one_image: bool = False) -> None:
        self._url = url
        self.sources, self.origin = (url_text(url),), url
        # Absolute, so that the current folder may change.
        self._path, self._name = os.path.abspath(str(url.file_path())), str(url.data_path())
        self._owner = KeptDataset()
        self._blocks = Blocks()
        with reading:
            dataset = open_dataset(self._path, self._name)
            try:
                chunk = chunk_shape(dataset)
                selection = Selection(dataset.shape, url.data_slice(), chunk)
                self._is_image = one_image and len(selection.shape) == 2
                shape = (1, *selection.shape) if self._is_image else selection.shape
                super().__init__(shape, dataset.dtype)
                self._is_virtual = bool(dataset.is_virtual)
                # HDF5 decompresses under a lock.
                self.slow_to_read = decompresses_slowly(dataset)
                self._owner.swmr = dataset.file.swmr_mode
            finally:
                dataset.file.close()
        self._selection = selection
        self._chunk_size = self.dtype.itemsize * math.prod(chunk or (0,))
        self._bytes_together = self.dtype.itemsize * selection.pixels_together()

    def __exit__(self, *exception: object) -> None:
        if self._owner.sent:
            with reading:
                kept.drop(self._owner)

    def close(self) -> None:
        """Close the dataset; nothing can be read anymore in this process."""
        with reading:
            self._owner.closed = True
            kept.drop(self._owner)

    def _together(self, index: int) -> range:
        return self._selection.together(index)

    def _read(self, index: int) -> NDArray[Any]:
        with reading:
            self._open(index)
            cached = self._owner.cache >= self._bytes_together
        if cached:
            image: NDArray[Any] = self._read_block(range(index, index + 1))[0]
            return image
        size = self.dtype.itemsize * math.prod(self._image_shape)
        return self._blocks.image(index, self._together(index), size, self._read_block)

    def _read_block(self, images: range) -> NDArray[Any]:
        with reading:
            dataset = self._open(images.start)
            try:
                if self._is_image:
                    return self._selection.read(dataset)[None]
                return self._selection.read(dataset, images)
            except Exception as error:
                which = f"image {images.start} cannot be read{explain_filters(dataset)}"
                # The traceback would keep the file open.
                raise add_context(error.with_traceback(None), self._locate(which)) from error
            finally:
                del dataset

    def _open(self, index: int) -> h5py.Dataset:
        owner = self._owner
        if owner.closed:
            raise ValueError(f"the file {self._path!r} is closed: read inside `open_stacks`")
        dataset = kept.get(owner)
        row = self._together(index).start
        if self._is_virtual and row not in owner.rows:
            # Each source has its own cache, and stays open until all are closed.
            held = max(self._bytes_together, _SPARE_CHUNKS * self._chunk_size, _SOURCE)
            if len(owner.rows) * held > _LARGEST_CACHE:
                dataset = None
            owner.rows.add(row)
        if owner.thread != threading.get_ident() and not owner.shared:
            # Several threads need a larger cache; for one thread it would take longer to fill.
            owner.shared, owner.thread = owner.thread is not None, threading.get_ident()
            dataset = None
        if not dataset:  # closed elsewhere
            kept.drop(owner)
            owner.rows = {row}
            try:
                dataset = self._open_with_cache()
            except (OSError, ValueError) as error:
                raise add_context(error, self._locate(f"image {index} cannot be read")) from error
        return dataset

    def _open_with_cache(self) -> h5py.Dataset:
        rows = 1 + _THREADS if self._owner.shared else 1
        size = max(rows * self._bytes_together, _SPARE_CHUNKS * self._chunk_size)
        size = min(size, _LARGEST_CACHE)
        if size < max(self._bytes_together, self._chunk_size):
            size = 0  # blocks of images are read and kept instead
        slots = 521 + 20 * size // max(self._chunk_size, 1)
        access = h5py.h5p.create(h5py.h5p.DATASET_ACCESS)
        access.set_chunk_cache(min(slots, 100_003), size, 1.0)
        dataset = open_dataset(self._path, self._name, access, self._owner.swmr)
        self._owner.swmr = dataset.file.swmr_mode
        self._owner.cache = size
        if not self._is_virtual:
            # Smaller if the dataset is open elsewhere in this process.
            self._owner.cache = dataset.id.get_access_plist().get_chunk_cache()[1]
        kept.put(self._owner, dataset, max(size, _LARGEST_CACHE if self._is_virtual else _SOURCE))
        return dataset

    def _locate(self, what: str) -> str:
        return f"{url_text(self._url)}: {what}"
