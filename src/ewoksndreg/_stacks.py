"""Stacks of images that are read one at a time."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any
from typing import overload

import numpy
from numpy.typing import NDArray

from ._pixels import as_floating
from ._pixels import floating_type


class Stack(Sequence[NDArray[Any]]):
    """N images of one shape and type.

    ``stack[n]`` reads an image, ``stack[a:b]`` is a stack of some of the images, from which nothing
    is read. It is open inside ``with stack:``, which may be entered several times, also by several
    threads. It can be sent to another process.

    :param shape: `(N, H, W)`.
    :param dtype: of the pixels.
    :raises ValueError: when the shape does not have three dimensions or there are no images.
    :raises TypeError: when the pixels are not real numbers.
    """

    in_file: bool = False
    """Whether only a URL is sent to another process, no pixels."""

    slow_to_read: bool = False
    """Whether reading takes longer than scoring, and threads cannot share it."""

    source: str = "in memory"
    """From where the images come, in words or as a URL."""

    def __init__(self, shape: tuple[int, ...], dtype: numpy.dtype[Any]) -> None:
        if len(shape) != 3:
            raise ValueError(
                "a stack needs three dimensions (images, rows, columns), this has the shape"
                f" {tuple(shape)}"
            )
        if dtype.kind not in "biuf":
            raise TypeError(f"images need real numbers, not pixels of type {dtype}")
        if shape[0] == 0:
            raise ValueError("there are no images")
        self._image_shape = int(shape[1]), int(shape[2])
        self._indices = range(shape[0])
        self.dtype = dtype

    @property
    def shape(self) -> tuple[int, int, int]:
        """`(N, H, W)`."""
        return (len(self._indices), *self._image_shape)

    @abstractmethod
    def _read(self, index: int) -> NDArray[Any]:
        """Image number `index`, which exists, of the stack that this one is a part of."""

    def stored_together(self, index: int) -> range:
        """The images that are read from the disk together with an image, itself included."""
        return range(index, index + 1)

    def __enter__(self) -> Stack:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def __len__(self) -> int:
        return len(self._indices)

    @overload
    def __getitem__(self, index: int) -> NDArray[Any]: ...

    @overload
    def __getitem__(self, index: slice) -> Stack: ...

    def __getitem__(self, index: int | slice) -> NDArray[Any] | Stack:
        if isinstance(index, slice):
            part = object.__new__(type(self))
            part.__dict__.update(self.__dict__)
            part._indices = self._indices[index]
            return part
        # `range` resolves negative indices and raises for those that do not exist.
        return self._read(self._indices[index])

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.shape} {self.dtype}>"


class ArrayStack(Stack):
    """Images in memory, or in any sequence of images.

    :param images: shape `(N, H, W)`: an array, an h5py dataset, or a sequence of N images of
        shape `(H, W)`. A list or tuple may hold images as nested lists. Masked pixels become NaN
        and the images floating point.
    :raises ValueError: when there are no images, an image does not have two dimensions or not the
        shape of image 0.
    :raises TypeError: when the pixels are not real numbers.
    """

    def __init__(self, images: Any) -> None:
        self._first: NDArray[Any] | None = None
        if hasattr(images, "shape") and hasattr(images, "dtype"):
            super().__init__(images.shape, _pixel_type(images))
        elif len(images) == 0:
            raise ValueError("there are no images")
        elif isinstance(images, (list, tuple)):
            images = [_as_image(image, n) for n, image in enumerate(images)]
            dtype = numpy.result_type(*{_pixel_type(image) for image in images})
            super().__init__((len(images), *images[0].shape), dtype)
            for n, image in enumerate(images):
                self._check_shape(image, n)
        else:
            # Reading may be slow: read one image only, and keep it until it is asked for.
            self._first = _as_image(images[0], 0)
            super().__init__((len(images), *self._first.shape), _pixel_type(self._first))
        self._source = images
        # Other sequences may not allow several threads to read at a time.
        shared = isinstance(images, (numpy.ndarray, list))
        self._lock = None if shared else threading.Lock()

    def _read(self, index: int) -> NDArray[Any]:
        if self._lock is None:
            source = self._source[index]
        else:
            with self._lock:
                source = self._read_locked(index)
        image = _as_image(source, index)
        self._check_shape(image, index)
        if isinstance(image, numpy.ma.MaskedArray):
            return as_floating(image)
        return image.astype(self.dtype, copy=False)

    def _read_locked(self, index: int) -> Any:
        if index == 0 and self._first is not None:
            first, self._first = self._first, None
            return first
        return self._source[index]

    def _check_shape(self, image: NDArray[Any], index: int) -> None:
        if image.shape != self._image_shape:
            raise ValueError(
                f"image {index} has the shape {image.shape}, image 0 {self._image_shape}:"
                " all images of a stack need one shape"
            )

    def __getstate__(self) -> dict[str, Any]:
        """Send only the images of this part of the stack to another process."""
        state = self.__dict__.copy()
        if isinstance(self._source, (numpy.ndarray, list)):
            indices = self._indices
            state["_source"] = (
                self._source[indices.start : indices.stop]
                if indices.step == 1
                else [self._source[n] for n in indices]
            )
            state["_indices"] = range(len(indices))
        state["_lock"] = None if self._lock is None else "another one"
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        if self._lock is not None:
            self._lock = threading.Lock()


def as_stack(images: Any) -> Stack:
    """Anything that holds images as a :class:`Stack`; see :class:`ArrayStack`."""
    return images if isinstance(images, Stack) else ArrayStack(images)


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
