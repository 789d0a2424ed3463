"""Keep stacks of images, in memory or in an HDF5 file."""

from __future__ import annotations

from abc import ABC
from abc import abstractmethod
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import ExitStack
from contextlib import contextmanager
from contextlib import suppress
from typing import Any
from uuid import uuid4

import h5py
import numpy
from numpy.typing import ArrayLike
from numpy.typing import NDArray
from silx.io.url import DataUrl

from .._pixels import as_floating
from .._stacks import ArrayStack
from . import _nexus as nexus
from ._output_group import check_dataset_names
from ._output_group import check_free
from ._output_group import find_group
from ._staging import StagedFile
from ._staging import staged_file
from ._urls import url_text
from .input_stack import InputStacks
from .input_stack import StackUrls

# Half the size at 80 MB/s; LZF takes 0.64 at 130 MB/s and few programs read it, gzip at level 4
# 0.46 at 50 MB/s (float32 images of interpolated counts, 512 x 512).
_COMPRESSION = {"compression": "gzip", "compression_opts": 1, "shuffle": True}


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

    :param staged: the file into which they are written.
    :param url: of the group to which they will move.
    :param compress: whether images are compressed.
    """

    def __init__(self, staged: StagedFile, url: DataUrl, *, compress: bool = True) -> None:
        self._staged: StagedFile | None = staged
        self._group = nexus.create_plot_group(staged.file, str(url.data_path()))
        self._url = url
        self._compression = _COMPRESSION if compress else {}
        self._datasets: dict[str, h5py.Dataset] = {}

    @property
    def url(self) -> DataUrl:
        """Of the group."""
        return self._url

    @property
    def file(self) -> h5py.File:
        """The new file. Whatever else is put there moves with the stacks."""
        return self._group.file

    def reserve(self, names: Iterable[str]) -> None:
        """Make sure that stacks of these names can be written.

        :raises ValueError: when HDF5 cannot have datasets of these names side by side.
        :raises FileExistsError: when the file has something of such a name already.
        """
        names = list(names)
        check_dataset_names(names)
        check_free(self._url, names)

    def add_point(self, name: str, image: ArrayLike) -> None:
        if self._staged is None:
            raise ValueError(f"{url_text(self._url)!r} is finished: write inside `output_context`")
        pixels = _without_mask(image)
        dataset = self._datasets.get(name)
        if dataset is None:
            _check_fits(name, pixels, 0, None, None)
            dataset = self._create_dataset(name, pixels)
        else:
            _check_fits(name, pixels, len(dataset), dataset.shape[1:], dataset.dtype)
        self._staged.reserve(pixels.nbytes)
        dataset.resize(len(dataset) + 1, axis=0)
        dataset[-1] = pixels

    def _create_dataset(self, name: str, image: NDArray[Any]) -> h5py.Dataset:
        self.reserve([*self._datasets, name])
        dataset = self._group.create_dataset(
            name,
            shape=(0, *image.shape),
            maxshape=(None, *image.shape),
            chunks=(1, *image.shape),
            dtype=image.dtype,
            **self._compression,
        )
        self._datasets[name] = dataset
        return dataset

    def describe(
        self,
        *,
        signal: str,
        inputs: Mapping[str, Any],
        title: str = "Aligned images",
        axes: Sequence[nexus.Axis | None] = (),
        units: Mapping[str, str] | None = None,
        plots: Mapping[str, nexus.Plot] | None = None,
        matrices: Mapping[str, ArrayLike] | None = None,
    ) -> None:
        """Make viewers show the stacks, and say beside them how they came to be.

        In the file, a group `/entry/aligned` gets no more than attributes. Beside it appears
        `/entry/aligned_evaluation`, and in the root group `evaluation`, with a number behind where
        that name is taken.

        :param signal: the stack that is shown first.
        :param inputs: what the stacks were made from, JSON-able and without NaN.
        :param title: what the images are.
        :param axes: of images, rows and columns.
        :param units: of the pixels, by stack name.
        :param plots: what else was found, by the name of its group.
        :param matrices: registrations by name: passive matrices of shape `(N, 3, 3)`.
        """
        if self._staged is None:
            raise ValueError(f"{url_text(self._url)!r} is finished: write inside `output_context`")
        for name, unit in (units or {}).items():
            self._datasets[name].attrs["units"] = unit
        names = [signal, *(name for name in self._datasets if name != signal)]
        nexus.plot_images(self._group, names[0], names[1:])
        self._group.attrs["title"] = title
        shape = self._datasets[signal].shape
        links = {
            name.replace("/", "_"): h5py.SoftLink(self._datasets[name].name)
            for name in names
            if self._datasets[name].shape == shape
        }
        parent, name = self._evaluation_group()
        # In memory first: what it takes on the disk has to be known before it is written.
        with h5py.File(uuid4().hex, "w", driver="core", backing_store=False) as memory:
            process = nexus.write_process(memory, name, inputs)
            nexus.write_plot(process, "stacks", nexus.Plot(title, links, axes=axes))
            for key, plot in (plots or {}).items():
                nexus.write_plot(process, key, plot)
            nexus.write_matrices(process, "transformations", matrices or {})
            process.attrs["default"] = "stacks"
            self._staged.reserve(memory.id.get_filesize())
            memory.copy(process, parent, name=name)
        parent.attrs["default"] = name

    def _evaluation_group(self) -> tuple[h5py.Group, str]:
        parent = self._group.parent
        name = self._group.name.rpartition("/")[2]
        return parent, nexus.free_name(parent, f"{name}_evaluation" if name else "evaluation")

    def data_for_input(self) -> dict[str, DataUrl]:
        urls = {name: self._stack_url(name) for name in self._datasets}
        return StackUrls(urls, self._unfinished)

    def finish(self) -> None:
        """Nothing is added any more; what was added is found at its URL."""
        self._staged = None

    def _unfinished(self) -> InputStacks | None:
        if self._staged is None:
            return None
        return InputStacks({name: ArrayStack(data) for name, data in self._datasets.items()})

    def _stack_url(self, name: str) -> DataUrl:
        group = str(self._url.data_path()).rstrip("/")
        return DataUrl(file_path=self._url.file_path(), data_path=f"{group}/{name}")


@contextmanager
def output_context(url: str | DataUrl | None = None) -> Iterator[OutputStacks]:
    """Collect stacks of images.

    :param url: of the HDF5 group for the stacks, one dataset each; it, its parents and the file
        are created where they are missing. None keeps the images in memory.

    The file is not touched before the context ends. It then receives all stacks, or, when
    anything failed, none.

    :raises ValueError: when the URL has a slice, or goes through a link to another file.
    :raises FileExistsError: when something to be written exists already, naming it.
    :raises OSError: when the file cannot be written.
    """
    if url is None:
        yield MemoryOutputStacks()
    else:
        with hdf5_output_context(url) as output:
            yield output


def check_output(url: str | DataUrl, names: Iterable[str]) -> None:
    """Make sure, before the work, that stacks of these names can be saved in a group.

    :raises ValueError: as :func:`output_context`.
    :raises OSError: as :func:`output_context`, also when something of such a name exists.
    """

    class Checked(Exception):
        """Ends the context without a result."""

    with suppress(Checked), hdf5_output_context(url) as output:
        output.reserve(names)
        raise Checked


@contextmanager
def hdf5_output_context(url: str | DataUrl, *, compress: bool = True) -> Iterator[Hdf5OutputStacks]:
    """:func:`output_context` for a file.

    :param compress: whether images are compressed.
    """
    group = find_group(url)
    with ExitStack() as stack:
        staged = stack.enter_context(staged_file(str(group.file_path())))
        output = Hdf5OutputStacks(staged, group, compress=compress)
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
