"""Stacks of images that are read one at a time."""

from __future__ import annotations

import math
import threading
from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Mapping
from collections.abc import Sequence
from itertools import accumulate
from typing import Any
from typing import overload
from weakref import WeakValueDictionary

import numpy
from numpy.typing import NDArray

from ._kept import Blocks
from ._messages import add_context
from ._pixels import as_floating
from ._pixels import floating_type

# Sequences of users may not allow several threads to read at the same time. A window and a task may
# have a stack each of the same sequence, so the lock belongs to the sequence, found by its `id`.
_locks: WeakValueDictionary[int, threading.Lock] = WeakValueDictionary()
_finding_lock = threading.Lock()


def _find_lock(images: Any) -> threading.Lock:
    with _finding_lock:
        return _locks.setdefault(id(images), threading.Lock())


class Stack(Sequence[NDArray[Any]]):
    """N images of the same shape and type.

    ``stack[n]`` reads an image; ``stack[a:b]`` is a stack of some of the images and reads nothing.
    A stack is used inside ``with stack:``, which may be entered several times, also by several
    threads. It can be sent to another process.

    :param shape: `(N, H, W)`.
    :param dtype: type of the pixels.
    :raises ValueError: if the shape does not have three dimensions or there are no images.
    :raises TypeError: if the pixels are not real numbers.
    """

    in_file: bool = False
    """Whether only a URL is sent to another process, and no pixels."""

    slow_to_read: bool = False
    """Whether reading takes longer than scoring, and cannot be shared between threads."""

    sources: Sequence[str] = ()
    """URLs or files of the images, one after the other; empty for images in memory."""

    origin: Any = None
    """What to open in order to get the images again, from any folder: a `DataUrl`, an h5py dataset,
    the path of an image file, or a list of those; None if they are in memory."""

    indices: range
    """Which images of the origin these are."""

    _chunk_starts: Sequence[int] = ()
    """Where the images begin that are stored together, in the stack that this one is a part of, and
    its length."""

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
        if 0 in shape:
            raise ValueError(f"the images have no pixels: their shape is {tuple(shape[1:])}")
        self._image_shape = int(shape[1]), int(shape[2])
        self.indices = range(shape[0])
        self.dtype = dtype

    @property
    def shape(self) -> tuple[int, int, int]:
        """`(N, H, W)`."""
        return (len(self.indices), *self._image_shape)

    def describe_sources(self) -> str | list[str]:
        """Say where the images come from: a URL, several, or in words that they are in memory."""
        if not self.sources:
            return f"images in memory, shape {self.shape}"
        return self.sources[0] if len(self.sources) == 1 else list(self.sources)

    @abstractmethod
    def _read(self, index: int) -> NDArray[Any]:
        """Read an existing image; the index is that of the stack that this one is a part of."""

    def _together(self, index: int) -> range:
        """:meth:`stored_together` in the stack that this one is a part of."""
        n = bisect_right(self._chunk_starts, index)
        if not 0 < n < len(self._chunk_starts):
            return range(index, index + 1)
        return range(self._chunk_starts[n - 1], self._chunk_starts[n])

    def stored_together(self, index: int) -> range:
        """The images that are read from the disk together with an image, including itself."""
        start, step = self.indices.start, self.indices.step
        if step != 1:
            return range(index, index + 1)
        together = self._together(self.indices[index])
        return range(max(together.start - start, 0), min(together.stop - start, len(self)))

    def __enter__(self) -> Stack:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def close(self) -> None:
        """Release the resources; nothing is read anymore."""

    def __len__(self) -> int:
        return len(self.indices)

    @overload
    def __getitem__(self, index: int) -> NDArray[Any]: ...

    @overload
    def __getitem__(self, index: slice) -> Stack: ...

    def __getitem__(self, index: int | slice) -> NDArray[Any] | Stack:
        if isinstance(index, slice):
            part = object.__new__(type(self))
            part.__dict__.update(self.__dict__)
            part.indices = self.indices[index]
            return part
        try:
            chosen = self.indices[index]  # `range` resolves negative indices
        except IndexError:
            number = len(self)
            raise IndexError(f"there is no image {index}: the stack has {number} images") from None
        return self._read(chosen)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.shape} {self.dtype}>"


