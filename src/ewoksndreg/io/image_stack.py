"""Stacks of images that are read one at a time."""

from __future__ import annotations

import copy
from abc import abstractmethod
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import AbstractContextManager
from contextlib import ExitStack
from typing import Any
from typing import overload

import numpy
from numpy.typing import NDArray
from silx.io.url import DataUrl

from .._excerpt import excerpt
from .._pixels import as_floating
from .._pixels import floating_type
from .blocks import Blocks
from .compression import check_filters
from .compression import filter_hint
from .find_dataset import find_dataset
from .hdf5_files import Hdf5Reader
from .selection import Selection
from .urls import url_text
from .virtual import check_sources


class ImageStack(Sequence[NDArray[Any]]):
    """N images of one shape and type.

    :param shape: `(N, H, W)`.
    :param dtype: of the pixels.
    :raises ValueError: when the shape does not have three dimensions.
    :raises TypeError: when the pixels are not real numbers.
    """

    def __init__(self, shape: tuple[int, ...], dtype: numpy.dtype[Any]) -> None:
        if len(shape) != 3:
            raise ValueError(
                "a stack needs three dimensions (images, rows, columns), this has the shape"
                f" {tuple(shape)}"
            )
        if dtype.kind not in "biuf":
            raise TypeError(f"images need real numbers, not pixels of type {dtype}")
        self.shape: tuple[int, int, int] = (shape[0], shape[1], shape[2])
        self.dtype = dtype

    @abstractmethod
    def _read(self, index: int) -> NDArray[Any]:
        """Image number `index`, which exists."""

    def __len__(self) -> int:
        return self.shape[0]

    @overload
    def __getitem__(self, index: int) -> NDArray[Any]: ...

    @overload
    def __getitem__(self, index: slice) -> list[NDArray[Any]]: ...

    def __getitem__(self, index: int | slice) -> NDArray[Any] | list[NDArray[Any]]:
        if isinstance(index, slice):
            return [self._read(n) for n in range(*index.indices(len(self)))]
        # `range` knows negative indices and refuses those that do not exist.
        return self._read(range(len(self))[index])

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return (self._read(n) for n in range(len(self)))

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.shape} {self.dtype}>"


class ArrayStack(ImageStack):
    """Images in memory, or in anything that gives out an image when it is indexed.

    :param images: shape `(N, H, W)`: an array, an h5py dataset, or a sequence of N images of
        shape `(H, W)`. A list or tuple may hold images as nested lists. Masked pixels become NaN
        and the images floating point numbers.
    :raises ValueError: when there are no images, an image does not have two dimensions or not the
        shape of the first one.
    :raises TypeError: when the pixels are not real numbers.
    """

    def __init__(self, images: Any) -> None:
        if hasattr(images, "shape"):
            super().__init__(images.shape, _pixel_type(images))
        elif len(images) == 0:
            super().__init__((0, 0, 0), numpy.dtype(float))
        elif isinstance(images, (list, tuple)):
            images = [_as_image(image, n) for n, image in enumerate(images)]
            dtype = numpy.result_type(*{_pixel_type(image) for image in images})
            super().__init__((len(images), *images[0].shape), dtype)
        else:
            # Perhaps read from somewhere: look at one image only.
            first = _as_image(images[0], 0)
            super().__init__((len(images), *first.shape), _pixel_type(first))
        if len(self) == 0:
            raise ValueError("there are no images")
        self._images = images
        if isinstance(images, list):
            for n, image in enumerate(images):
                self._check_shape(image, n)

    def excerpt(self, images: range) -> ArrayStack:
        """What is read of this stack by whoever reads image 0 and some others."""
        part = copy.copy(self)
        part._images = excerpt(self._images, images)
        return part

    def _read(self, index: int) -> NDArray[Any]:
        image = _as_image(self._images[index], index)
        self._check_shape(image, index)
        if isinstance(image, numpy.ma.MaskedArray):
            return as_floating(image)
        return image.astype(self.dtype, copy=False)

    def _check_shape(self, image: NDArray[Any], index: int) -> None:
        if image.shape != self.shape[1:]:
            raise ValueError(
                f"image {index} has the shape {image.shape}, image 0 {self.shape[1:]}:"
                " all images of a stack need one shape"
            )


class Hdf5Stack(ImageStack):
    """A dataset in an HDF5 file.

    :param reader: of the file.
    :param url: which dataset, and which part of it.
    :param blocks: keeps images that are stored together, so that a chunk that spans many images
        is decompressed once.
    :raises ValueError: when there is no such dataset, or it is not a stack of images.
    :raises TypeError: when the pixels are not real numbers.
    :raises OSError: when the dataset is compressed in a way that cannot be read.
    """

    def __init__(self, reader: Hdf5Reader, url: DataUrl, blocks: Blocks) -> None:
        self._reader = reader
        self._address = url
        self._url = url_text(url)
        self._data_path = str(url.data_path())
        self._blocks = blocks
        with reader.opened() as file:
            dataset = find_dataset(file, self._data_path)
            self._selection = Selection(dataset, url.data_slice())
            super().__init__(self._selection.shape, dataset.dtype)
            check_filters(dataset)
            check_sources(dataset)
        if len(self) == 0:
            raise ValueError("there are no images")

    def stored_together(self, index: int) -> range:
        """The images that share chunks of the file with image number `index`, itself included."""
        return self._selection.stored_together(index)

    def excerpt(self, images: range) -> Hdf5Stack:
        """The stack itself: only its address travels."""
        return self

    def __reduce__(self) -> tuple[type[ClosedStack], tuple[str, DataUrl]]:
        return ClosedStack, (self._reader.path, self._address)

    def _read(self, index: int) -> NDArray[Any]:
        with self._reader.opened() as file:
            # Found again each time: an open dataset keeps the file open to which a link leads.
            dataset = find_dataset(file, self._data_path)
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
                    f"{self._url}: image {index} cannot be read{filter_hint(dataset)}: {error}"
                ) from error


class ClosedStack(AbstractContextManager[Hdf5Stack]):
    """What arrives of a :class:`Hdf5Stack` in another process; it opens the file there.

    :param path: of the file, absolute.
    :param url: which dataset, and which part of it.
    """

    def __init__(self, path: str, url: DataUrl) -> None:
        self._path = path
        self._url = url
        self._files = ExitStack()

    def __enter__(self) -> Hdf5Stack:
        with ExitStack() as files:
            reader = Hdf5Reader(self._path)
            files.callback(reader.close)
            stack = Hdf5Stack(reader, self._url, Blocks())
            self._files = files.pop_all()
        return stack

    def __exit__(self, *exception: object) -> None:
        self._files.close()


def _pixel_type(images: Any) -> numpy.dtype[Any]:
    dtype: numpy.dtype[Any] = images.dtype
    masked = isinstance(images, numpy.ma.MaskedArray) and dtype.kind in "biuf"
    return floating_type(dtype) if masked else dtype


def _as_image(image: Any, index: int) -> NDArray[Any]:
    try:
        pixels: NDArray[Any] = numpy.asanyarray(image)
    except ValueError:
        raise ValueError(f"the rows of image {index} have different lengths") from None
    if pixels.ndim != 2:
        raise ValueError(
            f"image {index} has the shape {pixels.shape}, an image needs rows and columns"
        )
    return pixels
