"""Keep stacks of images, in memory or in an HDF5 file."""

from __future__ import annotations

import os
import posixpath
import re
from abc import ABC
from abc import abstractmethod
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from contextlib import ExitStack
from contextlib import contextmanager
from contextlib import suppress
from itertools import pairwise
from typing import Any
from uuid import uuid4

import h5py
import numpy
from numpy.typing import ArrayLike
from numpy.typing import NDArray
from silx.io.url import DataUrl

from .._pixels import as_floating
from . import _nexus as nexus
from ._hdf5_files import find_item
from ._hdf5_files import open_to_read
from ._open_to_write import writable
from ._staging import StagedFile
from ._staging import staged_file
from ._urls import as_data_url
from ._urls import url_text

# Control characters, and what is not Unicode. HDF5 keeps neither.
_NOT_IN_NAMES = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
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
        """What was added, in a form that :func:`.input_context` takes: lists of images, or URLs of
        what is in the file when the context has ended."""


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
        _check_dataset_names(names)
        _check_free(self._url, names)

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
        values: Mapping[str, Mapping[str, Any]] | None = None,
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
        :param values: what was found and is not drawn, by the name of its group; see
            :func:`.write_values`.
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
            for key, group in (values or {}).items():
                nexus.write_values(process, key, group)
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
        path, group = self._url.file_path(), str(self._url.data_path())
        return {
            name: DataUrl(file_path=path, data_path=posixpath.join(group, name))
            for name in self._datasets
        }

    def finish(self) -> None:
        """Nothing is added any more; what was added is found at its URL."""
        self._staged = None


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
    group = _find_group(url)
    with ExitStack() as stack:
        staged = stack.enter_context(staged_file(str(group.file_path())))
        output = Hdf5OutputStacks(staged, group, compress=compress)
        stack.callback(output.finish)
        yield output


def _check_dataset_names(names: Sequence[str]) -> None:
    """Refuse names that HDF5 does not take, or takes for something else: one that begins with a
    slash would be written outside the group.

    :raises ValueError: names the stack, or both of two that stand in each other's way.
    """
    for name in names:
        if _NOT_IN_NAMES.search(name) or {"", ".", ".."} & set(name.split("/")):
            raise ValueError(
                f"A stack called {name!r} cannot be saved: parts of a name, between slashes, are"
                " not empty, '.' or '..' and hold no control characters"
            )
    # Sorted by parts, a group comes right before what it holds.
    in_order = sorted(names, key=lambda name: name.split("/"))
    for outer, inner in pairwise(in_order):
        if inner.startswith(f"{outer}/"):
            raise ValueError(
                f"Stacks {outer!r} and {inner!r} cannot be saved side by side: one is a dataset"
                " where the other needs a group"
            )


def _find_group(url: str | DataUrl) -> DataUrl:
    """The group of an output URL, in the file to which symbolic links lead.

    :raises ValueError: when the URL names no group, or one behind a link to another file.
    :raises FileExistsError: when there is a dataset on the way to it.
    :raises OSError: when the file cannot be written, is being written, or is open in this process.
    """
    given = as_data_url(url)
    if given.data_slice() is not None:
        raise ValueError(
            f"The output URL {url_text(given)!r} must name a group, without a slice, for example"
            f" '{given.file_path()}::/entry/aligned'"
        )
    path = str(given.file_path())
    if not os.path.basename(path):
        raise ValueError(f"The output URL {url_text(given)!r} names a folder, not a file")
    first = path.partition(os.sep)[0]
    if first != path and first.startswith(("~", "$")) and not os.path.exists(first):
        raise ValueError(
            f"The output URL {url_text(given)!r} begins with {first!r}, which is no folder: write"
            " its path in full"
        )
    # The place stays the same when the current folder or a link changes.
    group = DataUrl(file_path=os.path.realpath(path), data_path=given.data_path())
    _check_free(group, ())
    return group


def _check_free(group: DataUrl, stacks: Iterable[str]) -> None:
    """Make sure that stacks of these names can be written into a group.

    :raises ValueError: when the group, or a stack, is behind a link to another file.
    :raises FileExistsError: when the file has something of such a name already.
    :raises OSError: as :func:`_find_group`.
    """
    path = str(group.file_path())
    if os.path.islink(path):
        raise OSError(f"Cannot write to {path!r}: it is a link that leads to itself")
    if not os.path.exists(path):
        return
    if os.path.isdir(path):
        raise OSError(f"{path!r} is a folder, not an HDF5 file")
    with writable(path), open_to_read(path) as file:
        found = _follow(file, str(group.data_path()), group)
        for name in stacks:
            parent, _, last = name.rpartition("/")
            holder = None if found is None else _follow(found, parent, group)
            if holder is not None and holder.get(last, getlink=True) is not None:
                taken = f"{url_text(group).rstrip('/')}/{name}"
                raise FileExistsError(f"{taken!r} exists already: choose another output URL")


def _follow(start: h5py.Group, names: str, url: DataUrl) -> h5py.Group | None:
    """A group below another one; None where it does not exist yet."""
    group = start
    for name in filter(None, names.split("/")):
        link = group.get(name, getlink=True)
        if link is None:
            return None
        through = (
            f"The output URL {url_text(url)!r} goes through '{group.name.rstrip('/')}/{name}',"
        )
        item = find_item(group, name)
        if item is None:
            target = f"{getattr(link, 'filename', '')}::{link.path}".removeprefix("::")
            raise ValueError(
                f"{through} a link to {target!r}, where nothing can be read: choose another group"
            )
        if isinstance(link, h5py.ExternalLink):
            raise ValueError(
                f"{through} a link to another file: choose a group of"
                f" '{item.file.filename}::{item.name}', where it leads"
            )
        if not isinstance(item, h5py.Group):
            raise FileExistsError(f"{through} which is a dataset: choose another group")
        if isinstance(link, h5py.SoftLink):  # perhaps through a link to another file
            item = _follow(start.file if link.path.startswith("/") else group, link.path, url)
        group = item
    return group


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
