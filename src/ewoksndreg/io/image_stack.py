"""Stacks of images that are read one at a time."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from collections.abc import Sequence
from typing import Any
from typing import overload

import h5py
import numpy
from numpy.typing import NDArray
from silx.io.url import DataUrl

from .._messages import unknown_name
from .hdf5_files import Hdf5Reader


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
        shape `(H, W)`. A list or tuple may hold images as nested lists.
    :raises ValueError: when there are no images, an image does not have two dimensions or not the
        shape of the first one.
    :raises TypeError: when the pixels are not real numbers.
    """

    def __init__(self, images: Any) -> None:
        if hasattr(images, "shape"):
            super().__init__(images.shape, images.dtype)
        elif len(images) == 0:
            super().__init__((0, 0, 0), numpy.dtype(float))
        elif isinstance(images, (list, tuple)):
            images = [_as_image(image, n) for n, image in enumerate(images)]
            dtype = numpy.result_type(*{image.dtype for image in images})
            super().__init__((len(images), *images[0].shape), dtype)
        else:
            # Perhaps read from somewhere: look at one image only.
            first = _as_image(images[0], 0)
            super().__init__((len(images), *first.shape), first.dtype)
        if len(self) == 0:
            raise ValueError("there are no images")
        self._images = images
        if isinstance(images, list):
            for n, image in enumerate(images):
                self._check_shape(image, n)

    def _read(self, index: int) -> NDArray[Any]:
        image = _as_image(self._images[index], index)
        self._check_shape(image, index)
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
    :raises ValueError: when there is no such dataset, or it is not a stack of images.
    :raises TypeError: when the pixels are not real numbers.
    """

    def __init__(self, reader: Hdf5Reader, url: DataUrl) -> None:
        self._reader = reader
        self._data_path = str(url.data_path())
        with reader.opened() as file:
            dataset = _dataset(file, self._data_path)
            self._selection = _Selection(dataset.shape, url.data_slice())
            super().__init__(self._selection.shape, dataset.dtype)
        if len(self) == 0:
            raise ValueError("there are no images")

    def _read(self, index: int) -> NDArray[Any]:
        with self._reader.opened() as file:
            return self._selection.read(file[self._data_path], index)


class _Selection:
    """The part of a dataset that a URL selects."""

    def __init__(self, shape: tuple[int, ...], data_slice: tuple[int | slice, ...] | None) -> None:
        self._selectors = _one_selector_per_axis(shape, data_slice or ())
        self._axes = [
            axis for axis, selector in enumerate(self._selectors) if isinstance(selector, range)
        ]
        self.shape = tuple(len(self._selectors[axis]) for axis in self._axes)

    def read(self, dataset: h5py.Dataset, index: int) -> NDArray[Any]:
        """Image number `index` of the selected part."""
        selectors: list[int | slice] = []
        flips = []
        for axis, selector in enumerate(self._selectors):
            if axis == self._axes[0]:
                selectors.append(selector[index])
            elif isinstance(selector, range):
                # HDF5 reads forwards only.
                forwards = selector if selector.step > 0 else selector[::-1]
                selectors.append(slice(forwards.start, forwards.stop, forwards.step))
                flips.append(slice(None, None, 1 if selector.step > 0 else -1))
            else:
                selectors.append(selector)
        image = dataset[tuple(selectors)]
        return numpy.asarray(image[tuple(flips)])


def _one_selector_per_axis(shape: tuple[int, ...], data_slice: tuple[Any, ...]) -> list[Any]:
    """For each axis of the dataset a range of indices, or one index that removes the axis."""
    selectors = list(data_slice)
    if Ellipsis not in selectors:
        selectors.append(Ellipsis)
    missing = len(shape) - (len(selectors) - 1)
    if missing < 0 or selectors.count(Ellipsis) > 1:
        raise ValueError(f"the slice does not fit the shape {shape} of the dataset")
    where = selectors.index(Ellipsis)
    selectors[where : where + 1] = [slice(None)] * missing
    resolved: list[Any] = []
    for selector, size in zip(selectors, shape, strict=True):
        try:
            resolved.append(range(size)[selector])
        except IndexError:
            raise ValueError(
                f"the slice asks for index {selector} of an axis of length {size}"
            ) from None
    return resolved


def _dataset(file: h5py.File, data_path: str) -> h5py.Dataset:
    item = file.get(data_path)
    if isinstance(item, h5py.Dataset):
        return item
    if item is not None:
        raise ValueError(
            f"{data_path!r} in {file.filename!r} is a group, not a dataset: {_inside(item)}"
        )
    parent_path, _, name = data_path.rpartition("/")
    parent = file.get(parent_path or "/")
    siblings = list(parent) if isinstance(parent, h5py.Group) else []
    where = f"dataset in '{file.filename}::{parent_path or '/'}' called"
    raise ValueError(unknown_name(where, name, siblings))


def _inside(group: h5py.Group) -> str:
    names = ", ".join(repr(name) for name in group)
    return f"it holds {names}" if names else "it is empty"


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
