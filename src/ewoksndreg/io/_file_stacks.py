"""Stacks of images in files: in HDF5 datasets, in image files, and in several of them."""

from __future__ import annotations

import math
import os
import threading
from bisect import bisect_right
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
from contextlib import suppress
from itertools import accumulate
from typing import Any

import h5py
import numpy
from numpy.typing import NDArray
from silx.io.url import DataUrl

from .._kept import LIMIT
from .._kept import Blocks
from .._kept import kept
from .._messages import add_context
from .._stacks import Stack
from ._hdf5_files import CACHE
from ._hdf5_files import KeptDataset
from ._hdf5_files import find_filters
from ._hdf5_files import find_sources_of
from ._hdf5_files import open_dataset
from ._hdf5_files import open_source
from ._hdf5_files import reading
from ._urls import Url
from ._urls import as_data_url
from ._urls import url_text

# Numbers of filters: shuffle, checksum, LZF, LZ4, bitshuffle.
_FAST_FILTERS = {2, 3, 32000, 32004, 32008}
# Each source of a virtual dataset may be a file that stays open as long as the dataset. If too many
# are open to open another one, HDF5 gives fill values without an error.
_MOST_SOURCES = 100
# fabio may not be thread-safe.
_fabio_lock = threading.Lock()


class Hdf5Stack(Stack):
    """A dataset in an HDF5 file. It is opened when the first image is read, and stays open. Images
    that share chunks are read together, so that HDF5 decompresses each chunk once. Only the URL is
    sent to another process.

    :param url: URL of the dataset, or of a part of it.
    :param one_image: whether the URL may select a single image, shape `(H, W)`.
    """

    in_file = True

    def __init__(self, url: DataUrl, *, one_image: bool = False) -> None:
        self.sources = (url_text(url),)
        # Absolute, so that the current folder may change.
        self._path, self._name = os.path.abspath(str(url.file_path())), str(url.data_path())
        self.origin = DataUrl(
            file_path=self._path, data_path=self._name, data_slice=url.data_slice()
        )
        self._blocks = Blocks()
        with reading:
            dataset = open_dataset(self._path, self._name)
            with dataset.file as file:
                self._selectors = select(dataset.shape, url.data_slice())
                axes = [n for n, each in enumerate(self._selectors) if isinstance(each, range)]
                self._image_axis = axes[0] if len(axes) == 3 else None
                shape = tuple(len(self._selectors[axis]) for axis in axes)
                super().__init__(
                    (1, *shape) if one_image and len(shape) == 2 else shape, dataset.dtype
                )
                if self._image_axis is not None:
                    images = self._selectors[self._image_axis]
                    self._chunk_starts = find_chunk_starts(dataset, self._image_axis, images)
                # HDF5 decompresses under a lock.
                self.slow_to_read = not set(find_filters(dataset)) <= _FAST_FILTERS
                self._most_reads = 0  # without opening it again
                if dataset.is_virtual:
                    sources, reads = len(dataset.virtual_sources()), len(self._chunk_starts) - 1
                    in_a_read = max(math.ceil(sources / max(reads, 1)), 1)
                    self._most_reads = _MOST_SOURCES // in_a_read or 1
                self._owner = KeptDataset(file.swmr_mode)

    def close(self) -> None:
        """Close the dataset; nothing can be read anymore in this process."""
        with reading:
            self._owner.closed = True
            kept.drop(self._owner)

    def _read(self, index: int) -> NDArray[Any]:
        if self._owner.closed:
            raise ValueError(f"the file {self._path!r} is closed: read inside `open_stacks`")
        size = self.dtype.itemsize * math.prod(self._image_shape)
        return self._blocks.image(index, self._together(index), size, self._read_block)

    def _read_block(self, images: range) -> NDArray[Any]:
        selectors = list(self._selectors)
        if self._image_axis is not None:
            selectors[self._image_axis] = selectors[self._image_axis][images.start : images.stop]
        with reading:
            try:
                pixels = read_selected(self._open(), selectors)
            except Exception as error:
                where = f"{self.sources[0]}: image {images.start} cannot be read"
                # The traceback would keep the file open.
                raise add_context(error.with_traceback(None), where) from error
        return pixels.reshape(len(images), *self._image_shape)

    def _open(self) -> h5py.Dataset:
        owner = self._owner
        dataset = kept.get(owner)
        owner.reads += 1
        if not dataset or (self._most_reads and owner.reads % self._most_reads == 0):
            del dataset
            kept.drop(owner)
            dataset = open_dataset(self._path, self._name, owner.swmr)
            owner.swmr = dataset.file.swmr_mode
            kept.put(owner, dataset, LIMIT // 2 if self._most_reads else CACHE)
        return dataset


class JoinedStack(Stack):
    """The concatenated images of one or more stacks in files."""

    in_file = True

    def __init__(self, parts: Sequence[Stack]) -> None:
        expected = parts[0].shape[1:]
        for n, part in enumerate(parts):
            if part.shape[1:] != expected:
                raise ValueError(
                    f"item {n} has the shape {part.shape[1:]}, item 0 {expected}: all images of a"
                    " stack need the same shape"
                )
        self._parts = parts
        self.sources = [source for part in parts for source in part.sources]
        self.origin = [part.origin for part in parts]
        self._ends = list(accumulate(len(part) for part in parts))
        dtype = numpy.result_type(*{part.dtype for part in parts})
        super().__init__((self._ends[-1], *expected), dtype)
        self.slow_to_read = any(part.slow_to_read for part in parts)

    def close(self) -> None:
        for part in self._parts:
            part.close()

    def _find(self, index: int) -> tuple[Stack, int]:
        """Find the part that contains an image, and the index of its first image."""
        n = bisect_right(self._ends, index)
        return self._parts[n], self._ends[n] - len(self._parts[n])

    def _together(self, index: int) -> range:
        part, start = self._find(index)
        together = part.stored_together(index - start)
        return range(start + together.start, start + together.stop)

    def _read(self, index: int) -> NDArray[Any]:
        part, start = self._find(index)
        return part[index - start].astype(self.dtype, copy=False)


class ImageFile(Stack):
    """The images of a file that is not HDF5: TIFF, EDF, CBF and other formats of fabio."""

    in_file = True

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.path.abspath(os.path.expanduser(os.fsdecode(path)))
        self.sources, self.origin = (self._path,), self._path
        with self._open() as file:
            if file.data is None:
                raise ValueError("fabio finds no image in it")
            super().__init__((file.nframes, *file.shape), numpy.dtype(file.dtype))

    def _read(self, index: int) -> NDArray[Any]:
        with self._open() as file:
            return numpy.asarray(file.get_frame(index).data if len(self) > 1 else file.data)

    @contextmanager
    def _open(self) -> Iterator[Any]:
        import fabio

        try:
            with _fabio_lock, fabio.open(self._path) as file:
                yield file
        except Exception as error:  # the formats raise errors of any type
            raise add_context(error, f"cannot read {self._path!r}") from error


def read_small_dataset(
    url: Url, check: Callable[[tuple[int, ...], numpy.dtype[Any]], None]
) -> tuple[NDArray[Any], dict[str, Any]]:
    """Read the values of a dataset that the URL selects, and its attributes.

    :param url: see :func:`.as_data_url`.
    :param check: called with the shape and type of the selection before it is read; raises an error
        if these are wrong. If the URL is that of images by mistake, they may not fit into memory.
    :raises ValueError: if there is no such dataset, or the slice does not fit it.
    :raises OSError: if the file is missing or cannot be read.
    """
    place = as_data_url(url)
    with reading:
        dataset = open_dataset(str(place.file_path()), str(place.data_path()))
        with dataset.file:
            selectors = select(dataset.shape, place.data_slice())
            check(tuple(len(each) for each in selectors if isinstance(each, range)), dataset.dtype)
            return read_selected(dataset, selectors), dict(dataset.attrs)


def select(shape: tuple[int, ...] | None, data_slice: tuple[Any, ...] | None) -> list[Any]:
    """Find what the slice of a URL selects of a dataset: for each axis a range of indices, or an
    index, which removes the axis.

    :param shape: shape of the dataset; None if it is empty.
    :param data_slice: an index, a slice or `Ellipsis` per axis; None selects everything.
    :raises ValueError: if the dataset is empty or the slice does not fit.
    """
    if shape is None:
        raise ValueError("the dataset is empty")
    selectors = list(data_slice or ())
    if Ellipsis not in selectors:
        selectors.append(Ellipsis)
    missing = len(shape) - (len(selectors) - 1)
    if missing < 0 or selectors.count(Ellipsis) > 1:
        raise ValueError(f"the slice does not fit the shape {shape} of the dataset")
    where = selectors.index(Ellipsis)
    selectors[where : where + 1] = [slice(None)] * missing
    for axis, (selector, size) in enumerate(zip(selectors, shape, strict=True)):
        try:
            selectors[axis] = range(size)[selector]
        except IndexError:
            raise ValueError(
                f"the slice has the index {selector} for an axis of length {size}"
            ) from None
    return selectors


def read_selected(dataset: h5py.Dataset, selectors: list[Any]) -> NDArray[Any]:
    """Read what :func:`select` found."""
    index: list[Any] = []
    flips = []
    for each in selectors:
        if isinstance(each, range):
            forward = each if each.step > 0 else each[::-1]  # HDF5 only reads forward
            index.append(slice(forward.start, forward.stop, forward.step))
            flips.append(slice(None, None, 1 if each.step > 0 else -1))
        else:
            index.append(each)
    return numpy.asarray(dataset[tuple(index)][tuple(flips)])


def find_chunk_starts(dataset: h5py.Dataset, axis: int, images: range) -> list[int]:
    """Find which of the images along an axis are the first ones in a chunk, and their number; for a
    virtual dataset from the chunks of its first source. Chunks that overlap, because the images of
    several sources alternate, count as one."""
    everything = numpy.arange(dataset.shape[axis])
    chunks, parts = dataset.chunks, [(everything, everything)]
    if dataset.is_virtual:
        sources = dataset.virtual_sources()
        with suppress(IndexError, OSError, StopIteration):  # none, or missing: fill values
            path, name = next(find_sources_of(dataset, sources[0]))
            with open_source(dataset, path, name) as source:
                chunks = getattr(source, "chunks", None)
        with suppress(RuntimeError, ValueError):  # selections that are not regular
            parts = [_find_images(each, everything, axis) for each in sources]
    length = chunks[axis] if chunks and len(chunks) == dataset.ndim else 1
    last = everything.copy()  # of the images that share a chunk with each image
    for here, there in parts:
        ends = numpy.searchsorted(there // length, there // length, side="right") - 1
        last[here] = numpy.maximum(last[here], here[ends])
    complete = numpy.maximum.accumulate(last) == everything
    which = numpy.cumsum(complete) - complete
    return [0, *(numpy.flatnonzero(numpy.diff(which[images])) + 1).tolist(), len(images)]


def _find_images(
    source: h5py.h5d.VDSmap, everything: NDArray[Any], axis: int
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Find the images of a source: their indices in the virtual dataset, and in the source."""

    def find(space: h5py.h5s.SpaceID, order: NDArray[Any]) -> Any:
        if space.get_select_type() == h5py.h5s.SEL_ALL:
            return order
        start, stride, count, block = (each[axis] for each in space.get_regular_hyperslab())
        order, block = order[: count * block], min(block, len(everything))  # may be unlimited
        return start + order // block * stride + order % block

    here = find(source.vspace, everything)
    here = here[here < len(everything)]
    return here, find(source.src_space, everything[: len(here)])
