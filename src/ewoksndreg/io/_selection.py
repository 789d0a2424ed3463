"""The part of an HDF5 dataset that a URL selects."""

from __future__ import annotations

import math
from typing import Any

import h5py
import numpy
from numpy.typing import NDArray


class Selection:
    """The selection of a dataset by a URL: images of shape `(H, W)` if it is a stack.

    :param shape: shape of the dataset; None if it is empty.
    :param data_slice: an index, a slice or `Ellipsis` per axis; None selects everything.
    :param chunk: shape of the chunks of the dataset, if it has any.
    :raises ValueError: if the dataset is empty or the slice does not fit.
    """

    def __init__(
        self,
        shape: tuple[int, ...] | None,
        data_slice: tuple[int | slice, ...] | None,
        chunk: tuple[int, ...] | None = None,
    ) -> None:
        if shape is None:
            raise ValueError("the dataset is empty")
        self._selectors = select(shape, data_slice)
        axes = [axis for axis, each in enumerate(self._selectors) if isinstance(each, range)]
        self.shape = tuple(len(self._selectors[axis]) for axis in axes)
        self._image_axis = axes[0] if axes else None
        self._chunk = chunk

    def read(self, dataset: h5py.Dataset, images: range | None = None) -> NDArray[Any]:
        """Read the selection, or some of its images, shape `(len(images), H, W)`."""
        selectors: list[int | slice] = []
        flips = []
        for axis, selector in enumerate(self._selectors):
            if not isinstance(selector, range):
                selectors.append(selector)
                continue
            if axis == self._image_axis and images is not None:
                selector = selector[images.start : images.stop]
            # HDF5 only reads forward.
            forwards = selector if selector.step > 0 else selector[::-1]
            selectors.append(slice(forwards.start, forwards.stop, forwards.step))
            flips.append(slice(None, None, 1 if selector.step > 0 else -1))
        return numpy.asarray(dataset[tuple(selectors)][tuple(flips)])

    def together(self, index: int) -> range:
        """The images that share chunks with an image, including itself."""
        if self._chunk is None or self._image_axis is None:
            return range(index, index + 1)
        selector: range = self._selectors[self._image_axis]
        length = self._chunk[self._image_axis]
        start = selector[index] // length * length
        stop, origin, step = start + length, selector.start, selector.step
        if step < 0:
            origin, step, start, stop = -origin, -step, 1 - stop, 1 - start
        # Rounded up: start <= origin + n step < stop.
        first, end = -((origin - start) // step), -((origin - stop) // step)
        return range(max(first, 0), min(end, len(selector)))

    def pixels_together(self) -> int:
        """The total number of pixels of the chunks that contain an image, if they also contain
        other images; otherwise 0."""
        if len(self.shape) != 3 or self._chunk is None or self._image_axis is None:
            return 0
        if self._chunk[self._image_axis] == 1:
            return 0
        pixels = math.prod(self._chunk)
        for axis, selector in enumerate(self._selectors):
            if isinstance(selector, range) and axis != self._image_axis and selector:
                ends = selector[0] // self._chunk[axis], selector[-1] // self._chunk[axis]
                pixels *= max(ends) - min(ends) + 1
        return pixels


def select(shape: tuple[int, ...], data_slice: tuple[Any, ...] | None) -> list[Any]:
    """Convert to one selector per axis: a range of indices, or an index, which removes the axis."""
    selectors = list(data_slice or ())
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
                f"the slice has the index {selector} for an axis of length {size}"
            ) from None
    return resolved
