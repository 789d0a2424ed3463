"""The part of an HDF5 dataset that is a stack, and which of its images are stored together."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

import h5py
import numpy
from numpy.typing import NDArray

from ._virtual import virtual_chunks


class Selection:
    """What a URL selects of a dataset: images of shape `(H, W)` when it is a stack.

    :param dataset: is not kept.
    :param data_slice: an index, a slice or `Ellipsis` per axis; None selects everything.
    :raises ValueError: when the slice does not fit the dataset.
    """

    def __init__(self, dataset: h5py.Dataset, data_slice: tuple[int | slice, ...] | None) -> None:
        if dataset.shape is None:
            raise ValueError("the dataset is empty")
        self._selectors = _one_selector_per_axis(dataset.shape, data_slice or ())
        self._axes = [
            axis for axis, selector in enumerate(self._selectors) if isinstance(selector, range)
        ]
        self.shape = tuple(len(self._selectors[axis]) for axis in self._axes)
        self._chunks = _Chunks(dataset, self._axes[0]) if self._axes else None

    def stored_together(self, index: int) -> range:
        """The images of the selection that share chunks with image number `index`, itself
        included; HDF5 decompresses a chunk as a whole."""
        if self._chunks is None:
            return range(index, index + 1)
        selector: range = self._selectors[self._axes[0]]
        start, stop = self._chunks.around(selector[index])
        origin, step = selector.start, selector.step
        if step < 0:
            origin, step, start, stop = -origin, -step, 1 - stop, 1 - start
        # Rounded up: start <= origin + n step < stop.
        first, end = -((origin - start) // step), -((origin - stop) // step)
        return range(max(first, 0), min(end, len(selector)))

    def read(self, dataset: h5py.Dataset, images: range) -> NDArray[Any]:
        """Some images of the selected part, shape `(len(images), H, W)`."""
        selectors: list[int | slice] = []
        flips = []
        for axis, selector in enumerate(self._selectors):
            if not isinstance(selector, range):
                selectors.append(selector)
                continue
            if axis == self._axes[0]:
                selector = selector[images.start : images.stop]
            # HDF5 reads forwards only.
            forwards = selector if selector.step > 0 else selector[::-1]
            selectors.append(slice(forwards.start, forwards.stop, forwards.step))
            flips.append(slice(None, None, 1 if selector.step > 0 else -1))
        return numpy.asarray(dataset[tuple(selectors)][tuple(flips)])


class _Chunks:
    """Where the chunks of a dataset begin and end along one axis.

    Those of a virtual dataset are the chunks of its sources, as long as these have the same axes;
    the chunks of the first source speak for all.
    """

    def __init__(self, dataset: h5py.Dataset, axis: int) -> None:
        # Per source: where it begins, where it ends, a place where a chunk begins.
        self._sources: list[tuple[int, int, int]] = [(0, dataset.shape[axis], 0)]
        if dataset.is_virtual:
            self._length, self._sources = virtual_chunks(dataset, axis)
        else:
            self._length = dataset.chunks[axis] if dataset.chunks else 1

    def around(self, position: int) -> tuple[int, int]:
        """Where the chunk that holds a position begins and ends."""
        nearest = bisect_right(self._sources, position, key=lambda source: source[0]) - 1
        begin, end, origin = self._sources[max(nearest, 0)] if self._sources else (0, 0, 0)
        if not begin <= position < end:
            return position, position + 1
        start = position - (position - origin) % self._length
        return max(start, begin), min(start + self._length, end)


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