class ArrayStack(Stack):
    """Images in memory, or in any sequence of images.

    :param images: shape `(N, H, W)`: an array, also a lazy one that is read when it is indexed
        (h5py, zarr, Dask, xarray) or one of another package (`__array__`, `__array_interface__`,
        DLPack), or a sequence of N images of shape `(H, W)`. A list or tuple may contain images as
        nested lists. If pixels are masked, they become NaN and the images are floating point.
    :param chunk_starts: where the chunks of a lazy array begin along its first axis, and its
        length, if the array does not know it. A chunk is read as a whole, so that it is read once.
    :raises ValueError: if there are no images, their number is unknown, or an image does not have
        two dimensions or the shape of image 0.
    :raises TypeError: if the pixels are not real numbers, or these are not images.
    """

    def __init__(self, images: Any, chunk_starts: Sequence[int] = ()) -> None:
        images = _as_images(images)
        # A list was made here, but of the given images.
        self._lock = _find_lock(images[0] if isinstance(images, list) and images else images)
        self._first: NDArray[Any] | None = None
        if isinstance(images, list):
            if not images:
                raise ValueError("there are no images")
            dtype = numpy.result_type(*{_pixel_type(image) for image in images})
            super().__init__((len(images), *images[0].shape), dtype)
            for n, image in enumerate(images):
                self._check_shape(image, n)
        elif _is_array(images):
            super().__init__(images.shape, _pixel_type(images))
            if not isinstance(images, numpy.ndarray):
                self._chunk_starts = chunk_starts or _find_chunk_starts(images)
        elif len(images) == 0:
            raise ValueError("there are no images")
        else:
            # Reading may be slow: read only one image, and keep it until it is needed.
            with self._lock:
                self._first = _as_image(images[0], 0)
            super().__init__((len(images), *self._first.shape), _pixel_type(self._first))
        self._source = images
        self._in_memory = isinstance(images, numpy.ndarray) or (
            isinstance(images, list) and all(isinstance(each, numpy.ndarray) for each in images)
        )
        self._blocks = Blocks()

    def _read(self, index: int) -> NDArray[Any]:
        if self._in_memory:
            image: NDArray[Any] = self._source[index]
        else:
            try:
                image = self._read_lazy(index)
            except Exception as error:  # foreign code may raise anything
                _check_open(self._source)
                known = isinstance(error, (OSError, TypeError, ValueError))
                if known and str(error) and "\n" not in str(error):
                    raise
                raise add_context(error, "cannot be read") from error
        self._check_shape(image, index)
        if isinstance(image, numpy.ma.MaskedArray):
            return as_floating(image)
        # The pixels may be of a larger type than the declared one, as with scaled integers.
        if numpy.can_cast(image.dtype, self.dtype, "safe"):
            return image.astype(self.dtype, copy=False)
        return image

    def _read_lazy(self, index: int) -> NDArray[Any]:
        together = self._together(index)
        if len(together) > 1:
            size = self.dtype.itemsize * math.prod(self._image_shape)
            return self._blocks.image(index, together, size, self._read_block)
        with self._lock:
            if index == 0 and self._first is not None:
                first, self._first = self._first, None
                return first
            return _as_image(self._source[index], index)

    def _read_block(self, images: range) -> NDArray[Any]:
        with self._lock:
            return numpy.asanyarray(self._source[images.start : images.stop])

    def _check_shape(self, image: NDArray[Any], index: int) -> None:
        if image.shape != self._image_shape:
            raise ValueError(
                f"image {index} has the shape {tuple(image.shape)}, image 0 {self._image_shape}:"
                " all images of a stack need the same shape"
            )

    def __getstate__(self) -> dict[str, Any]:
        """Send only the images of this part of the stack to another process."""
        state = self.__dict__.copy()
        if self._in_memory:
            indices = self.indices
            state["_source"] = (
                self._source[indices.start : indices.stop]
                if indices.step == 1
                else [self._source[n] for n in indices]
            )
            state["indices"] = range(len(indices))
        del state["_lock"]
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state, _lock=threading.Lock())  # in a process of its own


def as_stack(images: Any) -> Stack:
    """Wrap any container of images in a :class:`Stack`; see :class:`ArrayStack`."""
    return images if isinstance(images, Stack) else ArrayStack(images)


