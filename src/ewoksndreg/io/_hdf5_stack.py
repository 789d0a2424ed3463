"""Stacks of images in HDF5 files."""

from __future__ import annotations

import threading
from typing import Any

import h5py
from numpy.typing import NDArray
from silx.io.url import DataUrl

from .._stacks import Stack
from ._blocks import Blocks
from ._compression import check_filters
from ._compression import decompresses_slowly
from ._compression import filter_hint
from ._find_dataset import find_dataset
from ._hdf5_files import Hdf5Reader
from ._selection import Selection
from ._urls import url_text
from ._virtual import check_sources


class Hdf5Stack(Stack):
    """A dataset in an HDF5 file. To another process go the path and the URL; it opens the file when
    the stack is entered.

    :param reader: of the file.
    :param url: which dataset, and which part of it.
    :param blocks: keeps images that are stored together, so that a chunk that spans many images
        is decompressed once.
    :raises ValueError: when there is no such dataset, or it is not a stack of images.
    :raises TypeError: when the pixels are not real numbers.
    :raises OSError: when the dataset is compressed in a way that cannot be read.
    """

    in_file = True

    def __init__(self, reader: Hdf5Reader, url: DataUrl, blocks: Blocks) -> None:
        self._url = url
        self.source = url_text(url)
        self._file = _SharedFile(reader.path, reader)
        self._blocks = blocks
        self._dataset: h5py.Dataset | None = None
        with reader.opened() as file:
            dataset = find_dataset(file, str(url.data_path()))
            self._selection = Selection(dataset, url.data_slice())
            super().__init__(self._selection.shape, dataset.dtype)
            check_filters(dataset)
            check_sources(dataset)
            # HDF5 decompresses under a lock.
            self.slow_to_read = decompresses_slowly(dataset)

    def __enter__(self) -> Hdf5Stack:
        self._file.acquire()
        return self

    def __exit__(self, *exception: object) -> None:
        self._blocks.discard(self)
        self._file.release()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_blocks": None, "_dataset": None}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._blocks = Blocks()

    def stored_together(self, index: int) -> range:
        return self._selection.stored_together(index)

    def _read(self, index: int) -> NDArray[Any]:
        with self._file.reader().opened() as file:
            dataset = self._find_dataset(file)
            try:
                return self._blocks.image(
                    self,
                    index,
                    self._selection.stored_together(index),
                    self.dtype.itemsize * self.shape[1] * self.shape[2],
                    lambda images: self._selection.read(dataset, images),
                )
            except OSError as error:
                raise OSError(
                    f"{url_text(self._url)}: image {index} cannot be read{filter_hint(dataset)}:"
                    f" {error}"
                ) from error

    def _find_dataset(self, file: h5py.File) -> h5py.Dataset:
        if self._dataset:  # false when the file was closed meanwhile
            return self._dataset
        dataset = find_dataset(file, str(self._url.data_path()))
        check_filters(dataset)  # another process does not know the filters yet
        # An open dataset keeps the file open to which a link leads.
        if dataset.file.filename == file.filename:
            self._dataset = dataset
        return dataset


class _SharedFile:
    """A file that all parts of a stack read. In another process it is open while a part is."""

    def __init__(self, path: str, reader: Hdf5Reader | None = None) -> None:
        self._path = path
        self._reader = reader
        self._closes = reader is None
        self._users = 0
        self._lock = threading.Lock()

    def __reduce__(self) -> tuple[type[_SharedFile], tuple[str]]:
        return _SharedFile, (self._path,)

    def acquire(self) -> None:
        with self._lock:
            if self._reader is None:
                self._reader = Hdf5Reader(self._path)
            self._users += 1

    def release(self) -> None:
        with self._lock:
            self._users -= 1
            if self._closes and self._users == 0 and self._reader is not None:
                self._reader.close()
                self._reader = None

    def reader(self) -> Hdf5Reader:
        if self._reader is None:
            raise ValueError(f"the file {self._path!r} is closed: read inside `with stack:`")
        return self._reader
