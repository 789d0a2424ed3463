"""Keep stacks of images, in memory or in an HDF5 file."""

from __future__ import annotations

import os
from abc import ABC
from abc import abstractmethod
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from contextlib import ExitStack
from contextlib import contextmanager
from typing import Any

import h5py
import numpy
from numpy.typing import ArrayLike
from numpy.typing import NDArray
from silx.io.url import DataUrl

from .._pixels import as_floating
from .._stacks import ArrayStack
from . import _nexus as nexus
from ._output_places import check_dataset_names
from ._output_places import check_free
from ._output_places import check_group
from ._output_places import process_name
from ._staging import staged_file
from ._urls import as_data_url
from ._urls import url_text
from .input_stack import InputStacks
from .input_stack import StackUrls


class OutputStacks(ABC):
    """Collects images by stack name; see :func:`output_context`."""

    @abstractmethod
    def add_point(self, name: str, image: ArrayLike) -> None:
        """Append an image of shape `(H, W)` to a stack.

        :raises ValueError: when its shape is not that of the images before.
        :raises TypeError: when its type does not fit in that of the images before.
        :raises FileExistsError: when the file has something of this name already.
        """

    def add_points(self, name: str, images: Iterable[ArrayLike]) -> None:
        """Append images of shape `(H, W)` to a stack, one at a time."""
        for image in images:
            self.add_point(name, image)

    @abstractmethod
    def data_for_input(self) -> dict[str, list[NDArray[Any]]] | dict[str, DataUrl]:
        """What was added, in a form that :func:`.input_context` takes, now and later."""


class MemoryOutputStacks(OutputStacks):
    """Keeps images in lists."""

    def __init__(self) -> None:
        self._stacks: dict[str, list[NDArray[Any]]] = {}

    def add_point(self, name: str, image: ArrayLike) -> None:
        # A copy: the caller may fill the same array again for the next image.
        pixels = numpy.array(_without_mask(image))
        images = self._stacks.get(name, [])
        shape, dtype = (images[0].shape, images[0].dtype) if images else (None, None)
        _check_fits(name, pixels, len(images), shape, dtype)
        self._stacks.setdefault(name, images).append(pixels)

    def data_for_input(self) -> dict[str, list[NDArray[Any]]]:
        return {name: list(images) for name, images in self._stacks.items()}


class Hdf5OutputStacks(OutputStacks):
    """Keeps every stack in a dataset of an HDF5 group.

    :param group: where the datasets are written.
    :param url: of the group into which they will move.
    :param check: raises OSError when something could not be written.
    """

    def __init__(self, group: h5py.Group, url: DataUrl, check: Callable[[], None]) -> None:
        self._group: h5py.Group | None = group
        self._url = url
        self._check = check
        self._datasets: dict[str, h5py.Dataset] = {}

    def reserve(self, names: Iterable[str]) -> None:
        """Make sure that stacks of these names and their description can be written.

        :raises ValueError: when HDF5 cannot have datasets of these names side by side.
        :raises FileExistsError: when the file has something of such a name already.
        """
        names = list(names)
        check_dataset_names(names)
        for name in (*names, process_name(names)):
            check_free(self._stack_url(name))

    def add_point(self, name: str, image: ArrayLike) -> None:
        if self._group is None:
            raise ValueError(f"{url_text(self._url)!r} is finished: write inside `output_context`")
        pixels = _without_mask(image)
        dataset = self._datasets.get(name)
        if dataset is None:
            _check_fits(name, pixels, 0, None, None)
            dataset = self._create_dataset(self._group, name, pixels)
        else:
            _check_fits(name, pixels, len(dataset), dataset.shape[1:], dataset.dtype)
        dataset.resize(len(dataset) + 1, axis=0)
        dataset[-1] = pixels
        self._check()

    def _create_dataset(self, group: h5py.Group, name: str, image: NDArray[Any]) -> h5py.Dataset:
        check_dataset_names([*self._datasets, name])
        check_free(self._stack_url(name))
        dataset = group.create_dataset(
            name,
            shape=(0, *image.shape),
            maxshape=(None, *image.shape),
            chunks=(1, *image.shape),
            dtype=image.dtype,
        )
        self._datasets[name] = dataset
        return dataset

    def describe(
        self, *, signal: str, inputs: Mapping[str, Any], results: Mapping[str, Any]
    ) -> None:
        """Make viewers show one stack first and say how the stacks came to be.

        :param signal: the stack that is shown first.
        :param inputs: what the stacks were made from, JSON-able.
        :param results: numbers, text or arrays by name.
        """
        others = [name for name in self._datasets if name != signal]
        nexus.plot_images(self._group, signal, others)
        nexus.write_process(self._group, process_name(self._datasets), inputs, results)

    def data_for_input(self) -> dict[str, DataUrl]:
        urls = {name: self._stack_url(name) for name in self._datasets}
        return StackUrls(urls, self._unfinished)

    def finish(self) -> None:
        """Nothing is added any more; what was added is found at its URL."""
        self._group = None

    def _unfinished(self) -> InputStacks | None:
        if self._group is None:
            return None
        return InputStacks({name: ArrayStack(data) for name, data in self._datasets.items()})

    def _stack_url(self, name: str) -> DataUrl:
        return DataUrl(
            file_path=self._url.file_path(),
            data_path=f"{self._url.data_path()}/{name}",
        )


@contextmanager
def output_context(url: str | DataUrl | None = None) -> Iterator[OutputStacks]:
    """Collect stacks of images.

    :param url: of the HDF5 group for the stacks, one dataset each; it, its parents and the file
        are created where they are missing. None keeps the images in memory.

    The file is not touched before the context ends. It then receives all stacks, or, when
    anything failed, none.

    :raises ValueError: when the URL names no group inside a file.
    :raises FileExistsError: when something to be written exists already, naming it.
    :raises OSError: when the file cannot be written.
    """
    if url is None:
        yield MemoryOutputStacks()
    else:
        with hdf5_output_context(url) as output:
            yield output


@contextmanager
def hdf5_output_context(url: str | DataUrl) -> Iterator[Hdf5OutputStacks]:
    """:func:`output_context` for a file."""
    group_url = as_data_url(url)
    check_group(group_url)
    # The place stays the same when the current folder changes.
    group_url = DataUrl(
        file_path=os.path.abspath(str(group_url.file_path())), data_path=group_url.data_path()
    )
    with ExitStack() as stack:
        staged = stack.enter_context(staged_file(str(group_url.file_path())))
        group = nexus.create_plot_group(staged.file, str(group_url.data_path()))
        output = Hdf5OutputStacks(group, group_url, staged.check)
        stack.callback(output.finish)
        yield output


def _without_mask(image: ArrayLike) -> NDArray[Any]:
    """Masked pixels are invalid, so that they become NaN; other images stay what they are."""
    return as_floating(image) if numpy.ma.isMaskedArray(image) else numpy.asarray(image)


def _check_fits(
    name: str,
    image: NDArray[Any],
    index: int,
    shape: tuple[int, ...] | None,
    dtype: numpy.dtype[Any] | None,
) -> None:
    if image.ndim != 2 or (shape is not None and image.shape != shape):
        expected = "two dimensions" if shape is None else f"the shape {shape}"
        raise ValueError(
            f"Image {index} for stack {name!r} has the shape {image.shape}, not {expected}"
        )
    if dtype is not None and not numpy.can_cast(image.dtype, dtype, "safe"):
        raise TypeError(
            f"Image {index} for stack {name!r} is of type {image.dtype}, which does not fit in the"
            f" {dtype} of the images before it"
        )