def as_array(value: Any) -> Any:
    """Convert any array to a numpy array, without a copy if possible; masks are kept.

    :raises ValueError: if it is an h5py dataset of a closed file.
    """
    _check_open(value)
    if not hasattr(value, "__array__") and hasattr(value, "__dlpack__"):
        return numpy.from_dlpack(value)
    if not hasattr(value, "__array__") and hasattr(value, "asarray"):  # a page of a TIFF file
        return numpy.asanyarray(value.asarray())
    return numpy.asanyarray(value)


def has_array_interface(value: Any) -> bool:
    """Whether :func:`as_array` converts a value as a whole, not item by item."""
    interfaces = ("__array__", "__array_interface__", "__array_struct__", "__dlpack__")
    return any(hasattr(value, each) for each in interfaces)


def _as_images(images: Any) -> Any:
    """Convert to a list of arrays of shape `(H, W)`, an array (:func:`_is_array`), or another
    sequence."""
    if isinstance(images, (list, tuple)):
        return [
            image if _is_array(image) and image.ndim == 2 else _as_image(image, n)
            for n, image in enumerate(images)
        ]
    if isinstance(images, (str, bytes, Mapping)):
        raise TypeError(f"expected arrays or a URL, not {type(images).__name__}")
    if not _is_array(images):
        if isinstance(images, memoryview) or has_array_interface(images):
            images = as_array(images)
        elif not hasattr(images, "__getitem__") or not hasattr(images, "__len__"):
            raise TypeError(f"expected arrays or a URL, not {type(images).__name__}")
        else:
            return images
    shape = images.shape
    if shape is None:
        raise ValueError("there are no images: the dataset is empty")
    if any(math.isnan(length) for length in shape):
        raise ValueError(
            "the number of images is unknown, as in a Dask array with chunks of unknown size: call"
            " its method compute_chunk_sizes() first"
        )
    if len(shape) == 1 and images.dtype.kind == "O":
        return _as_images(list(images))
    return images


def _is_array(images: Any) -> bool:
    """Whether an object has a shape and a type, and can be indexed like an array."""
    _check_open(images)
    dtype = getattr(images, "dtype", None)
    return isinstance(dtype, numpy.dtype) and all(
        hasattr(images, each) for each in ("shape", "__getitem__")
    )


def _check_open(images: Any) -> None:
    """:raises ValueError: if it is an h5py dataset of a closed file, or a view of one."""
    if type(images).__module__.startswith("h5py."):
        try:
            is_open = bool(images)
        except Exception:  # a view asks its dataset how long it is
            is_open = False
        if not is_open:
            raise ValueError("the file of the h5py dataset is closed: give its URL")


def _find_chunk_starts(images: Any) -> Sequence[int]:
    """Find where the chunks of a lazy array begin along its first axis, and where the last ends."""
    try:
        chunks = getattr(images, "chunks", None)
        if chunks is None:
            encoding = getattr(images, "encoding", {})  # of xarray
            chunks = encoding.get("chunks") or encoding.get("chunksizes")
    except Exception:  # the chunks are optional
        chunks = None
    length = chunks[0] if chunks else 1
    if isinstance(length, tuple):  # Dask
        return [0, *accumulate(int(each) for each in length)]
    return [*range(0, images.shape[0], int(length)), images.shape[0]]


def _pixel_type(images: Any) -> numpy.dtype[Any]:
    dtype: numpy.dtype[Any] = images.dtype
    masked = isinstance(images, numpy.ma.MaskedArray) and dtype.kind in "biuf"
    return floating_type(dtype) if masked else dtype


def _as_image(image: Any, index: int) -> NDArray[Any]:
    _check_open(image)
    try:
        pixels: NDArray[Any] = as_array(image)
    except ValueError:
        raise ValueError(f"the rows of image {index} have different lengths") from None
    if pixels.ndim == 0 and pixels.dtype.kind not in "biufc":
        raise TypeError(f"image {index} is of type {type(image).__name__}, not an array of pixels")
    if pixels.ndim != 2:
        raise ValueError(
            f"image {index} has the shape {pixels.shape}, an image needs rows and columns"
        )
    return pixels
